//! Every address of the running server, with everybody who might ask. The addresses are read from the server's own document, so that one which is
//! added tomorrow is walked over tomorrow.

mod foreign;
pub(crate) mod house;
mod outside;
mod revoked;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use people::{Permission, Role};
use reqwest::Method;
use serde_json::json;
use testkit::ApiClient;

use self::house::House;
use self::rows::{Expected, Row, faults};

/// What may be asked without signing in. Everything else of the table wants somebody.
const PUBLIC: [&str; 12] = [
    "acceptInvitation",
    "beginOpenId",
    "createFirstAdmin",
    "finishOpenId",
    "getDocument",
    "getDocumentPage",
    "getDocumentScript",
    "getDocumentStyle",
    "giveSecondFactor",
    "login",
    "refresh",
    "resetPassword",
];

#[tokio::test]
async fn nothing_is_public_by_mistake_and_the_document_has_the_rows_that_meet_calls() -> Result<()> {
    let house = House::open(&[]).await?;
    let rows = house.rows().await?;
    let public: BTreeSet<&str> = rows.iter().filter(|row| row.public).map(|row| row.operation.as_str()).collect();
    assert_eq!(public, BTreeSet::from(PUBLIC));
    let needs = |operation: &str| rows.iter().find(|row| row.operation == operation).map(|row| row.needs.clone());
    assert_eq!(needs("listCalls"), Some(vec![Permission::CallView]));
    assert_eq!(needs("hangUpCall"), Some(vec![Permission::CallEnd]));
    assert_eq!(needs("getRecording"), Some(vec![Permission::CallView, Permission::RecordingListen]));
    assert_eq!(needs("clearQueue"), Some(vec![Permission::CallManage]));
    assert_eq!(needs("beginDrain"), Some(vec![Permission::SystemConfig]));
    Ok(())
}

#[tokio::test]
async fn every_row_of_the_running_server_lets_each_role_do_what_it_may_and_nothing_else() -> Result<()> {
    let house = House::open(&[]).await?;
    let rows = house.rows().await?;
    let mut wrong = Vec::new();
    for role in Role::ALL {
        let person = house.joins(&house.ann, &format!("{}@example.com", role.as_str()), role.as_str()).await?;
        wrong.extend(house.walk(&rows, &person.email, role.as_str(), &role.permissions()).await?);
    }
    let nowhere = house.joins(&house.ann, "nowhere@example.com", "viewer").await?;
    let system = house.joins(&house.ann, "system@example.com", "viewer").await?;
    house.ann.send(Method::PATCH, &format!("/api/v1/accounts/{}", system.id), Some(&json!({ "system_admin": true }))).await?;
    for person in [&nowhere, &system] {
        let (status, body) = house.ann.send(Method::DELETE, &format!("/api/v1/users/{}", person.id), None).await?;
        assert_eq!(status, 204, "{body}");
    }
    wrong.extend(house.walk(&rows, &nowhere.email, "a person without a workspace", &BTreeSet::new()).await?);
    let may = Permission::ALL.iter().copied().filter(|permission| permission.is_system()).collect();
    wrong.extend(house.walk(&rows, &system.email, "a system administrator without a workspace", &may).await?);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_key_reaches_the_rows_of_its_scopes_on_the_running_server_and_no_other() -> Result<()> {
    let house = House::open(&[]).await?;
    let mut keys: BTreeMap<Vec<Permission>, ApiClient> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in house.rows().await?.into_iter().filter(|row| !row.needs.is_empty() && !row.is_of_system()) {
        let others: Vec<Permission> = Permission::ALL.iter().copied().filter(|scope| !row.needs.contains(scope)).collect();
        for (who, scopes, expected) in
            [("a key with the scopes", row.needs.clone(), Expected::Through), ("a key with all others", others, Expected::NotPermitted)]
        {
            if !keys.contains_key(&scopes) {
                keys.insert(scopes.clone(), house.key(&house.ann, &scopes).await?.1);
            }
            wrong.extend(row.fault(who, &keys[&scopes], expected).await?);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn whoever_has_nothing_good_to_show_reaches_the_public_rows_only() -> Result<()> {
    let house = House::open(&[]).await?;
    let rows = house.rows().await?;
    let gone = house.joins(&house.ann, "gone@example.com", "owner").await?;
    let off = house.joins(&house.ann, "off@example.com", "owner").await?;
    let (key, revoked) = house.key(&house.ann, Permission::ALL).await?;
    house.ann.send(Method::DELETE, &format!("/api/v1/api-keys/{key}"), None).await?;
    gone.client.post("/api/v1/auth/logout", &json!({})).await?;
    let switch = json!({ "active": false });
    let (status, body) = house.ann.send(Method::PATCH, &format!("/api/v1/users/{}", off.id), Some(&switch)).await?;
    assert_eq!(status, 200, "{body}");
    let nobodies = [
        ("nobody", house.with_token("")),
        ("a made-up token", house.with_token("eyJhbGciOiJub25lIn0.e30.")),
        ("a made-up key", house.with_token("vnk_abcdefgh_secret")),
        ("a revoked session", gone.client),
        ("somebody who was switched off", off.client),
        ("a revoked key", revoked),
    ];
    let mut wrong = Vec::new();
    for (who, client) in &nobodies {
        wrong.extend(faults(&rows, who, client, |row| if row.public { Expected::Through } else { Expected::NotSignedIn }).await?);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

impl House {
    /// Walks over all rows as one person. Rows about one's own account may end the session, so they get one each.
    async fn walk(&self, rows: &[Row], email: &str, who: &str, has: &BTreeSet<Permission>) -> Result<Vec<String>> {
        let expected =
            |row: &Row| if row.needs.iter().all(|needed| has.contains(needed)) { Expected::Through } else { Expected::NotPermitted };
        let client = self.signed_in(email).await?;
        let (own, others): (Vec<Row>, Vec<Row>) = rows.iter().cloned().partition(|row| row.needs.is_empty() && !row.public);
        let mut wrong = faults(&others, who, &client, expected).await?;
        for row in own {
            wrong.extend(row.fault(who, &self.signed_in(email).await?, Expected::Through).await?);
        }
        Ok(wrong)
    }
}
