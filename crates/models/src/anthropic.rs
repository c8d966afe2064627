//! Anthropic's messages, streamed.
