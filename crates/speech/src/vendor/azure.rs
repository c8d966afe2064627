//! Azure Speech's voices.
