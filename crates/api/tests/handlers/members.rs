//! Who works in a workspace.

use reqwest::Method;
use serde_json::json;

use crate::desk::{Desk, PASSWORD};

async fn somebody_is_invited_comes_and_is_taken_out(desk: Desk) {
    let owner = desk.owner().await;
    let invitation = owner.post("users", json!({ "email": "bob@example.com", "role": "operator", "name": "Bob" })).await.is(201);
    let ticket = invitation.text("/ticket");
    let nobody = desk.nobody();
    let account = nobody.post("auth/invitations/accept", json!({ "ticket": ticket, "password": PASSWORD })).await.is(201);
    assert_eq!(account.text("/name"), "Bob");
    nobody.post("auth/invitations/accept", json!({ "ticket": ticket, "password": PASSWORD })).await.refused(410, "expired");

    let path = format!("users/{}", account.text("/id"));
    let bob = desk.sign_in("bob@example.com").await;
    bob.get("agents").await.is(200);
    bob.get("users").await.refused(403, "permission");
    assert_eq!(owner.get("users").await.is(200).names(), ["Bob", "Olga Owner"]);
    assert_eq!(owner.get("users?limit=1").await.is(200).names(), ["Bob"]);

    let changed = owner.patch(&path, json!({ "role": "admin", "name": "Robert" })).await.is(200);
    assert_eq!((changed.text("/role").as_str(), changed.text("/name").as_str()), ("admin", "Robert"));
    bob.get("agents").await.is(401);
    let bob = desk.sign_in("bob@example.com").await;
    bob.get("users").await.is(200);

    owner.delete(&path).await.is(204);
    bob.get("users").await.is(401);
    owner.get(&path).await.refused(404, "not_found");
    owner.delete(&path).await.refused(404, "not_found");
    owner.line("user.role", &bob.id).await;
    owner.line("user.leave", &bob.id).await;
}

async fn nobody_gives_a_role_above_their_own(desk: Desk) {
    let owner = desk.owner().await;
    let admin = desk.colleague(&owner, "admin@example.com", "admin").await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    admin.post("users", json!({ "email": "new@example.com", "role": "owner" })).await.refused(403, "not_allowed");
    admin.patch(&format!("users/{}", bob.id), json!({ "role": "owner" })).await.refused(403, "not_allowed");
    let of_owner = format!("users/{}", owner.id);
    admin.patch(&of_owner, json!({ "role": "viewer" })).await.refused(403, "not_allowed");
    admin.patch(&of_owner, json!({ "active": false })).await.refused(403, "not_allowed");
    admin.delete(&of_owner).await.refused(403, "not_allowed");
    admin.delete(&format!("{of_owner}/sessions")).await.refused(403, "not_allowed");
    admin.delete(&format!("{of_owner}/totp")).await.refused(403, "not_allowed");
    admin.post(&format!("{of_owner}/password-reset"), json!({})).await.refused(403, "not_allowed");
    admin.patch(&format!("users/{}", admin.id), json!({ "role": "owner" })).await.refused(403, "not_allowed");
    admin.patch(&format!("users/{}", bob.id), json!({ "role": "operator" })).await.is(200);
    owner.get("auth/me").await.is(200);
    bob.patch(&format!("users/{}", bob.id), json!({ "role": "admin" })).await.is(401);
}

async fn the_last_owner_stays(desk: Desk) {
    let owner = desk.owner().await;
    let path = format!("users/{}", owner.id);
    owner.patch(&path, json!({ "role": "admin" })).await.refused(409, "last");
    owner.delete(&path).await.refused(409, "last");
    let second = desk.colleague(&owner, "second@example.com", "owner").await;
    owner.delete(&path).await.is(204);
    second.delete(&format!("users/{}", second.id)).await.refused(409, "last");
    assert_eq!(second.get("users").await.is(200).names(), ["second@example.com"]);
}

async fn somebody_of_another_workspace_is_not_there(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    let path = format!("users/{}", bob.id);
    stranger.get(&path).await.refused(404, "not_found");
    stranger.patch(&path, json!({ "role": "admin" })).await.refused(404, "not_found");
    stranger.patch(&path, json!({ "active": false })).await.refused(404, "not_found");
    stranger.delete(&path).await.refused(404, "not_found");
    for part in ["sessions", "totp"] {
        stranger.delete(&format!("{path}/{part}")).await.refused(404, "not_found");
    }
    stranger.get(&format!("{path}/sessions")).await.refused(404, "not_found");
    stranger.post(&format!("{path}/password-reset"), json!({})).await.refused(404, "not_found");
    assert!(!stranger.get("users").await.is(200).names().contains(&"bob@example.com"));
    bob.get("auth/me").await.is(200);
}

async fn an_account_of_several_workspaces_is_switched_off_by_no_single_one(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let bob = desk.colleague(&owner, "bob@example.com", "admin").await;
    let second = desk.colleague(&owner, "second@example.com", "owner").await;
    let invitation = stranger.post("users", json!({ "email": "bob@example.com", "role": "viewer" })).await.is(201);
    bob.post("auth/invitations/join", json!({ "ticket": invitation.text("/ticket") })).await.is(200);
    let path = format!("users/{}", bob.id);
    for hand in [&stranger, &second] {
        hand.patch(&path, json!({ "active": false })).await.refused(403, "not_allowed");
        hand.patch(&path, json!({ "name": "Nobody" })).await.refused(403, "not_allowed");
        hand.post(&format!("{path}/password-reset"), json!({})).await.refused(403, "not_allowed");
    }
    bob.get("agents").await.is(200);
    stranger.delete(&path).await.is(204);
    bob.get("agents").await.is(200);
    second.patch(&path, json!({ "active": false })).await.is(200);
    bob.get("agents").await.is(401);
    desk.nobody().post("auth/login", json!({ "email": "bob@example.com", "password": PASSWORD })).await.refused(401, "wrong_credentials");
}

async fn a_change_of_an_old_version_is_told(desk: Desk) {
    let owner = desk.owner().await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    let path = format!("users/{}", bob.id);
    let read = owner.get(&path).await.is(200).etag();
    let headers = [("if-match", read.as_str())];
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Bob" })), &headers).await.is(200);
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Bert" })), &headers).await.refused(412, "changed");
    owner.ask(Method::PATCH, &path, Some(json!({ "role": "admin" })), &headers).await.refused(412, "changed");
    owner.ask(Method::DELETE, &path, None, &headers).await.refused(412, "changed");
    let now = owner.get(&path).await.is(200);
    assert_eq!((now.text("/name").as_str(), now.text("/role").as_str()), ("Bob", "viewer"));
}

async fn an_invitation_with_several_faults_names_them_all(desk: Desk) {
    let owner = desk.owner().await;
    let bad = owner.post("users", json!({ "email": "bob", "role": "viewer", "name": "" })).await;
    assert_eq!(bad.bad_fields(), ["/email", "/name"]);
    let twice = owner.post("users", json!({ "email": "Owner@Example.com", "role": "viewer" })).await;
    assert_eq!(twice.bad_fields(), ["/email"]);
    let weak = json!({ "ticket": "x", "name": "", "password": "" });
    assert_eq!(desk.nobody().post("auth/invitations/accept", weak).await.bad_fields(), ["/name", "/password"]);
}

async fn a_link_for_a_new_password_is_made_but_the_password_is_not_chosen(desk: Desk) {
    let owner = desk.owner().await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    let link = owner.post(&format!("users/{}/password-reset", bob.id), json!({})).await.is(201);
    bob.get("auth/me").await.is(200);
    let nobody = desk.nobody();
    let weak = nobody.post("auth/password-reset", json!({ "ticket": link.text("/ticket"), "password": "password1234" })).await;
    assert_eq!(weak.bad_fields(), ["/password"]);
    let new = "another horse in the battery";
    nobody.post("auth/password-reset", json!({ "ticket": link.text("/ticket"), "password": new })).await.is(204);
    nobody.post("auth/password-reset", json!({ "ticket": link.text("/ticket"), "password": new })).await.refused(410, "expired");
    bob.get("auth/me").await.is(401);
    nobody.post("auth/login", json!({ "email": "bob@example.com", "password": PASSWORD })).await.refused(401, "wrong_credentials");
    nobody.post("auth/login", json!({ "email": "bob@example.com", "password": new })).await.is(200);
    owner.line("password.reset_link", &bob.id).await;
}

stories! {
    somebody_is_invited_comes_and_is_taken_out,
    nobody_gives_a_role_above_their_own,
    the_last_owner_stays,
    somebody_of_another_workspace_is_not_there,
    an_account_of_several_workspaces_is_switched_off_by_no_single_one,
    a_change_of_an_old_version_is_told,
    an_invitation_with_several_faults_names_them_all,
    a_link_for_a_new_password_is_made_but_the_password_is_not_chosen,
}
