//! Accounts of the installation.

use serde_json::json;

use crate::desk::{Desk, PASSWORD};

async fn a_system_administrator_makes_another_and_not_less_of_oneself(desk: Desk) {
    let owner = desk.owner().await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    let path = format!("accounts/{}", bob.id);
    let read = owner.get(&path).await.is(200);
    let changed = owner.patch(&path, json!({ "system_admin": true, "email": "robert@example.com" })).await.is(200);
    assert_eq!((changed.body["system_admin"].as_bool(), changed.text("/email").as_str()), (Some(true), "robert@example.com"));
    assert_ne!(read.etag(), changed.etag());
    let robert = desk.sign_in("robert@example.com").await;
    robert.get(&format!("accounts/{}", owner.id)).await.is(200);
    robert.patch(&path, json!({ "system_admin": false })).await.refused(403, "not_allowed");
    robert.delete(&path).await.refused(403, "not_allowed");
    assert_eq!(
        owner.patch(&path, json!({ "email": "robert", "name": "", "active": null })).await.bad_fields(),
        ["/active", "/email", "/name"]
    );
    owner.delete(&path).await.is(204);
    robert.get("auth/me").await.is(401);
    owner.get(&path).await.refused(404, "not_found");
    let login = json!({ "email": "robert@example.com", "password": PASSWORD });
    desk.nobody().post("auth/login", login).await.refused(401, "wrong_credentials");
}

async fn an_account_is_nobody_elses_business(desk: Desk) {
    let owner = desk.owner().await;
    let second = desk.colleague(&owner, "second@example.com", "owner").await;
    let path = format!("accounts/{}", owner.id);
    second.get(&path).await.refused(403, "permission");
    second.patch(&path, json!({ "active": false })).await.refused(403, "permission");
    second.delete(&path).await.refused(403, "permission");
    owner.get("auth/me").await.is(200);
}

stories! {
    a_system_administrator_makes_another_and_not_less_of_oneself,
    an_account_is_nobody_elses_business,
}
