//! The Redis adapter on real servers: what it promises, and what it does when they fail.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod redis {
    mod chaos;
    mod cluster;
    mod phrases;
    mod rates;
    mod single;
    mod stage;
    mod strange;
}
