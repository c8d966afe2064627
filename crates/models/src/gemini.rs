//! Google's Live sessions.
