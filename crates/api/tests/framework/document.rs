//! The document is the table, and the page shows it.

use std::collections::BTreeSet;

use api::{Access, Provider};
use serde_json::{Value, json};

use super::stage::{Credential, Stage, read};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, item): (&String, &Value)| {
        let all = METHODS.iter().filter(|method| item.get(**method).is_some());
        all.map(|method| (method.to_uppercase(), path.clone(), item[*method].clone())).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

async fn document() -> Value {
    let stage = Stage::open(api::table()).await;
    let (status, document) = read(stage.get("/api/v1/openapi.json", &Credential::Nothing).await).await;
    assert_eq!(status, 200);
    document
}

#[tokio::test]
async fn every_row_is_in_the_document_and_everything_in_the_document_is_a_row() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let documented: BTreeSet<_> = operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let mut rows: BTreeSet<_> = api::table().rows().into_iter().map(|row| (row.method.to_string(), row.path)).collect();
    for own in ["/api/v1/openapi.json", "/api/docs", "/api/docs/docs.js", "/api/docs/docs.css"] {
        rows.insert(("GET".into(), own.into()));
    }
    assert_eq!(rows, documented);
}

#[tokio::test]
async fn operations_have_names_of_their_own_and_say_who_may_and_what_is_answered() {
    let document = document().await;
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!name.is_empty() && names.insert(name.clone()), "{method} {path}: {name:?} is not a name of its own");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        let answers = operation["responses"].as_object().unwrap();
        for status in ["429", "500", "503"] {
            assert!(answers.contains_key(status), "{method} {path}: {status}");
        }
        let row = api::table().rows().into_iter().find(|row| row.method.as_str() == method && row.path == path);
        let public = row.is_none_or(|row| row.access == Access::Public);
        assert_eq!(answers.contains_key("401") && !operation["security"].as_array().unwrap().is_empty(), !public, "{method} {path}");
    }
}

#[tokio::test]
async fn the_document_has_the_words_and_headers_that_are_sent() {
    let document = document().await;
    let providers: Vec<&str> = Provider::ALL.iter().map(|provider| provider.as_str()).collect();
    assert_eq!(document["components"]["schemas"]["Provider"]["enum"], json!(providers));
    let mut versioned = 0;
    for (method, path, operation) in operations(&document) {
        let header = |status: &str, name: &str| operation["responses"][status]["headers"].get(name).is_some();
        assert!(header("429", "Retry-After") && header("503", "Retry-After") && header("429", "RateLimit"), "{method} {path}");
        let parameter = |name: &str| operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name));
        let is_versioned = method == "GET" && header("200", "ETag");
        assert_eq!(
            (parameter("If-None-Match"), operation["responses"].get("304").is_some()),
            (is_versioned, is_versioned),
            "{method} {path}"
        );
        versioned += usize::from(is_versioned);
    }
    assert!(versioned >= 4, "only {versioned} operations read something with a version");
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.insert(reference.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/Problem"));
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_page_runs_only_its_own_script() {
    let stage = Stage::open(api::table()).await;
    for (path, kind) in [("/api/docs", "text/html"), ("/api/docs/docs.js", "text/javascript"), ("/api/docs/docs.css", "text/css")] {
        let response = stage.get(path, &Credential::Nothing).await;
        assert_eq!(response.status(), 200, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(kind) && header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert!(!header("content-security-policy").contains("unsafe"));
        let text = response.text().await.unwrap();
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("innerHTML"), "{path} names other places");
        assert!(kind != "text/html" || (!text.contains("<script>") && !text.contains(" style=") && !text.contains("onclick")));
    }
}
