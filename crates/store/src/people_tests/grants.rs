//! The rights of the program's role on PostgreSQL that `docs/people.md` gives: what they leave possible, and what not.

use call::Timestamp;
use jiff::SignedDuration;
use sqlx::raw_sql;
use testkit::postgres::PostgresServer;

use crate::audit::{self, Actor, ActorKind, AuditEntry, Outcome};
use crate::contract::people::{have_users, written};
use crate::{Database, StoreError, Target, query};

const DOCUMENT: &str = include_str!("../../../../docs/people.md");

/// The first SQL of the document.
fn documented() -> &'static str {
    let (_, rest) = DOCUMENT.split_once("```sql\n").unwrap();
    rest.split_once("```").unwrap().0
}

fn entry(at: Timestamp) -> AuditEntry {
    AuditEntry {
        tenant: None,
        at,
        actor: Actor { kind: ActorKind::System, id: None },
        action: "test".into(),
        target: ("test".into(), None),
        outcome: Outcome::Done,
        before: None,
        after: None,
        detail: serde_json::Value::Null,
        request_id: String::new(),
        address: String::new().into(),
    }
}

#[tokio::test]
async fn the_documented_rights_keep_the_trail() {
    let owners_url = PostgresServer::shared().await.unwrap().database().await.unwrap();
    Database::migrate(&owners_url).await.unwrap();
    let owner = Database::connect(&owners_url).await.unwrap();
    let Target::PostgresPool(pool, _) = owner.writer() else { panic!("not PostgreSQL") };
    raw_sql(documented()).execute(pool).await.unwrap();
    let (_, place) = owners_url.rsplit_once('@').unwrap();
    let db = Database::connect(&format!("postgres://voicenoob_app:choose%20one@{place}")).await.unwrap();

    have_users(&db, [1]).await;
    let (now, day) = (Timestamp::now(), SignedDuration::from_hours(24));
    for age in [900, 800, 700, 1, 0] {
        written!(db, |tx| audit::append(&mut tx, &entry(now - day * age))).unwrap();
    }
    for (forbidden, said) in [
        ("UPDATE audit SET action = 'nothing'", "permission denied"),
        ("TRUNCATE audit", "permission denied"),
        ("DROP TRIGGER audit_keeps ON audit", "must be owner"),
        ("ALTER TABLE audit DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("UPDATE audit_start SET number = 4", "permission denied"),
        ("DELETE FROM _sqlx_migrations", "permission denied"),
    ] {
        let error = query(forbidden).execute(db.writer()).await.unwrap_err().to_string();
        assert!(error.contains(said), "{forbidden}: {error}");
    }
    assert_eq!(query("DELETE FROM audit WHERE number > 3").execute(db.writer()).await.unwrap(), 0, "young entries stay");
    let mut tx = db.begin().await.unwrap();
    let error = audit::trim(&mut tx, now, now).await.unwrap_err();
    drop(tx);
    assert!(matches!(error, StoreError::NotAllowed { .. }), "{error:?}");
    assert!(error.to_string().contains("docs/people.md"), "{error}");
    assert_eq!(audit::verify(&db).await.unwrap().rows, 5, "and nothing of it was done");
    assert_eq!(written!(db, |tx| audit::trim(&mut tx, now - day * 750, now)).unwrap(), 2);
    let verified = audit::verify(&db).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault), (4, None), "three that are left, and the note");
    // What the rights leave: old entries, taken without a note. It is found.
    assert_eq!(query("DELETE FROM audit WHERE number = 3").execute(db.writer()).await.unwrap(), 1);
    assert!(audit::verify(&db).await.unwrap().first_fault.is_some());
}
