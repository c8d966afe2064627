//! Errors, in the vendor's words.

use serde_json::{Value, json};

/// What the vendor says with a code.
pub(super) fn sentence(code: &str) -> &'static str {
    match code {
        "invalid_api_key" => "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        "rate_limit_exceeded" => "Rate limit reached. Please try again later.",
        "missing_model" => "You must provide a model parameter.",
        "beta_api_shape_disabled" => "The beta shape of the Realtime API is disabled. Use the GA shape and no OpenAI-Beta header.",
        "input_audio_buffer_commit_empty" => {
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer is smaller."
        }
        "response_cancel_not_active" => "Cancellation failed: no active response found",
        "conversation_already_has_active_response" => {
            "Conversation already has an active response in progress. Wait until the response is finished before creating a new one."
        }
        "item_truncate_invalid_item_id" => "Error truncating item: item with item_id not found.",
        "invalid_value" => "Invalid value.",
        "missing_required_parameter" => "Missing required parameter.",
        "unknown_parameter" => "Unknown parameter.",
        "cannot_update_voice" => "Cannot update a conversation's voice if assistant audio is present.",
        "invalid_tool_call_id" => "Tool call ID not found in conversation.",
        "invalid_event" | "invalid_json" => "Invalid event received.",
        _ => "The server had an error while processing your request. Sorry about that!",
    }
}

/// What is wrong with a client's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) param: Option<String>,
}

impl Wrong {
    pub(super) fn new(code: &'static str) -> Self {
        Self { code, param: None }
    }

    pub(super) fn at(code: &'static str, param: impl Into<String>) -> Self {
        Self { code, param: Some(param.into()) }
    }

    /// The `error` event about the client's event of this id.
    pub(super) fn event(&self, about: &Value) -> Value {
        json!({ "type": "error", "error": {
            "type": "invalid_request_error", "code": self.code, "message": sentence(self.code), "param": self.param, "event_id": about,
        }})
    }
}
