//! A row of the server's document, and what comes of asking for it.

use anyhow::{Context, Result};
use people::Permission;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::ApiClient;
use uuid::Uuid;

/// What is to come of a request, as far as the table decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The handler is reached; what it answers is its own business, but neither a fault nor "not signed in".
    Through,
    /// 401.
    NotSignedIn,
    /// 403 for want of a permission.
    NotPermitted,
}

/// One address with one method.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) operation: String,
    /// All of these.
    pub(super) needs: Vec<Permission>,
    /// Nobody needs to be signed in.
    pub(super) public: bool,
}

/// The rows of an OpenAPI document.
pub(super) fn of_document(document: &Value) -> Result<Vec<Row>> {
    let paths = document["paths"].as_object().context("no paths in the document")?;
    let all = paths.iter().flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(method, told)| (path, method, told)));
    all.filter(|(_, method, _)| *method != "parameters").map(|(path, method, told)| row(path, method, told)).collect()
}

fn row(path: &str, method: &str, told: &Value) -> Result<Row> {
    let words = told["x-permissions"].as_array().with_context(|| format!("{method} {path} does not say what it needs"))?;
    let needs = words.iter().map(|word| word.as_str().and_then(Permission::parse).with_context(|| format!("{path}: {word}")));
    Ok(Row {
        method: method.to_uppercase().parse()?,
        path: path.to_owned(),
        operation: told["operationId"].as_str().context("an operation without a name")?.to_owned(),
        needs: needs.collect::<Result<_>>()?,
        public: told["security"].as_array().with_context(|| format!("{method} {path} does not say who may"))?.is_empty(),
    })
}

impl Row {
    /// Only system administrators may.
    pub(super) fn is_of_system(&self) -> bool {
        self.needs.iter().any(|needed| needed.is_system())
    }

    /// The path with something in the places of its parameters, in their order.
    pub(super) fn filled(&self, ids: &[&str]) -> String {
        let mut ids = ids.iter();
        let fill = |part: &str| match part.starts_with('{') {
            true => ids.next().copied().unwrap_or_default().to_owned(),
            false => part.to_owned(),
        };
        self.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }

    /// Asks with an empty object as body, which changes nothing and makes nothing.
    pub(super) async fn ask(&self, client: &ApiClient, path: &str) -> Result<(StatusCode, Value)> {
        let body = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH").then(|| json!({}));
        client.send(self.method.clone(), path, body.as_ref()).await
    }

    /// What is wrong with the answer, if anything. The ids are of nothing.
    pub(super) async fn fault(&self, who: &str, client: &ApiClient, expected: Expected) -> Result<Option<String>> {
        let nothing = Uuid::now_v7().to_string();
        let (status, body) = self.ask(client, &self.filled(&[&nothing, &nothing])).await?;
        let (status, code) = (status.as_u16(), body["code"].as_str().unwrap_or_default());
        let right = match expected {
            Expected::NotSignedIn => status == 401 && code == "unauthenticated",
            Expected::NotPermitted => status == 403 && code == "permission",
            // Public rows that check a ticket of their own may answer 401; nobody else may.
            Expected::Through => (code != "unauthenticated" || self.public) && code != "permission" && code != "cross_site" && status < 500,
        };
        let told = format!("{} {} as {who}: {status} {code}, expected {expected:?}", self.method, self.path);
        Ok((!right).then_some(told))
    }
}

/// What is wrong with the answers to one client.
pub(super) async fn faults(rows: &[Row], who: &str, client: &ApiClient, expected: impl Fn(&Row) -> Expected) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(row.fault(who, client, expected(row)).await?);
    }
    Ok(wrong)
}
