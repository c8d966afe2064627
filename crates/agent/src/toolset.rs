//! What a model may ask for in the calls of one agent, and whether what it asks is well formed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use models::ToolSpec;
use serde_json::{Map, Value};

use crate::builtin::{self, Control};
use crate::{Tool, Toolbox};

/// Longest arguments of one call, bytes.
const MAX_ARGUMENTS: usize = 16 * 1024;
/// Mistakes that a model is told of at once.
const MAX_MISTAKES: usize = 3;

/// The tools of one agent as its model sees them. Made once, shared by its calls.
pub struct ToolSet {
    entries: BTreeMap<String, Entry>,
    specs: Arc<[ToolSpec]>,
}

struct Entry {
    does: Does,
    validator: Validator,
}

/// Who does what a tool says.
#[derive(Clone)]
pub(crate) enum Does {
    /// The brain itself, with the call.
    Control(Control),
    /// A tool that the session calls.
    Tool(Arc<dyn Tool>),
}

/// Tools that cannot be offered to a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolSetError {
    /// There is none of that name.
    #[error("there is no tool called {0:?}; take it out of the agent's tools, or declare it")]
    Unknown(String),
    /// It has no description for models.
    #[error("the tool {0:?} is for dialogues only; take it out of the agent's tools")]
    NotForModels(String),
    /// Its schema is none.
    #[error("the schema of the tool {name:?} cannot be used: {why}; correct its parameters")]
    Schema {
        /// Which tool.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// A call that is not made, in words for the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misuse {
    #[error("there is no tool called {0:?}; the tools are: {1}")]
    Unknown(String, String),
    #[error("the arguments are not a JSON object: {0}")]
    Malformed(String),
    #[error("the arguments do not fit: {0}")]
    Unfit(String),
}

impl ToolSet {
    /// The tools with these names, and what every agent may do with its call. `destinations`: whom it may put callers through to.
    ///
    /// # Errors
    /// [`ToolSetError`]: the first tool that cannot be offered.
    pub fn new<'a>(toolbox: &Toolbox, names: impl IntoIterator<Item = &'a str>, controls: &[Control]) -> Result<Self, ToolSetError> {
        let mut all: Vec<(ToolSpec, Does)> = controls.iter().map(|control| (control.spec(), Does::Control(control.clone()))).collect();
        for name in names {
            let tool = toolbox.get(name).ok_or_else(|| ToolSetError::Unknown(name.to_owned()))?;
            let spec = tool.spec().ok_or_else(|| ToolSetError::NotForModels(name.to_owned()))?;
            all.push((spec, Does::Tool(Arc::clone(tool))));
        }
        let mut entries = BTreeMap::new();
        let mut specs = Vec::new();
        for (spec, does) in all {
            let validator = validator(&spec)?;
            if entries.insert(spec.name.clone(), Entry { does, validator }).is_none() {
                specs.push(spec);
            }
        }
        Ok(Self { entries, specs: specs.into() })
    }

    /// As models are told of them.
    pub fn specs(&self) -> &Arc<[ToolSpec]> {
        &self.specs
    }

    /// Who does it, and the arguments, if the call is allowed and well formed.
    pub(crate) fn admit(&self, name: &str, arguments: &str) -> Result<(Does, Value), Misuse> {
        let entry = self.entries.get(name).ok_or_else(|| Misuse::Unknown(clip(name), self.names()))?;
        let arguments = object(arguments)?;
        let wrong: Vec<String> = entry.validator.iter_errors(&arguments).take(MAX_MISTAKES).map(|fault| mistake(&fault)).collect();
        if wrong.is_empty() { Ok((entry.does.clone(), arguments)) } else { Err(Misuse::Unfit(wrong.join("; "))) }
    }

    /// What is said of a tool's answer in place of the model's own words.
    pub(crate) fn spoken(&self, name: &str, fields: &Value) -> Option<String> {
        match &self.entries.get(name)?.does {
            Does::Tool(tool) => tool.spoken(fields),
            Does::Control(_) => None,
        }
    }

    /// Whether a tool changes something; one that is not among them is taken as if.
    pub(crate) fn has_effects(&self, name: &str) -> bool {
        match self.entries.get(name).map(|entry| &entry.does) {
            Some(Does::Tool(tool)) => tool.effects(),
            Some(Does::Control(_)) => false,
            None => true,
        }
    }

    fn names(&self) -> String {
        self.entries.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Debug for ToolSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ToolSet").field(&self.names()).finish()
    }
}

impl Default for ToolSet {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), specs: Arc::new([]) }
    }
}

fn validator(spec: &ToolSpec) -> Result<Validator, ToolSetError> {
    let fault = |why: String| ToolSetError::Schema { name: spec.name.clone(), why };
    if !builtin::is_spec_name(&spec.name) {
        return Err(fault("its name must have 1 to 64 letters, digits, _ and -".to_owned()));
    }
    // A pattern that a workspace wrote must not be able to take for ever: the engine without backtracking. Nothing is fetched: no resolver is built in.
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(&spec.parameters).map_err(|error| fault(error.to_string()))
}

/// Models leave the arguments out where there are none.
fn object(text: &str) -> Result<Value, Misuse> {
    if text.len() > MAX_ARGUMENTS {
        return Err(Misuse::Malformed(format!("longer than {MAX_ARGUMENTS} bytes")));
    }
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        Ok(_) => Err(Misuse::Malformed("another kind of value".to_owned())),
        Err(fault) => Err(Misuse::Malformed(fault.to_string())),
    }
}

fn mistake(fault: &jsonschema::ValidationError<'_>) -> String {
    let at = fault.instance_path().to_string();
    let what = clip(&fault.masked().to_string());
    if at.is_empty() { what } else { format!("{at}: {what}") }
}

/// What a model wrote is said back to it, but not at any length.
fn clip(text: &str) -> String {
    text.chars().take(200).collect()
}
