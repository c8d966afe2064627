//! Stories: whole calls over a socket made of channels, with a far end that plays what it is sent.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

mod stories {
    mod breaks;
    mod echo;
    mod far_end;
    mod hold;
    mod house;
    mod owed;
    mod sound;
    mod talk_over;
}
