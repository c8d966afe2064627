//! A server on a port of its own with a database of its own, and people with every role in two workspaces.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::{ApiSettings, ApiState, Base, DirectoryHook, FieldProblem, Limits, Parts, Rates, RecordingFiles, Table};
use async_trait::async_trait;
use call::{TenantId, Timestamp};
use jiff::{SignedDuration, ToSpan};
use live::Rate;
use people::{People, PeopleSettings, Permission, Role};
use privacy::{Pii, Secret};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrets::{AccessTokens, KeyFile, digest, random_token};
use serde_json::Value;
use store::agents::StoredAgent;
use store::api_keys::ApiKey;
use store::sessions::{Session, SessionKind};
use store::tenants::{RedactionLevel, Retention, Tenant};
use store::users::User;
use store::{Database, Transaction};
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;

/// The second workspace.
pub(crate) const OTHER: TenantId = TenantId(uuid::uuid!("01890000-0000-7000-8000-00000000000b"));
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The server and what it stands on.
pub(crate) struct Stage {
    pub(crate) state: ApiState,
    pub(crate) address: SocketAddr,
    client: Client,
    tokens: AccessTokens,
    folder: Arc<TempDir>,
}

/// So much of everything that a test of something else comes to no limit.
pub(crate) fn plenty() -> Rates {
    let plenty = Rate::per_minute(1_000_000);
    Rates { login: plenty, read: plenty, write: plenty, costly: plenty, stream: plenty, address: plenty, workspace: 1 }
}

/// What somebody brings.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Nothing,
    Bearer(String),
    Cookie(String),
}

impl Stage {
    /// A server with these routes.
    pub(crate) async fn open(table: Table) -> Self {
        Self::with(table, ApiSettings::default(), Limits::new(None, plenty())).await
    }

    pub(crate) async fn with(table: Table, settings: ApiSettings, limits: Limits) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let db = Database::open(folder.path()).await.unwrap();
        let stage = Self::on(folder, db, table, settings, limits).await;
        stage.add_other_workspace().await;
        stage
    }

    /// Another instance with the same database and keys.
    pub(crate) async fn beside(stage: &Self, table: Table, limits: Limits) -> Self {
        Self::on(Arc::clone(&stage.folder), stage.db().clone(), table, ApiSettings::default(), limits).await
    }

    async fn on(folder: Arc<TempDir>, db: Database, table: Table, settings: ApiSettings, limits: Limits) -> Self {
        let keys = KeyFile::load_or_create(&folder.path().join("secrets.toml"), Timestamp::now()).unwrap();
        let tokens = AccessTokens::new(keys.signing_keys(), "voicenoob", "voicenoob-api");
        let people = People::new(db.clone(), Arc::new(keys.clone()), tokens.clone(), PeopleSettings::default());
        let state = ApiState::new(Parts {
            db,
            people,
            openid: None,
            sealer: Arc::new(keys.clone()),
            pseudonym_key: keys.pseudonym_key(),
            limits,
            settings,
            directory: Arc::new(NoAgents),
            recordings: Arc::new(NoFiles),
        });
        let router = table.into_router(&state).with_state(state.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await });
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { state, address, client, tokens, folder }
    }

    pub(crate) fn db(&self) -> &Database {
        &self.state.db
    }

    /// A request, to be completed.
    pub(crate) fn ask(&self, method: Method, path: &str, credential: &Credential) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        match credential {
            Credential::Nothing => request,
            Credential::Bearer(token) => request.bearer_auth(token),
            Credential::Cookie(value) => request.header("cookie", format!("voicenoob={value}")),
        }
    }

    pub(crate) async fn get(&self, path: &str, credential: &Credential) -> Response {
        self.ask(Method::GET, path, credential).send().await.unwrap()
    }

    async fn add_other_workspace(&self) {
        let now = Timestamp::now();
        let tenant = Tenant {
            id: OTHER,
            name: "Other".into(),
            description: None,
            time_zone: "UTC".into(),
            opening_hours: None,
            retention: Retention::default(),
            redaction: RedactionLevel::Cards,
            max_calls: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.db().begin().await.unwrap();
        store::tenants::create(&mut tx, &tenant).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// An account, with a role in a workspace if one is given.
    pub(crate) async fn person(&self, place: Option<(TenantId, Role)>, system_admin: bool) -> Uuid {
        let (id, now) = (Uuid::now_v7(), Timestamp::now());
        let user = User {
            id,
            email: Pii::new(format!("{id}@example.com")),
            name: Pii::new("Ann".into()),
            password_hash: None,
            password_changed_at: None,
            active: true,
            system_admin,
            identity: None,
            totp: None,
            version: 1,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        };
        let mut tx = self.db().begin().await.unwrap();
        store::users::create(&mut tx, &user).await.unwrap();
        if let Some((tenant, role)) = place {
            store::users::set_role(&mut tx, tenant, id, role.as_str(), now).await.unwrap();
        }
        tx.commit().await.unwrap();
        id
    }

    /// A new session of a person, by access token.
    pub(crate) async fn token(&self, user: Uuid, tenant: Option<TenantId>) -> Credential {
        let now = Timestamp::now();
        let (session, _) = self.session(user, tenant, SessionKind::Token, now).await;
        Credential::Bearer(self.signed(user, session, now))
    }

    /// An access token that has ended.
    pub(crate) async fn ended_token(&self, user: Uuid, tenant: TenantId) -> Credential {
        let (session, _) = self.session(user, Some(tenant), SessionKind::Token, Timestamp::now()).await;
        Credential::Bearer(self.signed(user, session, Timestamp::now() - 1.hour()))
    }

    /// An access token of a session that was ended.
    pub(crate) async fn revoked_token(&self, user: Uuid, tenant: TenantId) -> Credential {
        let now = Timestamp::now();
        let (session, _) = self.session(user, Some(tenant), SessionKind::Token, now).await;
        let mut tx = self.db().begin().await.unwrap();
        assert!(store::sessions::revoke(&mut tx, session, None, "test", now).await.unwrap());
        tx.commit().await.unwrap();
        Credential::Bearer(self.signed(user, session, now))
    }

    fn signed(&self, user: Uuid, session: Uuid, at: Timestamp) -> String {
        let claims = self.tokens.claims(user, session, SignedDuration::from_mins(10), at);
        self.tokens.issue(&claims, at).unwrap().expose().to_owned()
    }

    /// A new session of a person, by cookie.
    pub(crate) async fn cookie(&self, user: Uuid, tenant: TenantId) -> Credential {
        let (_, secret) = self.session(user, Some(tenant), SessionKind::Browser, Timestamp::now()).await;
        Credential::Cookie(secret.expose().to_owned())
    }

    pub(crate) async fn session(&self, user: Uuid, tenant: Option<TenantId>, kind: SessionKind, now: Timestamp) -> (Uuid, Secret) {
        let (id, secret) = (Uuid::now_v7(), random_token().unwrap());
        let session = Session {
            id,
            user_id: user,
            tenant,
            kind,
            verified_at: None,
            address: Pii::new("127.0.0.1".into()),
            user_agent: "test".into(),
            created_at: now,
            used_at: now,
            idle_ends_at: now + HOUR,
            ends_at: now + HOUR,
            revoked_at: None,
            revoked_because: None,
        };
        let mut tx = self.db().begin().await.unwrap();
        store::sessions::create(&mut tx, &session, &digest(secret.expose())).await.unwrap();
        tx.commit().await.unwrap();
        (id, secret)
    }

    /// An API key of a workspace, made by its owner.
    pub(crate) async fn key(
        &self,
        tenant: TenantId,
        maker: Uuid,
        scopes: &[Permission],
        expires_at: Option<Timestamp>,
    ) -> (Uuid, Credential) {
        let (id, secret) = (Uuid::now_v7(), random_token().unwrap());
        let prefix = id.simple().to_string()[20..].to_owned();
        let text = format!("vnk_{prefix}_{}", secret.expose());
        let key = ApiKey {
            id,
            tenant,
            name: "test".into(),
            prefix,
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_by: Some(maker),
            created_at: Timestamp::now(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx: Transaction = self.db().begin().await.unwrap();
        store::api_keys::create(&mut tx, &key, &digest(&text)).await.unwrap();
        tx.commit().await.unwrap();
        (id, Credential::Bearer(text))
    }
}

/// Status and body of an answer; no body is `null`.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// An installation without voices: agents are stored and not run.
struct NoAgents;

impl DirectoryHook for NoAgents {
    fn changed(&self) {}

    fn voices(&self, _: &[String]) -> Vec<String> {
        Vec::new()
    }

    fn languages(&self) -> Vec<String> {
        Vec::new()
    }

    fn bases(&self) -> Vec<Base> {
        Vec::new()
    }

    fn check(&self, _: &StoredAgent, _: &[String], _: &[String]) -> Result<(), Vec<FieldProblem>> {
        Ok(())
    }
}

struct NoFiles;

#[async_trait]
impl RecordingFiles for NoFiles {
    async fn remove(&self, _: &str) -> Result<bool, io::Error> {
        Ok(false)
    }
}
