//! What bodies and queries are read as, and every way in which they are not.

use std::collections::BTreeMap;

use call::Timestamp;
use proptest::prelude::{any, proptest};
use serde_json::json;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    id: Uuid,
    at: Timestamp,
    age: u8,
    role: Role,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    more: Option<Inner>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    deep: bool,
    list: Vec<Leaf>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Leaf {
    x: i32,
    y: i32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Role {
    Viewer,
    Owner,
}

fn bad<T: DeserializeOwned + std::fmt::Debug>(value: Value, form: Form) -> BTreeMap<String, String> {
    let faults = reader::read::<T>(&value, form).unwrap_err();
    let count = faults.len();
    let by_field: BTreeMap<_, _> = faults.into_iter().map(|fault| (fault.field, fault.message)).collect();
    assert_eq!(by_field.len(), count, "each field once: {by_field:?}");
    by_field
}

fn fields(value: Value) -> Vec<String> {
    bad::<Person>(value, Form::Json).into_keys().collect()
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let read = |text: &str| reader::read::<u32>(&json::parse(text.as_bytes()).unwrap(), Form::Json).ok();
    assert_eq!((read("30"), read("30.0"), read("3e1")), (Some(30), Some(30), Some(30)));
    assert_eq!((read("30.5"), read("-1.0"), read("1e300")), (None, None, None));
}

fn right() -> Value {
    json!({ "name": "Ann", "id": "01890000-0000-7000-8000-000000000001", "at": "2026-03-01T00:00:00Z", "age": 30, "role": "owner" })
}

#[test]
fn what_is_right_is_read() {
    let person: Person = reader::read(&right(), Form::Json).unwrap();
    assert_eq!((person.name.as_str(), person.age, person.role), ("Ann", 30, Role::Owner));
    let mut more = right();
    more["more"] = json!({ "deep": true, "list": [{ "x": -1, "y": 2 }] });
    more["nick"] = Value::Null;
    let person: Person = reader::read(&more, Form::Json).unwrap();
    assert_eq!(person.more, Some(Inner { deep: true, list: vec![Leaf { x: -1, y: 2 }] }));
}

#[test]
fn every_missing_field_is_told() {
    assert_eq!(fields(json!({})), ["/age", "/at", "/id", "/name", "/role"]);
}

#[test]
fn every_field_of_a_wrong_kind_is_told_with_the_missing_and_the_unknown() {
    let value = json!({ "name": 5, "id": "x", "at": "soon", "age": 300, "rank": 1, "/~": 2 });
    let told = bad::<Person>(value, Form::Json);
    assert_eq!(told.keys().collect::<Vec<_>>(), ["/age", "/at", "/id", "/name", "/rank", "/role", "/~1~0"]);
    assert_eq!(told["/role"], "is missing");
    assert!(told["/rank"].starts_with("is not known here; known are: name, id"), "{told:?}");
    assert_eq!(told["/age"], "must be a whole number from 0 to 255");
    assert_eq!(told["/name"], "must be a string, and is a number");
    assert!(told.values().all(|why| !why.contains("300") && !why.contains("soon")), "values are not repeated: {told:?}");
}

#[test]
fn a_word_that_is_not_on_the_list_is_told_with_the_list() {
    let mut value = right();
    value["role"] = json!("king");
    assert_eq!(bad::<Person>(value, Form::Json)["/role"], "must be one of: viewer, owner");
}

#[test]
fn places_inside_are_pointed_at() {
    let mut value = right();
    value["tags"] = json!(["a", 1, "b", null]);
    value["more"] = json!({ "list": [{ "x": 1 }, "no", { "x": "1", "y": true, "z": 0 }] });
    assert_eq!(
        fields(value),
        ["/more/deep", "/more/list/0/y", "/more/list/1", "/more/list/2/x", "/more/list/2/y", "/more/list/2/z", "/tags/1", "/tags/3"]
    );
}

#[test]
fn a_body_that_is_no_object_is_one_fault() {
    for value in [json!([]), json!("x"), json!(5), Value::Null] {
        assert_eq!(fields(value), [""]);
    }
}

#[test]
fn a_text_with_u0000_is_refused() {
    let mut value = right();
    value["name"] = json!("a\0b");
    assert_eq!(fields(value), ["/name"]);
}

#[test]
fn there_is_an_end_to_what_is_told() {
    let value: Map<String, Value> = (0..500).map(|number| (format!("f{number}"), Value::Null)).collect();
    assert_eq!(bad::<Person>(Value::Object(value), Form::Json).len(), crate::problem::MOST_FIELDS);
}

#[test]
fn a_member_that_stands_twice_is_refused_and_said_where() {
    let told = |body: &str| json::parse(body.as_bytes()).unwrap_err();
    assert!(told(r#"{"a": 1, "b": {"c": 1, "c": 2}}"#).detail.contains("twice at line 1"));
    assert_eq!(told(r#"{"a": 1} x"#).code, "json");
    assert!(told("").detail.contains("no body"));
    assert_eq!(json::parse(br#"{"a": [1, -2, 0.5, null, true, "x"]}"#), Ok(json!({ "a": [1, -2, 0.5, null, true, "x"] })));
}

#[derive(Debug, Deserialize, PartialEq)]
struct Filter {
    limit: Option<u32>,
    since: Option<Timestamp>,
    active: Option<bool>,
    text: Option<String>,
}

#[test]
fn queries_are_read_as_text_and_every_bad_parameter_is_told() {
    let read: Filter = query("limit=5&active=true&text=a%20b&since=2026-01-01T00:00:00Z").unwrap();
    assert_eq!((read.limit, read.active, read.text.as_deref()), (Some(5), Some(true), Some("a b")));
    assert_eq!(query::<Filter>("").unwrap(), Filter { limit: None, since: None, active: None, text: None });
    let told = |text: &str| {
        let mut fields: Vec<_> = query::<Filter>(text).unwrap_err().errors.into_iter().map(|fault| fault.field).collect();
        fields.sort_unstable();
        fields
    };
    assert_eq!(told("limit=many&active=1&offset=3&since="), ["active", "limit", "offset", "since"]);
    assert_eq!(told("limit=-1"), ["limit"]);
    assert_eq!(told("limit=99999999999"), ["limit"]);
    assert_eq!(told("limit=1&limit=2"), ["limit"]);
    assert_eq!(told("text=a%00b"), ["text"]);
}

#[test]
fn bodies_are_json_in_utf8() {
    let kind = |text: &'static str| is_json(&[(header::CONTENT_TYPE, text.parse().unwrap())].into_iter().collect());
    for good in
        ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json", "application/json; charset=\"UTF-8\""]
    {
        assert!(kind(good), "{good}");
    }
    for bad in ["text/plain", "text/json", "application/x-www-form-urlencoded", "application/json; charset=latin1", "", "json"] {
        assert!(!kind(bad), "{bad}");
    }
    assert!(!is_json(&HeaderMap::new()));
}

proptest! {
    /// What serde takes, this takes; what serde refuses has at least one bad field.
    #[test]
    fn it_agrees_with_serde(name in any::<Option<String>>(), age in any::<Option<i16>>(), deep in any::<Option<bool>>(), unknown in any::<bool>()) {
        let mut value = right();
        value["name"] = json!(name.as_ref().map(|name| name.replace('\0', "")));
        value["age"] = json!(age);
        value["more"] = json!({ "deep": deep, "list": [] });
        if unknown {
            value["unknown"] = json!(1);
        }
        let serde: Option<Person> = serde_json::from_value(value.clone()).ok();
        match (reader::read::<Person>(&value, Form::Json), serde) {
            (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs),
            (Err(faults), None) => assert!(!faults.is_empty()),
            (ours, theirs) => panic!("{ours:?} {theirs:?}"),
        }
    }
}
