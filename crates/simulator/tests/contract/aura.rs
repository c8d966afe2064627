//! The contract of this adapter.
