//! OpenAI's transcription and voices, and everything that speaks their protocol.
