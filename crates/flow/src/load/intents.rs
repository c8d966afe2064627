//! The queries, choices, intents and answers of a file, and the prompts and phrases in them.

use std::collections::BTreeMap;

use super::reader::{Section, suggest};
use super::{Scope, Use, UseKind};
use crate::definition::{Action, AfterRefusal, Answer, AnyOf, Intent, Query, Refusal, Step, Then};
use crate::phrase::Phrase;
use crate::template::{Prompt, Template};

type Gives = BTreeMap<String, Vec<String>>;

/// A prompt: a text or a list of variants.
pub(crate) fn prompt(section: &Section<'_>, key: &str, scope: &Scope, uses: &mut Vec<Use>) -> Prompt {
    let mut variants = Vec::new();
    for (text, line) in section.texts_at(key) {
        match Template::parse(&text) {
            Ok(template) => {
                for (path, format) in template.placeholders() {
                    let kind = UseKind::Placeholder { format: format.map(str::to_owned), scope: scope.clone() };
                    uses.push(Use { kind, name: path.to_owned(), line });
                }
                variants.push(template);
            }
            Err(message) => section.problems.add_at(line, message),
        }
    }
    Prompt(variants)
}

/// A list of phrases.
pub(crate) fn phrases(section: &Section<'_>, key: &str, uses: &mut Vec<Use>) -> Vec<Phrase> {
    let mut all = Vec::new();
    for (text, line) in section.texts_at(key) {
        match Phrase::parse(&text) {
            Ok(phrase) => {
                uses.extend(phrase.slots().iter().map(|slot| Use { kind: UseKind::Slot, name: (*slot).to_owned(), line }));
                all.push(phrase);
            }
            Err(message) => section.problems.add_at(line, message),
        }
    }
    all
}

/// Tool arguments: argument name to field.
fn arguments(section: &Section<'_>, uses: &mut Vec<Use>) -> BTreeMap<String, String> {
    let Some(table) = section.section("arguments") else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for key in table.keys() {
        let Some(field) = table.text(key) else { continue };
        uses.push(Use { kind: UseKind::Field, name: field.clone(), line: table.line(key) });
        all.insert(key.to_owned(), field);
    }
    all
}

fn fields(section: &Section<'_>, key: &str, kind: fn() -> UseKind, uses: &mut Vec<Use>) -> Vec<String> {
    let texts = section.texts_at(key);
    uses.extend(texts.iter().map(|(name, line)| Use { kind: kind(), name: name.clone(), line: *line }));
    texts.into_iter().map(|(name, _)| name).collect()
}

fn refusals(section: &Section<'_>, uses: &mut Vec<Use>) -> Vec<Refusal> {
    let mut all = Vec::new();
    for refusal in section.sections("refused") {
        refusal.only(&["code", "has", "say", "clear", "ask", "then"]);
        let has = refusal.texts("has");
        let scope = Scope { refused: has.clone(), ..Scope::default() };
        let clear = fields(&refusal, "clear", || UseKind::Slot, uses);
        let then = match refusal.text("then").as_deref() {
            None if clear.is_empty() => AfterRefusal::Drop,
            None => AfterRefusal::Ask,
            Some("ask") if !clear.is_empty() => AfterRefusal::Ask,
            Some("drop") => AfterRefusal::Drop,
            Some("person") => AfterRefusal::Person,
            Some(_) => {
                refusal.problem("then", "\"then\" must be \"ask\" (with \"clear\"), \"drop\" or \"person\"".into());
                AfterRefusal::Drop
            }
        };
        let say = prompt(&refusal, "say", &scope, uses);
        if say.is_empty() {
            refusal.problem("say", "a refusal needs \"say\"".into());
        }
        all.push(Refusal { code: refusal.required_text("code"), say, ask: prompt(&refusal, "ask", &scope, uses), has, clear, then });
    }
    all
}

/// `[queries]`.
pub(crate) fn queries(root: &Section<'_>, uses: &mut Vec<Use>, gives: &mut Gives) -> BTreeMap<String, Query> {
    let Some(section) = root.section("queries") else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for name in section.keys() {
        let Some(query) = section.section(name) else { continue };
        query.only(&["tool", "arguments", "gives", "wait", "ok", "refused"]);
        gives.insert(name.to_owned(), query.texts("gives"));
        let scope = Scope::default();
        let read = Query {
            tool: query.required_text("tool"),
            arguments: arguments(&query, uses),
            wait: prompt(&query, "wait", &scope, uses),
            ok: prompt(&query, "ok", &scope, uses),
            refused: refusals(&query, uses),
        };
        all.insert(name.to_owned(), read);
    }
    all
}

/// `[choices]`: groups of fields of which one is needed.
pub(crate) fn choices(root: &Section<'_>, uses: &mut Vec<Use>) -> BTreeMap<String, AnyOf> {
    let Some(section) = root.section("choices") else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for name in section.keys() {
        let Some(group) = section.section(name) else { continue };
        group.only(&["any_of", "ask", "help"]);
        let scope = Scope::default();
        let fields = fields(&group, "any_of", || UseKind::Field, uses);
        if fields.is_empty() {
            section.problem(name, format!("[choices.{name}] needs \"any_of\": a list of slots"));
        }
        all.insert(name.to_owned(), AnyOf { fields, ask: prompt(&group, "ask", &scope, uses), help: prompt(&group, "help", &scope, uses) });
    }
    all
}

/// `[[intents]]`.
pub(crate) fn intents(
    root: &Section<'_>,
    queries: &BTreeMap<String, Query>,
    choices: &BTreeMap<String, AnyOf>,
    uses: &mut Vec<Use>,
    gives: &mut Gives,
) -> Vec<Intent> {
    let mut all: Vec<Intent> = Vec::new();
    for section in root.sections("intents") {
        section.only(&["name", "label", "phrases", "steps", "optional", "action", "then"]);
        let name = section.required_text("name");
        if all.iter().any(|other| other.name == name) {
            section.problem("name", format!("two intents are named {name:?}"));
        }
        let phrases = phrases(&section, "phrases", uses);
        if phrases.is_empty() {
            section.problem("phrases", format!("the intent {name:?} has no phrases"));
        }
        all.push(Intent {
            label: section.text("label").unwrap_or_else(|| name.replace('_', " ")),
            phrases,
            steps: steps(&section, root, queries, choices, uses),
            optional: fields(&section, "optional", || UseKind::Slot, uses),
            action: section.section("action").map(|action| self::action(&name, &action, uses, gives)),
            then: section.section("then").map(|then| self::then(&then, uses, gives)),
            name,
        });
    }
    all
}

/// Steps name slots, queries or choices; a date range stands for its two fields.
fn steps(
    section: &Section<'_>,
    root: &Section<'_>,
    queries: &BTreeMap<String, Query>,
    choices: &BTreeMap<String, AnyOf>,
    uses: &mut Vec<Use>,
) -> Vec<Step> {
    let slots = root.section("slots");
    let is_range = |name: &str| {
        slots.as_ref().and_then(|slots| slots.section(name)).is_some_and(|slot| slot.text("type").as_deref() == Some("date_range"))
    };
    let mut all = Vec::new();
    for (name, line) in section.texts_at("steps") {
        if queries.contains_key(&name) {
            all.push(Step::Query(name));
        } else if choices.contains_key(&name) {
            all.push(Step::AnyOf(name));
        } else if slots.as_ref().is_some_and(|slots| slots.has(&name)) && is_range(&name) {
            all.extend(["arrival", "nights"].map(|part| Step::Field(format!("{name}.{part}"))));
        } else {
            let is_field = slots.as_ref().is_some_and(|slots| slots.has(name.split('.').next().unwrap_or_default()));
            if !is_field {
                let known: Vec<&str> = slots
                    .iter()
                    .flat_map(Section::keys)
                    .chain(queries.keys().map(String::as_str))
                    .chain(choices.keys().map(String::as_str))
                    .collect();
                section.problems.add_at(line, format!("the step {name:?} is no slot, query or choice; {}", suggest(&name, &known)));
                continue;
            }
            uses.push(Use { kind: UseKind::Field, name: name.clone(), line });
            all.push(Step::Field(name));
        }
    }
    all
}

fn action(intent: &str, section: &Section<'_>, uses: &mut Vec<Use>, gives: &mut Gives) -> Action {
    section.only(&["tool", "arguments", "gives", "confirm", "no", "ok", "refused", "sets"]);
    let result = section.texts("gives");
    gives.insert(format!("{intent}/result"), result.clone());
    let scope = Scope { result: result.clone(), ..Scope::default() };
    let confirm = prompt(section, "confirm", &Scope::default(), uses);
    if confirm.is_empty() {
        section.problem("confirm", format!("the action of {intent:?} has no \"confirm\": nothing is done before it was read back"));
    }
    let no = section.text("no");
    if no.as_deref().is_some_and(|no| !matches!(no, "change" | "drop")) {
        section.problem("no", "\"no\" must be \"change\" or \"drop\"".into());
    }
    let mut sets = BTreeMap::new();
    if let Some(table) = section.section("sets") {
        for field in table.keys() {
            let Some(from) = table.text(field) else { continue };
            uses.push(Use { kind: UseKind::Field, name: field.to_owned(), line: table.line(field) });
            if !result.contains(&from) {
                table.problem(field, format!("the tool does not give {from:?}; list it in \"gives\""));
            }
            sets.insert(field.to_owned(), from);
        }
    }
    Action {
        tool: section.required_text("tool"),
        arguments: arguments(section, uses),
        confirm,
        no_drops: no.as_deref() == Some("drop"),
        ok: prompt(section, "ok", &scope, uses),
        refused: refusals(section, uses),
        sets,
    }
}

fn then(section: &Section<'_>, uses: &mut Vec<Use>, gives: &Gives) -> Then {
    section.only(&["ask", "intent", "sets"]);
    let intent = section.required_text("intent");
    uses.push(Use { kind: UseKind::Intent, name: intent.clone(), line: section.line("intent") });
    let mut sets = BTreeMap::new();
    if let Some(table) = section.section("sets") {
        for field in table.keys() {
            let Some(from) = table.text(field) else { continue };
            uses.push(Use { kind: UseKind::Field, name: field.to_owned(), line: table.line(field) });
            match from
                .split_once('.')
                .filter(|(query, name)| gives.get(*query).is_some_and(|fields| fields.iter().any(|field| field == name)))
            {
                Some((query, name)) => drop(sets.insert(field.to_owned(), (query.to_owned(), name.to_owned()))),
                None => table.problem(field, format!("{from:?} is no field that a query gives; write query.field")),
            }
        }
    }
    Then { ask: prompt(section, "ask", &Scope::default(), uses), intent, sets }
}

/// `[[answers]]`.
pub(crate) fn answers(root: &Section<'_>, uses: &mut Vec<Use>) -> Vec<Answer> {
    let mut all: Vec<Answer> = Vec::new();
    for section in root.sections("answers") {
        section.only(&["name", "phrases", "say"]);
        let name = section.required_text("name");
        if all.iter().any(|other| other.name == name) {
            section.problem("name", format!("two answers are named {name:?}"));
        }
        let (phrases, say) = (phrases(&section, "phrases", uses), prompt(&section, "say", &Scope::default(), uses));
        if phrases.is_empty() || say.is_empty() {
            section.problem("name", format!("the answer {name:?} needs \"phrases\" and \"say\""));
        }
        all.push(Answer { name, phrases, say });
    }
    all
}
