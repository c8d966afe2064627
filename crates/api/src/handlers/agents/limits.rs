//! What an agent's fields may hold, whatever the installation. Whether it can be built is the directory's to say.

use store::agents::AgentSettings;

use crate::handlers::check::Check;
use crate::state::DirectoryHook;

/// Most letters of a flow file; the longest of ours has some 30,000.
const FLOW_MAX: usize = 200_000;
/// Most letters of a greeting: half a minute of speech.
const GREETING_MAX: usize = 500;
/// Most tools of one agent, and most letters of a tool's name.
const TOOLS_MAX: usize = 32;
const TOOL_NAME_MAX: usize = 64;
/// Silence that ends a turn, ms: less is a breath, more is a pause nobody waits for.
const SILENCE_MS: (u32, u32) = (100, 2_000);
/// How sure it must be that somebody speaks: nearer to 0 everything is speech, nearer to 1 nothing.
const THRESHOLD: (f32, f32) = (0.1, 0.9);
/// A call's length that may be set, seconds: shorter is a fault, longer is longer than carriers keep a call (4 h).
const CALL_SECONDS: (u32, u32) = (10, 14_400);

/// A model's instructions, characters: the longest of ours has some 6,000.
const SYSTEM_PROMPT: (usize, usize) = (10, 20_000);
/// How free a model's words are, as models take it.
const TEMPERATURE: (f32, f32) = (0.0, 2.0);
/// Tokens of one answer: fewer cut a sentence off, more nobody listens to.
const MAX_TOKENS: (u32, u32) = (100, 16_000);

/// Description and dialogue.
pub(super) fn texts(check: &mut Check, description: Option<&str>, flow: Option<&str>) {
    if let Some(description) = description {
        check.description("/description", description);
    }
    if let Some(flow) = flow {
        check.text("/flow", flow, 1, FLOW_MAX);
    }
}

/// The built-in dialogue that is meant: the first when none is named.
pub(super) fn base(check: &mut Check, named: Option<String>, directory: &dyn DirectoryHook) -> String {
    let known: Vec<String> = directory.bases().into_iter().map(|base| base.id).collect();
    let Some(base) = named.or_else(|| known.first().cloned()) else {
        check.wrong("/base", "must be given: this installation has no built-in dialogue");
        return String::new();
    };
    check.one_of("/base", &base, &known);
    base
}

/// What is set, and nothing of what is not. `keys` names the providers that the workspace has keys of its own for.
pub(super) fn settings(check: &mut Check, settings: &AgentSettings, directory: &dyn DirectoryHook, keys: &[String]) {
    if let Some(voice) = &settings.voice {
        check.one_of("/voice", voice, &directory.voices(keys));
    }
    if let Some(language) = &settings.language {
        check.one_of("/language", language, &directory.languages());
    }
    if let Some(greeting) = &settings.greeting {
        check.text("/greeting", greeting, 1, GREETING_MAX);
    }
    if let Some(named) = &settings.tools {
        tools(check, named);
    }
    if let Some(silence) = settings.silence_duration_ms {
        check.within("/silence_duration_ms", silence, SILENCE_MS.0, SILENCE_MS.1);
    }
    if let Some(threshold) = settings.turn_detection_threshold {
        check.within("/turn_detection_threshold", threshold, THRESHOLD.0, THRESHOLD.1);
    }
    if let Some(seconds) = settings.max_call_seconds {
        check.within("/max_call_seconds", seconds, CALL_SECONDS.0, CALL_SECONDS.1);
    }
    mind(check, settings);
}

/// What a model is told.
fn mind(check: &mut Check, settings: &AgentSettings) {
    if let Some(prompt) = &settings.system_prompt {
        check.text("/system_prompt", prompt, SYSTEM_PROMPT.0, SYSTEM_PROMPT.1);
    }
    if let Some(temperature) = settings.temperature {
        check.within("/temperature", temperature, TEMPERATURE.0, TEMPERATURE.1);
    }
    if let Some(tokens) = settings.max_tokens {
        check.within("/max_tokens", tokens, MAX_TOKENS.0, MAX_TOKENS.1);
    }
}

fn tools(check: &mut Check, named: &[String]) {
    if named.len() > TOOLS_MAX {
        check.wrong("/tools", format!("must name at most {TOOLS_MAX} tools"));
    }
    for (index, tool) in named.iter().enumerate().take(TOOLS_MAX) {
        let field = format!("/tools/{index}");
        check.text(&field, tool, 1, TOOL_NAME_MAX);
        if named.iter().take(index).any(|earlier| earlier == tool) {
            check.wrong(field, "is named twice");
        }
    }
}
