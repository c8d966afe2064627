//! OpenAI's Realtime sessions, and Azure's.
