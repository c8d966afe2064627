//! A server of the table's handlers on a database of its own, and hands that ask it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use agent::AgentDefinition;
use api::{ApiSettings, ApiState, Base, DirectoryHook, FieldProblem, Limits, Parts, Rates, RecordingFiles, table};
use call::Timestamp;
use live::Rate;
use people::{Client, NewPerson, People, PeopleSettings};
use privacy::{Pii, Secret};
use reqwest::{Method, StatusCode};
use secrets::{AccessTokens, KeyFile};
use serde_json::{Value, json};
use store::Database;
use store::agents::StoredAgent;
use tempfile::TempDir;
use testkit::postgres::PostgresServer;
use tokio::net::TcpListener;

/// Stories that hold on both databases: one test each on SQLite; on PostgreSQL, where a server is started for each test, one for all.
macro_rules! stories {
    ($($story:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $story() {
                super::$story(crate::desk::Desk::on_sqlite().await).await;
            })*
        }

        #[tokio::test]
        async fn on_postgresql() {
            $(
                println!("{}", stringify!($story));
                $story(crate::desk::Desk::on_postgresql().await).await;
            )*
        }
    };
}

/// What everybody's password is here.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// The flow that the program ships with.
pub(crate) const FLOW: &str = include_str!("../../../../agents/hotel.toml");

/// A running server.
pub(crate) struct Desk {
    url: String,
    http: reqwest::Client,
    pub(crate) state: ApiState,
    pub(crate) directory: Arc<Directory>,
    /// Where recordings lie.
    pub(crate) place: TempDir,
}

/// Somebody who asks.
pub(crate) struct Hand {
    url: String,
    http: reqwest::Client,
    bearer: Option<String>,
    /// Their account, for people.
    pub(crate) id: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

/// Builds agents as the program does.
#[derive(Default)]
pub(crate) struct Directory {
    changes: AtomicU64,
}

struct Files(PathBuf);

impl Directory {
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

impl DirectoryHook for Directory {
    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn voices(&self, _: &[String]) -> Vec<String> {
        vec!["slt".into(), "kal".into()]
    }

    fn languages(&self) -> Vec<String> {
        vec!["en-US".into(), "de-DE".into()]
    }

    fn bases(&self) -> Vec<Base> {
        vec![Base { id: "hotel".into(), name: "Hotel".into(), tools: vec!["find_booking".into()], languages: vec!["en-US".into()] }]
    }

    fn check(&self, agent: &StoredAgent, declared: &[String], _: &[String]) -> Result<(), Vec<FieldProblem>> {
        let mut faults = Vec::new();
        if let Some(Err(error)) = agent.flow.as_deref().map(|flow| AgentDefinition::from_flow(flow, PathBuf::from("flow"))) {
            faults.push(FieldProblem { field: "/flow".into(), message: error.to_string() });
        }
        for (index, tool) in
            agent.settings.tools.iter().flatten().enumerate().filter(|(_, tool)| *tool != "find_booking" && !declared.contains(tool))
        {
            faults.push(FieldProblem { field: format!("/tools/{index}"), message: format!("there is no tool {tool}") });
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

#[async_trait::async_trait]
impl RecordingFiles for Files {
    async fn remove(&self, path: &str) -> Result<bool, std::io::Error> {
        match std::fs::remove_file(self.0.join(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Desk {
    pub(crate) async fn on_sqlite() -> Self {
        let place = tempfile::tempdir().unwrap();
        let db = Database::open(place.path()).await.unwrap();
        Self::on(db, place).await
    }

    pub(crate) async fn on_postgresql() -> Self {
        let url = PostgresServer::shared().await.unwrap().database().await.unwrap();
        Database::migrate(&url).await.unwrap();
        Self::on(Database::connect(&url).await.unwrap(), tempfile::tempdir().unwrap()).await
    }

    async fn on(db: Database, place: TempDir) -> Self {
        let keys = KeyFile::load_or_create(&place.path().join("secrets.toml"), Timestamp::now()).unwrap();
        let sealer = Arc::new(keys.clone());
        let tokens = AccessTokens::new(keys.signing_keys(), "https://voice.example.com", "voicenoob");
        let people = People::new(db.clone(), sealer.clone(), tokens, PeopleSettings::default());
        let plenty = Rate::per_minute(100_000);
        let rates = Rates { login: plenty, read: plenty, write: plenty, costly: plenty, stream: plenty, address: plenty, workspace: 10 };
        let directory = Arc::new(Directory::default());
        let state = ApiState::new(Parts {
            db,
            people,
            openid: None,
            sealer,
            pseudonym_key: keys.pseudonym_key(),
            limits: Limits::new(None, rates),
            settings: ApiSettings::default(),
            directory: directory.clone(),
            recordings: Arc::new(Files(place.path().to_owned())),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = table().into_router(&state).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await });
        Self { url, http: reqwest::Client::new(), state, directory, place }
    }

    /// Somebody who is not signed in.
    pub(crate) fn nobody(&self) -> Hand {
        Hand { url: self.url.clone(), http: self.http.clone(), bearer: None, id: String::new() }
    }

    /// Somebody with this bearer.
    pub(crate) fn bearer(&self, bearer: &str) -> Hand {
        Hand { bearer: Some(bearer.to_owned()), ..self.nobody() }
    }

    /// The first administrator, signed in: owner of the first workspace.
    pub(crate) async fn owner(&self) -> Hand {
        let person = NewPerson {
            email: Pii::new("owner@example.com".into()),
            name: Pii::new("Olga Owner".into()),
            password: Secret::from(PASSWORD.to_owned()),
        };
        self.state.people.create_first_admin(None, &person, &Client::here("test"), Timestamp::now()).await.unwrap();
        self.sign_in("owner@example.com").await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> Hand {
        let answer = self.nobody().post("auth/login", json!({ "email": email, "password": PASSWORD })).await.is(200);
        Hand { id: answer.text("/account/id"), ..self.bearer(&answer.text("/access_token")) }
    }

    /// Somebody new in the workspace of who invites them.
    pub(crate) async fn colleague(&self, host: &Hand, email: &str, role: &str) -> Hand {
        let invitation = host.post("users", json!({ "email": email, "role": role })).await.is(201);
        let ticket = invitation.text("/ticket");
        let acceptance = json!({ "ticket": ticket, "name": email, "password": PASSWORD });
        self.nobody().post("auth/invitations/accept", acceptance).await.is(201);
        self.sign_in(email).await
    }

    /// The owner of another workspace, who has nothing to do with the first one.
    pub(crate) async fn stranger(&self, owner: &Hand) -> Hand {
        let made = owner.post("workspaces", json!({ "name": "Elsewhere" })).await.is(201);
        let there = self.sign_in("owner@example.com").await;
        there.post("auth/workspace", json!({ "workspace_id": made.text("/id") })).await.is(200);
        self.colleague(&there, "stranger@example.com", "owner").await
    }
}

impl Hand {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(body), &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, &[]).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.request(method, format!("{}/api/v1/{path}", self.url));
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")) };
        Answer { status, headers, body }
    }

    /// The only line of the trail about this action and target.
    pub(crate) async fn line(&self, action: &str, target: &str) -> Value {
        let found = self.get(&format!("audit?action={action}&target_id={target}&outcome=done")).await.is(200);
        let lines = found.body["items"].as_array().unwrap();
        assert_eq!(lines.len(), 1, "{action} of {target}: {found:?}");
        lines[0].clone()
    }
}

impl Answer {
    /// This status, or the test is over.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A problem of this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.body["code"], code, "{answer:?}");
        answer
    }

    #[track_caller]
    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer}: {self:?}")).to_owned()
    }

    pub(crate) fn etag(&self) -> String {
        self.headers["etag"].to_str().unwrap().to_owned()
    }

    /// The bad fields that a 422 names, in order of their names.
    #[track_caller]
    pub(crate) fn bad_fields(self) -> Vec<String> {
        let answer = self.is(422);
        let mut fields: Vec<String> =
            answer.body["errors"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap().to_owned()).collect();
        fields.sort();
        fields
    }

    /// The names in a list, in its order.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<&str> {
        self.body["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }
}
