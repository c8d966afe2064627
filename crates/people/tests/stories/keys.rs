//! API keys.

use std::collections::BTreeSet;

use call::TenantId;
use jiff::SignedDuration;
use people::{NewKey, PeopleError, Permission, Principal, Role, Who};
use privacy::Secret;
use store::audit::{ActorKind, Outcome};
use uuid::Uuid;

use crate::world::{OFFICE, World, client};

stories!(
    a_key_may_what_its_scopes_say_and_is_kept_as_a_digest,
    a_key_never_may_more_than_its_maker,
    a_revoked_key_ends_at_once_here_and_within_five_seconds_elsewhere,
    an_expired_key_ends_though_it_was_seen_a_moment_ago,
    the_key_of_somebody_who_is_gone_ends,
    the_keys_of_a_removed_account_end_for_good,
    a_key_makes_no_keys,
    keys_of_other_workspaces_are_out_of_reach,
    the_last_use_is_written_later_and_once,
    what_is_no_key_is_refused,
);

async fn make(w: &World, caller: &Principal, scopes: &[Permission]) -> Result<(Uuid, Secret), PeopleError> {
    let key = NewKey { name: "dashboard".into(), scopes: scopes.iter().copied().collect(), expires_at: None };
    w.people.create_key(caller, &key, &client(OFFICE), w.now).await.map(|(key, text)| (key.id, text))
}

async fn holder(w: &World, key: &Secret) -> Result<Principal, PeopleError> {
    w.people.authenticate_key(key.expose(), &client(OFFICE), w.now).await
}

async fn holder_elsewhere(w: &World, key: &Secret) -> Result<Principal, PeopleError> {
    w.elsewhere.authenticate_key(key.expose(), &client(OFFICE), w.now).await
}

fn is_over<T>(result: &Result<T, PeopleError>) -> bool {
    matches!(result, Err(PeopleError::Expired { what: "API key", .. }))
}

async fn a_key_may_what_its_scopes_say_and_is_kept_as_a_digest(w: World) {
    let owner = w.owner().await;
    let (id, key) = make(&w, &owner, &[Permission::CallView, Permission::CallEnd]).await.unwrap();
    let caller = holder(&w, &key).await.unwrap();
    assert_eq!((caller.who, caller.tenant, caller.role, caller.system_admin), (Who::ApiKey { id }, Some(TenantId::DEFAULT), None, false));
    assert_eq!(caller.permissions, BTreeSet::from([Permission::CallView, Permission::CallEnd]));
    let stored = store::api_keys::get(&w.db, TenantId::DEFAULT, id).await.unwrap().unwrap();
    let parts: Vec<&str> = key.expose().splitn(3, '_').collect();
    assert_eq!((parts[0], parts[1], parts[2].len()), ("vnk", stored.prefix.as_str(), 43), "256 bits");
    let noted = w.audit("key.create").await;
    assert_eq!(noted[0].entry.target.1, Some(id.to_string()));
    assert!(!format!("{stored:?}{noted:?}").contains(parts[2]));
}

async fn a_key_never_may_more_than_its_maker(mut w: World) {
    let owner = w.owner().await;
    let adam = w.member(&owner, "adam@adler.example", Role::Admin).await;
    let maker = w.caller("adam@adler.example").await;
    for beyond in [Permission::WorkspaceDelete, Permission::SystemConfig] {
        let refused = make(&w, &maker, &[Permission::CallView, beyond]).await;
        assert!(matches!(&refused, Err(PeopleError::Scopes(which)) if *which == [beyond]), "{refused:?}");
    }
    w.member(&owner, "anna@adler.example", Role::Operator).await;
    let operator = w.caller("anna@adler.example").await;
    assert!(matches!(make(&w, &operator, &[Permission::CallView]).await, Err(PeopleError::NotAllowed { .. })));
    assert!(matches!(make(&w, &owner, &[]).await, Err(PeopleError::Invalid { field: "scopes", .. })));
    // What the maker loses, the key loses.
    let (_, key) = make(&w, &maker, &[Permission::CallView, Permission::UserCreate]).await.unwrap();
    assert!(holder_elsewhere(&w, &key).await.unwrap().may(Permission::UserCreate));
    w.people.set_role(&owner, adam.id, Role::Viewer, &client(OFFICE), w.now).await.unwrap();
    assert_eq!(holder(&w, &key).await.unwrap().permissions, BTreeSet::from([Permission::CallView]));
    w.later(5);
    assert!(!holder_elsewhere(&w, &key).await.unwrap().may(Permission::UserCreate));
}

async fn a_revoked_key_ends_at_once_here_and_within_five_seconds_elsewhere(mut w: World) {
    let owner = w.owner().await;
    let (id, key) = make(&w, &owner, &[Permission::CallView]).await.unwrap();
    assert!(holder(&w, &key).await.is_ok() && holder_elsewhere(&w, &key).await.is_ok());
    assert!(w.people.revoke_key(&owner, id, &client(OFFICE), w.now).await.unwrap());
    assert!(is_over(&holder(&w, &key).await));
    w.later(5);
    assert!(is_over(&holder_elsewhere(&w, &key).await));
    assert!(!w.people.revoke_key(&owner, id, &client(OFFICE), w.now).await.unwrap(), "once");
    let noted = w.audit("key.use").await;
    assert_eq!((noted[0].entry.actor.kind, noted[0].entry.outcome), (ActorKind::ApiKey, Outcome::Refused));
    assert_eq!(noted[0].entry.detail["why"], "revoked");
    // Again and again it is noted no more than every three seconds.
    let before = noted.len();
    for _ in 0..5 {
        assert!(is_over(&holder_elsewhere(&w, &key).await));
    }
    assert_eq!(w.audit("key.use").await.len(), before);
}

async fn an_expired_key_ends_though_it_was_seen_a_moment_ago(mut w: World) {
    let owner = w.owner().await;
    let soon = |seconds| NewKey {
        name: "for a minute".into(),
        scopes: BTreeSet::from([Permission::CallView]),
        expires_at: Some(w.now + SignedDuration::from_secs(seconds)),
    };
    let refused = w.people.create_key(&owner, &soon(0), &client(OFFICE), w.now).await;
    assert!(matches!(refused, Err(PeopleError::Invalid { field: "expires_at", .. })));
    let (_, key) = w.people.create_key(&owner, &soon(60), &client(OFFICE), w.now).await.unwrap();
    w.later(59);
    assert!(holder(&w, &key).await.is_ok());
    w.later(1);
    assert!(is_over(&holder(&w, &key).await));
    w.later(5);
    assert!(is_over(&holder(&w, &key).await));
    assert_eq!(w.last_why("key.use").await, "expired");
}

async fn the_key_of_somebody_who_is_gone_ends(mut w: World) {
    let owner = w.owner().await;
    let adam = w.member(&owner, "adam@adler.example", Role::Admin).await;
    let (_, key) = make(&w, &w.caller("adam@adler.example").await, &[Permission::CallView]).await.unwrap();
    assert!(holder_elsewhere(&w, &key).await.is_ok());
    w.people.remove_member(&owner, adam.id, &client(OFFICE), w.now).await.unwrap();
    assert!(is_over(&holder(&w, &key).await));
    w.later(5);
    assert!(is_over(&holder_elsewhere(&w, &key).await));
    assert_eq!(w.last_why("key.use").await, "its maker is gone");
}

async fn the_keys_of_a_removed_account_end_for_good(mut w: World) {
    let owner = w.owner().await;
    let adam = w.member(&owner, "adam@adler.example", Role::Admin).await;
    let (id, key) = make(&w, &w.caller("adam@adler.example").await, &[Permission::CallView]).await.unwrap();
    let (_, of_operator) = make(&w, &Principal::operator(), &[Permission::CallView]).await.unwrap();
    w.people.remove_person(&owner, adam.id, &client(OFFICE), w.now).await.unwrap();
    w.later(5);
    assert!(is_over(&holder(&w, &key).await) && is_over(&holder_elsewhere(&w, &key).await));
    let stored = store::api_keys::get(&w.db, TenantId::DEFAULT, id).await.unwrap().unwrap();
    assert!(stored.created_by.is_none() && stored.revoked_at.is_some(), "without a maker it would pass for the operator's");
    assert!(holder(&w, &of_operator).await.is_ok());
}

async fn a_key_makes_no_keys(w: World) {
    let owner = w.owner().await;
    let (_, key) = make(&w, &owner, &[Permission::KeyManage, Permission::CallView]).await.unwrap();
    let caller = holder(&w, &key).await.unwrap();
    assert!(matches!(make(&w, &caller, &[Permission::CallView]).await, Err(PeopleError::NotAllowed { .. })));
    assert!(matches!(w.people.logout(&caller, &client(OFFICE), w.now).await, Err(PeopleError::NotAllowed { .. })));
}

async fn keys_of_other_workspaces_are_out_of_reach(w: World) {
    let owner = w.owner().await;
    let (id, key) = make(&w, &owner, &[Permission::CallView]).await.unwrap();
    let other = w.workspace("Other", owner.user().unwrap(), Role::Owner).await;
    let there = w.people.switch_workspace(&owner, other, &client(OFFICE), w.now).await.unwrap();
    assert!(!w.people.revoke_key(&there, id, &client(OFFICE), w.now).await.unwrap());
    assert!(holder(&w, &key).await.is_ok());
}

async fn the_last_use_is_written_later_and_once(mut w: World) {
    let owner = w.owner().await;
    let (id, key) = make(&w, &owner, &[Permission::CallView]).await.unwrap();
    holder(&w, &key).await.unwrap();
    w.later(2);
    holder(&w, &key).await.unwrap();
    assert_eq!(last_used(&w, id).await, None, "nothing is written while a request waits");
    w.people.upkeep(w.now).await.unwrap();
    assert_eq!(last_used(&w, id).await, Some(w.now));
}

async fn last_used(w: &World, id: Uuid) -> Option<call::Timestamp> {
    store::api_keys::get(&w.db, TenantId::DEFAULT, id).await.unwrap().unwrap().last_used_at
}

async fn what_is_no_key_is_refused(w: World) {
    let owner = w.owner().await;
    let (_, key) = make(&w, &owner, &[Permission::CallView]).await.unwrap();
    let short = &key.expose()[..key.expose().len() - 1];
    let long = format!("vnk_{}", "x".repeat(1_000_000));
    for text in ["", "vnk_", "vnk_abcdefgh_", short, long.as_str(), &key.expose().to_uppercase(), &format!("{} ", key.expose())] {
        assert!(is_over(&w.people.authenticate_key(text, &client(OFFICE), w.now).await), "{}", &text[..text.len().min(60)]);
    }
    assert!(holder(&w, &key).await.is_ok());
}
