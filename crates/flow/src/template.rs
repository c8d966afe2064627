//! Prompts: texts with placeholders, in variants. `{stay.nights}` is a slot, `{offer.total}` a field of a query's answer.

use crate::definition::Flow;
use crate::speak;
use serde_json::Value as Json;

/// One or more ways to say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt(pub(crate) Vec<Template>);

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<Part>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Placeholder {
        path: String,
        /// `date`, `money`, `spelled`, `as_is`, or a field whose way of speaking is borrowed.
        format: Option<String>,
    },
}

impl Prompt {
    /// Says nothing.
    pub(crate) const NONE: Self = Self(Vec::new());

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when every variant names a field of the query's answer.
    pub(crate) fn speaks_of(&self, query: &str) -> bool {
        let names = |path: &str| path.strip_prefix(query).is_some_and(|rest| rest.starts_with('.'));
        !self.0.is_empty() && self.0.iter().all(|variant| variant.placeholders().any(|(path, _)| names(path)))
    }

    /// The variants without placeholders.
    pub(crate) fn fixed(&self) -> Vec<String> {
        self.0.iter().filter_map(Template::fixed).collect()
    }

    /// The variant to say: of those whose placeholders are all known, one of those with the most placeholders.
    pub(crate) fn fill(&self, rng: &mut fastrand::Rng, lookup: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Option<String> {
        let filled: Vec<(usize, String)> = self.0.iter().filter_map(|variant| variant.fill(lookup)).collect();
        let most = filled.iter().map(|variant| variant.0).max()?;
        let mut best: Vec<String> = filled.into_iter().filter(|variant| variant.0 == most).map(|variant| variant.1).collect();
        let pick = rng.usize(..best.len());
        Some(best.swap_remove(pick))
    }
}

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) = after.split_once('}').ok_or_else(|| format!("the text {text:?} has a \"{{\" that is not closed"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (path, format) = match inside.split_once(':') {
                Some((path, format)) => (path.trim(), Some(format.trim().to_owned())),
                None => (inside.trim(), None),
            };
            parts.push(Part::Placeholder { path: path.to_owned(), format });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Every placeholder with its format.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Placeholder { path, format } => Some((path.as_str(), format.as_deref())),
        })
    }

    fn fixed(&self) -> Option<String> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    fn fill(&self, lookup: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Option<(usize, String)> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Placeholder { path, format } => text.push_str(&lookup(path, format.as_deref())?),
            }
        }
        Some((self.placeholders().count(), text))
    }
}

/// Speaks a field of a tool's answer. `fields` is the whole answer: money takes its currency from the field `currency` beside it.
pub(crate) fn speak_result(flow: &Flow, fields: &Json, name: &str, format: Option<&str>) -> Option<String> {
    let value = fields.get(name).filter(|value| !value.is_null())?;
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", "),
        _ => return None,
    };
    let currency = fields.get("currency").and_then(Json::as_str).unwrap_or("EUR");
    Some(match format {
        Some("as_is") => text,
        Some("spelled") => speak::spelled(&text),
        Some("money") => speak::money(text.parse().ok()?, currency),
        Some("date") => speak::date(text.parse().ok()?),
        Some(field) => speak::like_field(flow.fields.get(field)?, &text),
        None => match value {
            Json::Number(number) => number.as_i64().map_or(text, crate::words::spoken),
            _ => match text.parse::<jiff::civil::Date>() {
                Ok(date) => speak::date(date),
                Err(_) => text,
            },
        },
    })
    .filter(|spoken| !spoken.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variant_that_says_most_of_what_is_known_is_said() {
        let prompt = Prompt(["full", "full, but {x} is free", "{y}"].iter().map(|text| Template::parse(text).unwrap()).collect());
        let mut rng = fastrand::Rng::with_seed(1);
        let said = prompt.fill(&mut rng, &|path, _| (path == "x").then(|| "a suite".to_owned()));
        assert_eq!(said.as_deref(), Some("full, but a suite is free"));
        assert_eq!(prompt.fill(&mut rng, &|_, _| None).as_deref(), Some("full"));
    }
}
