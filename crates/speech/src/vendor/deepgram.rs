//! Deepgram's live transcription.
