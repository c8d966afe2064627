//! What may be declared, and what may not.

use serde_json::{Value, json};

use super::*;

fn lookup() -> Value {
    json!({
        "kind": "http",
        "description": "Looks an order up by its number.",
        "method": "GET",
        "url": "https://shop.example.com/orders/{number}?lang={lang}",
        "parameters": { "type": "object", "properties": { "number": { "type": "string" }, "lang": { "type": "string" } } },
        "effects": false,
    })
}

/// The fields that are wrong when this is changed.
fn wrong(change: &[(&str, Value)], private: bool) -> Vec<String> {
    let mut written = lookup();
    for (field, value) in change {
        written[*field] = value.clone();
    }
    let declared: Declared = serde_json::from_value(written).unwrap();
    declared.problems(private).into_iter().map(|problem| problem.field).collect()
}

#[test]
fn what_is_left_out_has_its_default_and_all_of_it_is_read_back() {
    let declared: Declared = serde_json::from_value(lookup()).unwrap();
    assert_eq!(declared.problems(false), []);
    assert_eq!((declared.kind(), declared.origin(), declared.auth()), ("http", "https://shop.example.com", &Auth::None));
    let Declared::Http(tool) = &declared else { panic!("an HTTP tool") };
    assert_eq!((tool.deadline_ms, tool.method.as_str(), tool.placeholders()), (8_000, "GET", vec!["number", "lang"]));
    assert_eq!(serde_json::from_value::<Declared>(serde_json::to_value(&declared).unwrap()).unwrap(), declared);
    let server = json!({ "kind": "mcp", "url": "https://tools.example.com/mcp", "auth": { "type": "header", "name": "X-Api-Key" } });
    let server: Declared = serde_json::from_value(server).unwrap();
    assert_eq!((server.kind(), server.problems(false)), ("mcp", vec![]));
    let unknown = json!({ "kind": "mcp", "url": "https://tools.example.com", "password": "x" });
    assert!(serde_json::from_value::<Declared>(unknown).is_err(), "a field nobody knows is a slip");
}

#[test]
fn whom_we_talk_to_is_never_an_argument() {
    for url in [
        "https://{number}/orders",
        "https://{number}.example.com/",
        "https://shop.example.com:{number}/",
        "https:///{number}/x",
        "https://shop.example.com\\{number}",
        "https://{number}@shop.example.com/",
        "https://user:word@shop.example.com/",
        "{number}://shop.example.com/",
        "{number}",
        "ftp://shop.example.com/",
        "HTTPS:shop.example.com",
        "https://shop.example.com/{number",
        "https://shop.example.com/}{",
        "https://shop.example.com/{}",
        "https://shop.example.com/a b",
        "https://shop.example.com/#{number}",
        "https://shop.example.com/{unknown}",
    ] {
        assert_eq!(wrong(&[("url", json!(url))], false), ["/url"], "{url}");
    }
}

#[test]
fn this_machine_and_private_networks_are_reached_only_where_that_is_set() {
    for url in
        ["https://localhost/", "https://127.0.0.1:8443/x", "https://[::1]/", "https://10.0.0.7/", "https://[fd00::1]/", "https://0.0.0.0/"]
    {
        assert_eq!(wrong(&[("url", json!(url))], false), ["/url"], "{url}");
        assert_eq!(wrong(&[("url", json!(url))], true), [""; 0], "{url}");
    }
    for url in
        ["https://127.1/", "https://2130706433/", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "https://100.64.0.1/"]
    {
        assert_eq!(wrong(&[("url", json!(url))], false), ["/url"], "{url}");
    }
    assert_eq!(wrong(&[("url", json!("http://127.0.0.1:9000/x"))], true), [""; 0]);
    assert_eq!(wrong(&[("url", json!("http://127.0.0.1:9000/x"))], false), ["/url"]);
    assert_eq!(wrong(&[("url", json!("http://shop.example.com/x"))], true), ["/url"], "in the open nothing goes without TLS");
}

#[test]
fn headers_of_the_connection_and_those_that_hold_secrets_are_not_fixed_ones() {
    for name in ["Host", "content-length", "Connection", "Transfer-Encoding", "Authorization", "Cookie", "X-Voicenoob-Signature", "a b", ""]
    {
        assert_eq!(wrong(&[("headers", json!({ name: "x" }))], false), ["/headers"], "{name}");
        assert_eq!(wrong(&[("auth", json!({ "type": "header", "name": name }))], false), ["/auth/name"], "{name}");
    }
    assert_eq!(wrong(&[("headers", json!({ "X-Shop": "7\r\nHost: x" }))], false), ["/headers"]);
    assert_eq!(wrong(&[("headers", json!({ "X-Shop": "7", "x-shop": "8" }))], false), ["/headers"]);
    assert_eq!(wrong(&[("headers", json!({ "X-Shop": "7", "Accept-Language": "en" }))], false), [""; 0]);
    assert_eq!(wrong(&[("auth", json!({ "type": "basic", "user": "a:b" }))], false), ["/auth/user"]);
}

#[test]
fn arguments_are_a_small_object_that_refers_to_nothing_elsewhere() {
    let with = |properties: Value| json!({ "type": "object", "properties": properties, "required": ["number"] });
    let own = json!({ "number": { "type": "string" }, "lang": {} });
    assert_eq!(wrong(&[("parameters", with(own.clone()))], false), [""; 0]);
    let mut many = own.clone();
    for index in 0..HttpTool::MAX_PROPERTIES {
        many[format!("p{index}")] = json!({});
    }
    let mut long = own.clone();
    long["long"] = json!({ "description": "x".repeat(HttpTool::MAX_SCHEMA) });
    let mut away = own.clone();
    away["away"] = json!({ "items": [{ "$ref": "https://elsewhere.example.com/schema" }] });
    for properties in [many, long, away] {
        assert_eq!(wrong(&[("parameters", with(properties))], false), ["/parameters"]);
    }
    let url = ("url", json!("https://shop.example.com/"));
    for parameters in [json!([]), json!({ "type": "string", "properties": {} }), json!({ "type": "object" })] {
        assert_eq!(wrong(&[url.clone(), ("parameters", parameters)], false), ["/parameters"]);
    }
    assert_eq!(wrong(&[url, ("parameters", with(json!({ "a b": {} })))], false), ["/parameters/properties"]);
}

#[test]
fn texts_and_times_have_their_limits() {
    assert_eq!(wrong(&[("description", json!(" "))], false), ["/description"]);
    assert_eq!(wrong(&[("description", json!("x".repeat(1_001)))], false), ["/description"]);
    assert_eq!(wrong(&[("speak", json!("\0"))], false), ["/speak"]);
    assert_eq!(wrong(&[("deadline_ms", json!(499))], false), ["/deadline_ms"]);
    assert_eq!(wrong(&[("deadline_ms", json!(30_000))], false), [""; 0]);
    let server = json!({ "kind": "mcp", "url": "https://t.example.com/{x}", "tools": ["ok", ""], "deadline_ms": 30_001 });
    let server: Declared = serde_json::from_value(server).unwrap();
    let fields: Vec<_> = server.problems(false).into_iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["/deadline_ms", "/url", "/tools/1"]);
}

#[test]
fn requests_of_a_tool_are_signed_and_those_to_a_server_are_not() {
    assert_eq!(wrong(&[("auth", json!({ "type": "signed" }))], false), [""; 0]);
    let with = |auth: Value| json!({ "kind": "mcp", "url": "https://tools.example.com/mcp", "auth": auth });
    let server: Declared = serde_json::from_value(with(json!({ "type": "signed" }))).unwrap();
    let problems = server.problems(false);
    assert_eq!(problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), ["/auth/type"]);
    assert!(problems[0].message.contains("bearer, header, basic"), "it says what to use: {}", problems[0].message);
    for auth in [json!({ "type": "none" }), json!({ "type": "bearer" }), json!({ "type": "basic", "user": "desk" })] {
        let server: Declared = serde_json::from_value(with(auth.clone())).unwrap();
        assert_eq!(server.problems(false), [], "{auth}");
    }
}

#[test]
fn a_name_is_not_that_of_a_built_in_tool() {
    for good in ["a", "crm_lookup2", &"a".repeat(64)] {
        assert!(Declared::is_name(good), "{good}");
    }
    for bad in ["", "A", "1a", "_a", "a-b", "ä", "end_call", "look_up", &"a".repeat(65)] {
        assert!(!Declared::is_name(bad), "{bad}");
    }
}
