//! Every row of the table with everybody who might ask, generated from the table itself.

use std::collections::BTreeSet;

use api::{Access, Row};
use call::{AgentId, Carrier, PhoneNumber, TenantId, Timestamp};
use jiff::ToSpan;
use people::{Permission, Role};
use serde_json::json;
use store::numbers::PhoneNumberRow;
use uuid::Uuid;

use super::stage::{Credential, OTHER, Stage, read};

/// What is to come of a request, as far as the table decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The handler is reached; what it answers is its own business, but neither a fault nor "not signed in".
    Through,
    /// 401.
    NotSignedIn,
    /// 403 for want of a permission.
    NotPermitted,
}

fn expected(access: Access, has: &BTreeSet<Permission>) -> Expected {
    match access {
        Access::Needs(needed) if !needed.iter().all(|permission| has.contains(permission)) => Expected::NotPermitted,
        _ => Expected::Through,
    }
}

/// The row's path with ids of nothing.
fn path(row: &Row) -> String {
    filled(&row.path, &Uuid::now_v7().to_string())
}

fn filled(path: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Asks with an empty object as body, which changes nothing and makes nothing.
async fn ask(stage: &Stage, row: &Row, path: &str, credential: &Credential) -> (u16, String) {
    let mut request = stage.ask(row.method.clone(), path, credential);
    if matches!(row.method.as_str(), "POST" | "PUT" | "PATCH") {
        request = request.json(&json!({}));
    }
    let (status, body) = read(request.send().await.unwrap()).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

async fn check(stage: &Stage, row: &Row, who: &str, credential: &Credential, expected: Expected) -> Option<String> {
    let (status, code) = ask(stage, row, &path(row), credential).await;
    let right = match expected {
        Expected::NotSignedIn => status == 401 && code == "unauthenticated",
        Expected::NotPermitted => status == 403 && code == "permission",
        // Public rows that check a password or a link of their own may answer 401; nobody else may.
        Expected::Through => {
            (status != 401 || row.access == Access::Public) && code != "permission" && code != "cross_site" && status < 500
        }
    };
    (!right).then(|| format!("{} {} as {who}: {status} {code}, expected {expected:?}", row.method, row.path))
}

/// The rows of the program and of these tests, but the one that breaks on purpose.
fn rows() -> Vec<Row> {
    let mut rows = [api::table().rows(), super::routes::table().rows()].concat();
    rows.retain(|row| row.operation != "panics");
    rows
}

async fn stage() -> Stage {
    Stage::open(api::table().merge(super::routes::table())).await
}

#[tokio::test]
async fn every_row_lets_everybody_through_who_may_and_nobody_else() {
    let stage = stage().await;
    let mut wrong = Vec::new();
    for row in rows() {
        for role in Role::ALL {
            let person = stage.person(Some((TenantId::DEFAULT, role)), false).await;
            let expected = expected(row.access, &role.permissions());
            let token = stage.token(person, Some(TenantId::DEFAULT)).await;
            wrong.extend(check(&stage, &row, role.as_str(), &token, expected).await);
            let cookie = stage.cookie(person, TenantId::DEFAULT).await;
            wrong.extend(check(&stage, &row, &format!("{} by cookie", role.as_str()), &cookie, expected).await);
        }
        let nowhere = stage.person(None, false).await;
        let token = stage.token(nowhere, None).await;
        wrong.extend(check(&stage, &row, "a person without a workspace", &token, expected(row.access, &BTreeSet::new())).await);
        let administrator = stage.person(None, true).await;
        let token = stage.token(administrator, None).await;
        let system = Permission::ALL.iter().copied().filter(|permission| permission.is_system()).collect();
        wrong.extend(check(&stage, &row, "a system administrator without a workspace", &token, expected(row.access, &system)).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_key_is_let_through_by_its_scopes_only() {
    let stage = stage().await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let (_, bare) = stage.key(TenantId::DEFAULT, owner, &[], None).await;
    let mut wrong = Vec::new();
    for row in rows() {
        wrong.extend(check(&stage, &row, "a key without scopes", &bare, expected(row.access, &BTreeSet::new())).await);
        let Access::Needs(needed) = row.access else { continue };
        if needed.iter().any(|permission| permission.is_system()) {
            continue;
        }
        let (_, fit) = stage.key(TenantId::DEFAULT, owner, needed, None).await;
        wrong.extend(check(&stage, &row, "a key with the scopes", &fit, Expected::Through).await);
        let others: Vec<Permission> = Permission::ALL.iter().copied().filter(|permission| !needed.contains(permission)).collect();
        let (_, unfit) = stage.key(TenantId::DEFAULT, owner, &others, None).await;
        wrong.extend(check(&stage, &row, "a key with all other scopes", &unfit, Expected::NotPermitted).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn without_a_credential_that_is_good_now_only_public_rows_answer() {
    let stage = stage().await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let past = Timestamp::now() - 1.hour();
    let nobodies = [
        ("nobody", Credential::Nothing),
        ("a made-up token", Credential::Bearer("eyJhbGciOiJub25lIn0.e30.".into())),
        ("a made-up key", Credential::Bearer("vnk_abcdefgh_secret".into())),
        ("a made-up cookie", Credential::Cookie("abc".into())),
        ("an old token", stage.ended_token(owner, TenantId::DEFAULT).await),
        ("a token of an ended session", stage.revoked_token(owner, TenantId::DEFAULT).await),
        ("an old key", stage.key(TenantId::DEFAULT, owner, Permission::ALL, Some(past)).await.1),
    ];
    let mut wrong = Vec::new();
    for row in rows() {
        let expected = if row.access == Access::Public { Expected::Through } else { Expected::NotSignedIn };
        for (who, credential) in &nobodies {
            wrong.extend(check(&stage, &row, who, credential, expected).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_on_any_row() {
    let stage = stage().await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), true).await;
    for row in rows().into_iter().filter(|row| !row.method.is_safe()) {
        let cookie = stage.cookie(owner, TenantId::DEFAULT).await;
        for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let request = stage.ask(row.method.clone(), &path(&row), &cookie).header(header.0, header.1).json(&json!({}));
            let (status, body) = read(request.send().await.unwrap()).await;
            assert_eq!((status, &body["code"]), (403, &json!("cross_site")), "{} {} {header:?}", row.method, row.path);
        }
    }
}

/// Ids of the other workspace, by the path they stand in.
async fn foreign(stage: &Stage) -> Vec<(&'static str, String)> {
    let now = Timestamp::now();
    let owner = stage.person(Some((OTHER, Role::Owner)), false).await;
    let (session, _) = stage.session(owner, Some(OTHER), store::sessions::SessionKind::Browser, now).await;
    let (key, _) = stage.key(OTHER, owner, &[Permission::AgentView], None).await;
    let agent = store::agents::StoredAgent {
        id: AgentId(Uuid::now_v7()),
        tenant: OTHER,
        name: "Foreign".into(),
        description: None,
        flow: None,
        base: "receptionist".into(),
        settings: store::agents::AgentSettings::default(),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let number = PhoneNumberRow {
        id: Uuid::now_v7(),
        tenant: OTHER,
        number: PhoneNumber::new("+4930123456"),
        name: None,
        carrier: Carrier::Twilio,
        agent: Some(agent.id),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = stage.db().begin().await.unwrap();
    store::agents::create(&mut tx, &agent).await.unwrap();
    store::numbers::create(&mut tx, &number).await.unwrap();
    tx.commit().await.unwrap();
    vec![
        ("/api/v1/agents/", agent.id.to_string()),
        ("/api/v1/users/", owner.to_string()),
        ("/api/v1/api-keys/", key.to_string()),
        ("/api/v1/workspaces/", OTHER.to_string()),
        ("/api/v1/auth/sessions/", session.to_string()),
        ("/api/v1/phone-numbers/", number.id.to_string()),
    ]
}

#[tokio::test]
async fn ids_of_another_workspace_are_ids_of_nothing() {
    let stage = stage().await;
    let foreign = foreign(&stage).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let mut asked = BTreeSet::new();
    for row in api::table().rows().into_iter().filter(|row| row.path.contains('{')) {
        let Some((place, id)) = foreign.iter().find(|(place, _)| row.path.starts_with(place)) else { continue };
        asked.insert(*place);
        let token = stage.token(owner, Some(TenantId::DEFAULT)).await;
        let (status, code) = ask(&stage, &row, &filled(&row.path, id), &token).await;
        // A body that is not right is told before anything is looked for.
        assert!(status == 404 || code == "invalid", "{} {}: {status} {code}", row.method, row.path);
    }
    assert_eq!(asked.len(), foreign.len(), "every kind of thing is in the table: {asked:?}");
    let agent = AgentId(foreign[0].1.parse().unwrap());
    assert_eq!(store::numbers::get(stage.db(), OTHER, foreign[5].1.parse().unwrap()).await.unwrap().unwrap().version, 1);
    assert_eq!(store::agents::get(stage.db(), OTHER, agent).await.unwrap().unwrap().version, 1);
    assert!(store::users::member(stage.db(), OTHER, foreign[1].1.parse().unwrap()).await.unwrap().is_some());
    assert!(store::api_keys::get(stage.db(), OTHER, foreign[2].1.parse().unwrap()).await.unwrap().unwrap().revoked_at.is_none());
    assert!(store::sessions::get(stage.db(), foreign[4].1.parse().unwrap()).await.unwrap().unwrap().revoked_at.is_none());
}
