//! An installation with its people.

use std::net::IpAddr;

use call::{TenantId, Timestamp};
use jiff::SignedDuration;
use people::{Client, Invitation, Login, NewPerson, People, PeopleError, PeopleSettings, Principal, Role, Tokens};
use privacy::{Pii, Secret};
use secrets::{AccessTokens, KeyFile};
use store::Database;
use store::audit::{AuditFilter, AuditRow, Outcome};
use store::sessions::SessionKind;
use store::users::User;
use testkit::postgres::PostgresServer;
use uuid::Uuid;

/// The stories of a module on both databases. On the server all are one test: a runner with a process for each test starts one server.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod sqlite {
            use crate::world::{World, tell};

            $(#[test]
            fn $story() {
                tell(async || super::$story(World::in_memory().await).await);
            })*
        }

        #[test]
        fn all_of_it_holds_on_postgresql() {
            crate::world::tell(async || {
                $(println!("{}", stringify!($story));
                Box::pin($story(crate::world::World::on_server().await)).await;)*
            });
        }
    };
}

/// Stack for a story: without optimisation each await of a long one has its own place there.
const STACK: usize = 64 << 20;

/// Runs a story to its end.
pub(crate) fn tell(story: impl AsyncFnOnce() + Send + 'static) {
    let told = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_stack_size(STACK).enable_all().build().unwrap();
        runtime.block_on(story());
    });
    if let Err(panic) = told.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

/// Where everybody sits unless said otherwise.
pub(crate) const OFFICE: &str = "192.0.2.10";
pub(crate) const OWNER: &str = "olga@adler.example";

pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) people: People,
    /// Another instance of the program.
    pub(crate) elsewhere: People,
    pub(crate) now: Timestamp,
    _keys: tempfile::TempDir,
}

impl World {
    pub(crate) async fn in_memory() -> Self {
        Self::on(Database::in_memory().await.unwrap())
    }

    pub(crate) async fn on_server() -> Self {
        let url = PostgresServer::shared().await.unwrap().database().await.unwrap();
        Database::migrate(&url).await.unwrap();
        Self::on(Database::connect(&url).await.unwrap())
    }

    pub(crate) fn on(db: Database) -> Self {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let place = tempfile::tempdir().unwrap();
        let file = KeyFile::load_or_create(&place.path().join("secrets.toml"), now).unwrap();
        let instance = || {
            let tokens = AccessTokens::new(file.signing_keys(), "https://voice.example", "voicenoob");
            People::new(db.clone(), std::sync::Arc::new(file.clone()), tokens, PeopleSettings::default())
        };
        let (people, elsewhere) = (instance(), instance());
        Self { db, people, elsewhere, now, _keys: place }
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The first administrator, signed in: owner of the first workspace.
    pub(crate) async fn owner(&self) -> Principal {
        let person = NewPerson { email: OWNER.to_owned().into(), name: "Olga Adler".to_owned().into(), password: password(OWNER) };
        self.people.create_first_admin(None, &person, &client(OFFICE), self.now).await.unwrap();
        self.caller(OWNER).await
    }

    /// Somebody invited by this caller, with an account.
    pub(crate) async fn member(&self, by: &Principal, email: &str, role: Role) -> User {
        let link = self.people.invite(by, &invitation(email, role), &client(OFFICE), self.now).await.unwrap();
        self.people.accept_invitation(&link.token, None, &password(email), &client(OFFICE), self.now).await.unwrap()
    }

    pub(crate) async fn login(&self, email: &str, password: &Secret, address: &str) -> Result<Login, PeopleError> {
        self.people.login(email, password, None, SessionKind::Token, &client(address), self.now).await
    }

    /// Signs in with the right password.
    pub(crate) async fn tokens(&self, email: &str) -> Tokens {
        done(self.login(email, &password(email), OFFICE).await.unwrap())
    }

    /// Signs in, and who that is.
    pub(crate) async fn caller(&self, email: &str) -> Principal {
        let tokens = self.tokens(email).await;
        self.whose(&tokens).await.unwrap()
    }

    pub(crate) async fn whose(&self, tokens: &Tokens) -> Result<Principal, PeopleError> {
        self.people.authenticate_token(tokens.access.as_ref().unwrap().expose(), self.now).await
    }

    pub(crate) async fn whose_elsewhere(&self, tokens: &Tokens) -> Result<Principal, PeopleError> {
        self.elsewhere.authenticate_token(tokens.access.as_ref().unwrap().expose(), self.now).await
    }

    pub(crate) async fn user(&self, id: Uuid) -> User {
        store::users::get(&self.db, id).await.unwrap().unwrap()
    }

    /// Another workspace, with this member.
    pub(crate) async fn workspace(&self, name: &str, member: Uuid, role: Role) -> TenantId {
        let first = store::tenants::get(&self.db, TenantId::DEFAULT).await.unwrap().unwrap();
        let tenant = store::tenants::Tenant { id: TenantId(Uuid::now_v7()), name: name.to_owned(), ..first };
        let mut tx = self.db.begin().await.unwrap();
        store::tenants::create(&mut tx, &tenant).await.unwrap();
        store::users::set_role(&mut tx, tenant.id, member, role.as_str(), self.now).await.unwrap();
        tx.commit().await.unwrap();
        tenant.id
    }

    /// What the audit trail says of an action, newest first. The trail is whole.
    pub(crate) async fn audit(&self, action: &str) -> Vec<AuditRow> {
        assert_eq!(store::audit::verify(&self.db).await.unwrap().first_fault, None);
        let filter = AuditFilter { action: Some(action.to_owned()), limit: 200, ..AuditFilter::default() };
        store::audit::list(&self.db, &filter).await.unwrap()
    }

    /// Why an action did not work the last time.
    pub(crate) async fn last_why(&self, action: &str) -> String {
        let rows = self.audit(action).await;
        assert_ne!(rows[0].entry.outcome, Outcome::Done);
        rows[0].entry.detail["why"].as_str().unwrap().to_owned()
    }
}

/// Everybody's password is their own.
pub(crate) fn password(email: &str) -> Secret {
    let sum: u32 = email.bytes().map(u32::from).sum();
    Secret::from(format!("nine quiet geese {sum}"))
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

pub(crate) fn client(address: &str) -> Client {
    let address: IpAddr = address.parse().unwrap();
    Client { address, user_agent: "stories/1".into(), request_id: "story".into(), claim: None }
}

pub(crate) fn invitation(email: &str, role: Role) -> Invitation {
    Invitation { email: email.to_owned().into(), name: Some(Pii::new("Somebody Else".to_owned())), role }
}

pub(crate) fn done(login: Login) -> Tokens {
    match login {
        Login::Done(tokens) => tokens,
        Login::SecondFactor { .. } => panic!("a code is wanted"),
    }
}

pub(crate) fn is_throttled<T>(result: &Result<T, PeopleError>) -> Option<i64> {
    match result {
        Err(PeopleError::Throttled { retry_after }) => Some(retry_after.as_secs()),
        _ => None,
    }
}
