//! Metrics as a scrape shows them: stories of calls, the official checkers, and the operator's reference page.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the whole binary is tests; the lint only spares functions marked as such")]

mod official;
mod page;
mod scrape;
mod stories;
mod surroundings;
