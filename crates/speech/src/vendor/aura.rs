//! Deepgram's voices.
