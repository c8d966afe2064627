//! Chat completions, streamed, as OpenAI and all that speak its protocol have them.
