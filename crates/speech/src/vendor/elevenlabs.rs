//! ElevenLabs' voices.
