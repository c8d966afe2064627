//! Reading TOML tables with the place of everything in them.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml_edit::{Item, TableLike, Value};

use super::Problem;

/// The problems found so far.
pub(crate) struct Problems<'a> {
    text: &'a str,
    found: RefCell<Vec<Problem>>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    pub(crate) fn line(&self, span: Option<Range<usize>>) -> usize {
        let end = span.map_or(0, |span| span.start).min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    pub(crate) fn add(&self, span: Option<Range<usize>>, message: String) {
        self.add_at(self.line(span), message);
    }

    pub(crate) fn add_at(&self, line: usize, message: String) {
        self.found.borrow_mut().push(Problem { line, message });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub(crate) fn sorted(self) -> Vec<Problem> {
        let mut all = self.found.into_inner();
        all.sort_by_key(|problem| problem.line);
        all.dedup();
        all
    }
}

/// A table of the file.
pub(crate) struct Section<'a> {
    table: &'a dyn TableLike,
    name: String,
    span: Option<Range<usize>>,
    pub(crate) problems: &'a Problems<'a>,
}

impl<'a> Section<'a> {
    pub(crate) fn root(table: &'a dyn TableLike, problems: &'a Problems<'a>) -> Self {
        Self { table, name: String::new(), span: None, problems }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.iter().map(|(key, _)| key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The line of a key, or of the section when it has none.
    pub(crate) fn line(&self, key: &str) -> usize {
        self.problems.line(self.span_of(key))
    }

    fn span_of(&self, key: &str) -> Option<Range<usize>> {
        let entry = self.table.get_key_value(key);
        entry.and_then(|(key, item)| key.span().or_else(|| item.span())).or_else(|| self.span.clone())
    }

    pub(crate) fn problem(&self, key: &str, message: String) {
        self.problems.add(self.span_of(key), message);
    }

    /// Reports every key that is not one of these.
    pub(crate) fn only(&self, known: &[&str]) {
        for key in self.keys().filter(|key| !known.contains(key)) {
            let place = if self.name.is_empty() { "the file".to_owned() } else { format!("[{}]", self.name) };
            self.problem(key, format!("{place} has no key {key:?}; {}", suggest(key, known)));
        }
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        let item = self.table.get(key)?;
        if item.as_value().is_none() {
            self.problem(key, format!("{key:?} must be a value, not a table"));
        }
        item.as_value()
    }

    fn typed<T>(&self, key: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let typed = read(value);
        if typed.is_none() {
            self.problem(key, format!("{key:?} must be {what}"));
        }
        typed
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.typed(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn required_text(&self, key: &str) -> String {
        if !self.has(key) {
            self.problem(
                key,
                format!("{key:?} is missing{}", if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) }),
            );
        }
        self.text(key).unwrap_or_default()
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(crate) fn number(&self, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        self.typed(key, &what, |value| value.as_integer().filter(|number| range.contains(number)))
    }

    pub(crate) fn fraction(&self, key: &str) -> Option<f32> {
        let read = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        self.typed(key, "a number from 0 to 1", |value| {
            read(value).filter(|number| (0.0..=1.0).contains(number)).map(|number| number as f32)
        })
    }

    /// Texts with their lines: one text counts as a list of one.
    pub(crate) fn texts_at(&self, key: &str) -> Vec<(String, usize)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let whole = self.line(key);
        if let Some(text) = value.as_str() {
            return vec![(text.to_owned(), self.problems.line(value.span()))];
        }
        let Some(array) = value.as_array() else {
            self.problem(key, format!("{key:?} must be a text or a list of texts"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array {
            let line = item.span().map_or(whole, |span| self.problems.line(Some(span)));
            match item.as_str() {
                Some(text) => texts.push((text.to_owned(), line)),
                None => self.problems.add_at(line, format!("{key:?} must be a list of texts")),
            }
        }
        texts
    }

    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.texts_at(key).into_iter().map(|(text, _)| text).collect()
    }

    fn inner(&self, key: &str, table: &'a dyn TableLike, span: Option<Range<usize>>) -> Section<'a> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Section { table, name, span, problems: self.problems }
    }

    /// A table below this one.
    pub(crate) fn section(&self, key: &str) -> Option<Section<'a>> {
        let item = self.table.get(key)?;
        match item.as_table_like() {
            Some(table) => Some(self.inner(key, table, item.span().or_else(|| self.span_of(key)))),
            None => {
                self.problem(key, format!("{key:?} must be a table: [{key}]"));
                None
            }
        }
    }

    /// The tables of a list (`[[key]]`, or an array of inline tables).
    pub(crate) fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let Some(item) = self.table.get(key) else { return Vec::new() };
        match item {
            Item::ArrayOfTables(tables) => tables.iter().map(|table| self.inner(key, table, table.span())).collect(),
            Item::Value(Value::Array(array)) if array.iter().all(Value::is_inline_table) => {
                let inline = array.iter().filter_map(|value| value.as_inline_table().map(|table| (table, value.span())));
                inline.map(|(table, span)| self.inner(key, table, span)).collect()
            }
            _ => {
                self.problem(key, format!("{key:?} must be a list of tables: [[{key}]]"));
                Vec::new()
            }
        }
    }
}

/// "did you mean ...?", or the names there are.
pub(crate) fn suggest(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known)).min();
    match near {
        Some((distance, known)) if distance <= 1 + known.len() / 4 => format!("did you mean {known:?}?"),
        _ if known.is_empty() => "there is none".to_owned(),
        _ => format!("there are {}", known.join(", ")),
    }
}
