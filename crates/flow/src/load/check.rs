//! Names must lead somewhere: slots, intents, placeholders, fields of tools.

use super::reader::{Problems, suggest};
use super::{Read, Scope, UseKind};
use crate::definition::Flow;

/// Listen states of the engine itself; slots and choices may not be named like them.
pub(crate) const STATES: [&str; 3] = ["main", "confirm", "yes_no"];
/// First words of placeholders that are no slots.
pub(crate) const ROOTS: [&str; 9] = ["result", "refused", "heard", "label", "can_do", "agent", "value", "min", "max"];

/// Reports every dangling reference.
pub(crate) fn references(read: &Option<Read>, problems: &Problems<'_>) {
    let Some(Read { flow, uses, gives }) = read else { return };
    for entry in uses {
        let message = match &entry.kind {
            UseKind::Slot if flow.ranges.contains(&entry.name) => None,
            UseKind::Slot | UseKind::Field => {
                let known: Vec<&str> = flow.fields.keys().map(String::as_str).collect();
                (!flow.fields.contains_key(&entry.name))
                    .then(|| format!("there is no slot {:?}; {}", entry.name, suggest(&entry.name, &known)))
            }
            UseKind::Intent => {
                let known: Vec<&str> = flow.intents.iter().map(|intent| intent.name.as_str()).collect();
                flow.intent(&entry.name).is_none().then(|| format!("there is no intent {:?}; {}", entry.name, suggest(&entry.name, &known)))
            }
            UseKind::Placeholder { format, scope } => {
                placeholder(flow, gives, &entry.name, scope).or_else(|| format_problem(flow, format.as_deref()))
            }
        };
        if let Some(message) = message {
            problems.add_at(entry.line, message);
        }
    }
}

fn placeholder(flow: &Flow, gives: &std::collections::BTreeMap<String, Vec<String>>, path: &str, scope: &Scope) -> Option<String> {
    let departure = path.strip_suffix(".departure").is_some_and(|range| flow.ranges.iter().any(|known| known == range));
    if flow.fields.contains_key(path) || departure || scope.words.contains(&path) {
        return None;
    }
    let (root, field) = path.split_once('.').unwrap_or((path, ""));
    let known: &[String] = match root {
        "result" => &scope.result,
        "refused" => &scope.refused,
        _ => match gives.get(root) {
            Some(fields) => fields,
            None => {
                let names: Vec<&str> = flow
                    .fields
                    .keys()
                    .chain(gives.keys().filter(|name| !name.contains('/')))
                    .map(String::as_str)
                    .chain(scope.words.iter().copied())
                    .collect();
                return Some(format!("the placeholder {{{path}}} is no slot or query; {}", suggest(path, &names)));
            }
        },
    };
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let list = if root == "refused" { "has" } else { "gives" };
    (!names.contains(&field))
        .then(|| format!("the placeholder {{{path}}} names a field that is not in \"{list}\"; {}", suggest(field, &names)))
}

fn format_problem(flow: &Flow, format: Option<&str>) -> Option<String> {
    const FORMATS: [&str; 4] = ["date", "money", "spelled", "as_is"];
    let format = format.filter(|format| !FORMATS.contains(format) && !flow.fields.contains_key(*format))?;
    let known: Vec<&str> = FORMATS.into_iter().chain(flow.fields.keys().map(String::as_str)).collect();
    Some(format!("there is no way to say {format:?}; {}", suggest(format, &known)))
}
