//! Stories: whole calls as tables of what the caller does and what the agent does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod stories {
    mod booking;
    mod breaks;
    mod changes;
    mod hotel;
    mod load;
    mod policies;
    mod properties;
    mod requests;
    mod unreached;
}
