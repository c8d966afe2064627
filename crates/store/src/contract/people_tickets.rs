//! Tickets, failed sign-ins, API keys and repeated requests, as stories.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::TenantId;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::at;
use super::people::{digest, have_tenants, have_users, id, tenant, written};
use crate::api_keys::{self, ApiKey};
use crate::idempotency::{self, Claim, Held};
use crate::tickets::{self, Ticket, TicketKind};
use crate::{Database, Page, StoreError, throttle, users};

fn ticket(kind: TicketKind) -> Ticket {
    Ticket { kind, user_id: None, tenant: None, carries: Value::Null, tries_left: 3, created_at: at(1), ends_at: at(100) }
}

async fn have_ticket(db: &Database, number: u8, ticket: &Ticket) {
    written!(db, |tx| tickets::put(&mut tx, &digest(number), ticket)).unwrap();
}

async fn take(db: &Database, number: u8, kind: TicketKind, second: i64) -> Option<Ticket> {
    written!(db, |tx| tickets::take(&mut tx, &digest(number), kind, at(second))).unwrap()
}

/// A link that was forwarded works for whoever is first.
pub async fn one_of_twenty_gets_the_ticket(db: Database) {
    have_ticket(&db, 1, &ticket(TicketKind::Invitation)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { take(&db, 1, TicketKind::Invitation, 2).await });
    }
    let taken: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, [ticket(TicketKind::Invitation)]);
    have_ticket(&db, 1, &ticket(TicketKind::Invitation)).await;
    let mut tx = db.begin().await.unwrap();
    assert!(tickets::take(&mut tx, &digest(1), TicketKind::Invitation, at(2)).await.unwrap().is_some());
    drop(tx);
    assert!(take(&db, 1, TicketKind::Invitation, 2).await.is_some(), "what was undone did not take it");
}

/// A ticket is for one purpose, up to its end, and carries what was put into it.
pub async fn a_ticket_works_for_its_purpose_only(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1]).await;
    let carries = json!({"role": "admin", "email": "ann@example.org"});
    let invitation = Ticket { user_id: Some(id(1)), tenant: Some(tenant(1).id), carries, ..ticket(TicketKind::Invitation) };
    have_ticket(&db, 1, &invitation).await;
    let look = async |kind, second| tickets::look(&db, &digest(1), kind, at(second)).await.unwrap();
    for kind in TicketKind::ALL.into_iter().filter(|kind| *kind != TicketKind::Invitation) {
        assert_eq!((look(kind, 2).await, take(&db, 1, kind, 2).await), (None, None), "{kind:?}");
    }
    assert_eq!(look(TicketKind::Invitation, 99).await.as_ref(), Some(&invitation), "looking leaves it");
    assert_eq!(look(TicketKind::Invitation, 100).await, None);
    assert_eq!(take(&db, 1, TicketKind::Invitation, 99).await, Some(invitation));
    assert_eq!(look(TicketKind::Invitation, 2).await, None);
    have_ticket(&db, 2, &ticket(TicketKind::OpenId)).await;
    assert_eq!(take(&db, 2, TicketKind::OpenId, 100).await, None, "it is too late");
    have_ticket(&db, 3, &ticket(TicketKind::OpenId)).await;
    let error = written!(db, |tx| tickets::put(&mut tx, &digest(3), &ticket(TicketKind::OpenId))).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "ticket" }), "{error:?}");
    let stray = Ticket { user_id: Some(id(9)), ..ticket(TicketKind::PasswordReset) };
    let error = written!(db, |tx| tickets::put(&mut tx, &digest(4), &stray)).unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "user or workspace" }), "{error:?}");
}

/// Guessing has an end, also when many guess at once.
pub async fn wrong_tries_use_a_ticket_up(db: Database) {
    have_ticket(&db, 1, &ticket(TicketKind::SecondFactor)).await;
    have_ticket(&db, 2, &ticket(TicketKind::SecondFactor)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let db = db.clone();
        tasks.spawn(async move { written!(db, |tx| tickets::failed(&mut tx, &digest(1))).unwrap() });
    }
    let mut left = tasks.join_all().await;
    left.sort_unstable();
    assert_eq!(left, [0, 0, 0, 0, 1, 2]);
    assert_eq!(take(&db, 1, TicketKind::SecondFactor, 2).await, None);
    assert_eq!(take(&db, 2, TicketKind::SecondFactor, 2).await.unwrap().tries_left, 3, "another's are its own");
}

/// A new link makes the old ones worthless; what is over is swept away.
pub async fn tickets_are_removed(db: Database) {
    have_users(&db, [1, 2]).await;
    let of = |number, kind| Ticket { user_id: Some(id(number)), ..ticket(kind) };
    have_ticket(&db, 1, &of(1, TicketKind::PasswordReset)).await;
    have_ticket(&db, 2, &of(1, TicketKind::PasswordReset)).await;
    have_ticket(&db, 3, &of(2, TicketKind::PasswordReset)).await;
    have_ticket(&db, 4, &of(1, TicketKind::SecondFactor)).await;
    have_ticket(&db, 5, &Ticket { ends_at: at(200), ..ticket(TicketKind::FirstAdmin) }).await;
    let remove = async |kind, user: Option<u32>| written!(db, |tx| tickets::remove_kind(&mut tx, kind, user.map(id))).unwrap();
    assert_eq!(remove(TicketKind::PasswordReset, Some(1)).await, 2);
    assert_eq!(remove(TicketKind::PasswordReset, None).await, 1);
    written!(db, |tx| users::remove(&mut tx, id(1))).unwrap();
    assert_eq!(tickets::look(&db, &digest(4), TicketKind::SecondFactor, at(2)).await.unwrap(), None, "it went with its person");
    have_ticket(&db, 6, &ticket(TicketKind::OpenId)).await;
    assert_eq!(written!(db, |tx| tickets::sweep(&mut tx, at(99))).unwrap(), 0);
    assert_eq!(written!(db, |tx| tickets::sweep(&mut tx, at(100))).unwrap(), 1);
    assert!(take(&db, 5, TicketKind::FirstAdmin, 100).await.is_some());
}

/// Every failure counts, the waiting grows as its rule says, and never becomes shorter.
pub async fn failed_sign_ins_are_counted(db: Database) {
    let block = |failures: u32| SignedDuration::from_secs(i64::from(failures) * 10);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { written!(db, |tx| throttle::failed(&mut tx, &digest(1), at(5), block)).unwrap().failures });
    }
    let mut counted = tasks.join_all().await;
    counted.sort_unstable();
    assert_eq!(counted, (1..=20).collect::<Vec<_>>());
    let failures = throttle::get(&db, &digest(1)).await.unwrap().unwrap();
    assert_eq!((failures.failures, failures.last_at, failures.blocked_to), (20, at(5), at(205)));
    let late = written!(db, |tx| throttle::failed(&mut tx, &digest(1), at(4), |_| SignedDuration::ZERO)).unwrap();
    assert_eq!((late.failures, late.last_at, late.blocked_to), (21, at(5), at(205)));
    assert_eq!(throttle::get(&db, &digest(1)).await.unwrap(), Some(late));
    let longest = written!(db, |tx| throttle::failed(&mut tx, &digest(2), at(9), |_| SignedDuration::MAX)).unwrap();
    assert_eq!((throttle::get(&db, &digest(2)).await.unwrap(), longest.blocked_to), (Some(longest), at(9) + throttle::MAX_BLOCK));
    assert_eq!(written!(db, |tx| throttle::sweep(&mut tx, at(5))).unwrap(), 0);
    assert_eq!(written!(db, |tx| throttle::sweep(&mut tx, at(6))).unwrap(), 1);
    assert_eq!(throttle::get(&db, &digest(1)).await.unwrap(), None);
    written!(db, |tx| throttle::succeeded(&mut tx, &digest(2))).unwrap();
    written!(db, |tx| throttle::succeeded(&mut tx, &digest(2))).unwrap();
    assert_eq!(throttle::get(&db, &digest(2)).await.unwrap(), None);
}

fn key(number: u32) -> ApiKey {
    ApiKey {
        id: id(number),
        tenant: tenant(1).id,
        name: format!("key {number}"),
        prefix: format!("vnk_{number:08}"),
        scopes: vec!["call:view".into(), "call:start".into()],
        created_by: Some(id(1)),
        created_at: at(i64::from(number)),
        expires_at: Some(at(100)),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn have_keys(db: &Database, keys: &[ApiKey]) {
    for (number, key) in keys.iter().enumerate() {
        written!(db, |tx| api_keys::create(&mut tx, key, &digest(u8::try_from(number + 1).unwrap()))).unwrap();
    }
}

/// A key is found by its digest from anywhere, and by its id from its own workspace only.
pub async fn an_api_key_is_its_workspaces(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1, 2]).await;
    let (here, there) = (tenant(1).id, tenant(2).id);
    let other = ApiKey { tenant: there, created_by: None, expires_at: None, scopes: vec![], ..key(4) };
    have_keys(&db, &[key(1), key(2), key(3), other.clone()]).await;
    assert_eq!(api_keys::by_digest(&db, &digest(1)).await.unwrap(), Some(key(1)));
    assert_eq!(api_keys::by_digest(&db, &digest(4)).await.unwrap().as_ref(), Some(&other));
    assert_eq!(api_keys::by_digest(&db, &digest(9)).await.unwrap(), None);
    assert_eq!(api_keys::get(&db, here, id(1)).await.unwrap(), Some(key(1)));
    assert_eq!(api_keys::get(&db, there, id(1)).await.unwrap(), None);
    let first = api_keys::list(&db, here, &Page::first(2)).await.unwrap();
    assert_eq!((first.rows, first.next), (vec![key(3), key(2)], Some(id(2))));
    let second = api_keys::list(&db, here, &Page { limit: 2, after: first.next }).await.unwrap();
    assert_eq!((second.rows, second.next), (vec![key(1)], None));
    assert_eq!(api_keys::list(&db, there, &Page::first(9)).await.unwrap().rows, [other]);
    let revoke = async |workspace| written!(db, |tx| api_keys::revoke(&mut tx, workspace, id(1), at(7))).unwrap();
    assert!(!revoke(there).await);
    assert!(revoke(here).await && !revoke(here).await);
    let revoked = api_keys::by_digest(&db, &digest(1)).await.unwrap().unwrap();
    assert_eq!(
        (revoked.revoked_at, revoked.is_live(at(8)), key(2).is_live(at(99)), key(2).is_live(at(100))),
        (Some(at(7)), false, true, false)
    );
}

/// What is not unique and what points nowhere is refused; a key outlives its maker.
pub async fn an_api_key_has_a_prefix_of_its_own(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1]).await;
    have_keys(&db, &[key(1)]).await;
    for (other, secret) in [(ApiKey { prefix: key(1).prefix, ..key(2) }, 2), (key(2), 1)] {
        let error = written!(db, |tx| api_keys::create(&mut tx, &other, &digest(secret))).unwrap_err();
        assert!(matches!(error, StoreError::Taken { what: "API key" }), "{error:?}");
    }
    for stray in [ApiKey { tenant: tenant(9).id, ..key(2) }, ApiKey { created_by: Some(id(9)), ..key(2) }] {
        let error = written!(db, |tx| api_keys::create(&mut tx, &stray, &digest(2))).unwrap_err();
        assert!(matches!(error, StoreError::Missing { what: "user or workspace" }), "{error:?}");
    }
    written!(db, |tx| users::remove(&mut tx, id(1))).unwrap();
    assert_eq!(api_keys::by_digest(&db, &digest(1)).await.unwrap(), Some(ApiKey { created_by: None, ..key(1) }));
}

/// Uses are noted in batches; the latest stands, in whatever order they come, also from several instances at once.
pub async fn the_use_of_api_keys_is_noted(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1]).await;
    have_keys(&db, &[key(1), key(2), key(3)]).await;
    api_keys::used(&db, &[]).await.unwrap();
    api_keys::used(&db, &[(id(1), at(20)), (id(1), at(30)), (id(1), at(25)), (id(9), at(20))]).await.unwrap();
    let mut tasks = JoinSet::new();
    for turn in 0..10 {
        let db = db.clone();
        let mut uses = vec![(id(2), at(40)), (id(3), at(50 - turn)), (id(1), at(10))];
        uses.rotate_left(usize::try_from(turn % 3).unwrap());
        tasks.spawn(async move { api_keys::used(&db, &uses).await.unwrap() });
    }
    tasks.join_all().await;
    let used = async |number| api_keys::get(&db, tenant(1).id, id(number)).await.unwrap().unwrap().last_used_at;
    assert_eq!((used(1).await, used(2).await, used(3).await), (Some(at(30)), Some(at(40)), Some(at(50))));
}

const HERE: TenantId = TenantId::DEFAULT;

async fn claim(db: &Database, workspace: TenantId, number: u8, request: u8) -> Claim {
    idempotency::claim(db, &held(workspace, number), &digest(request)).await.unwrap()
}

fn held(workspace: TenantId, number: u8) -> Held {
    Held::new(workspace, digest(number), at(5))
}

/// A client that sends its request twenty times makes one thing.
pub async fn one_of_twenty_requests_is_ours(db: Database) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { claim(&db, HERE, 1, 1).await });
    }
    let claims = tasks.join_all().await;
    let ours = claims.iter().filter(|claim| **claim == Claim::Ours).count();
    let running = claims.iter().filter(|claim| **claim == Claim::Running).count();
    assert_eq!((ours, running), (1, 19));
    let headers = json!({"location": "/api/v1/agents/1"});
    held(HERE, 1).finish(&db, 201, &headers, b"{\"id\": 1}").await.unwrap();
    held(HERE, 1).finish(&db, 500, &Value::Null, b"").await.unwrap();
    let done = Claim::Done { status: 201, headers, body: b"{\"id\": 1}".to_vec() };
    assert_eq!(claim(&db, HERE, 1, 1).await, done, "the first answer stands");
    assert_eq!(claim(&db, HERE, 1, 2).await, Claim::OtherRequest);
}

/// What was asked and the note that it is done are there together, or neither is.
pub async fn a_request_that_is_noted_as_done_keeps_its_key(db: Database) {
    let held_one = held(HERE, 1);
    assert_eq!(claim(&db, HERE, 1, 1).await, Claim::Ours);
    written!(db, |tx| held_one.done(&mut tx)).unwrap();
    held(HERE, 1).give_up(&db).await.unwrap();
    assert_eq!(claim(&db, HERE, 1, 1).await, Claim::AnswerLost, "it is not done again");
    assert_eq!(claim(&db, HERE, 1, 2).await, Claim::OtherRequest);
    written!(db, |tx| held_one.done(&mut tx)).unwrap();
    held(HERE, 1).finish(&db, 201, &json!({}), b"1").await.unwrap();
    assert!(matches!(claim(&db, HERE, 1, 1).await, Claim::Done { status: 201, .. }));

    assert_eq!(claim(&db, HERE, 2, 1).await, Claim::Ours);
    let mut undone = db.begin().await.unwrap();
    held(HERE, 2).done(&mut undone).await.unwrap();
    drop(undone);
    assert_eq!(claim(&db, HERE, 2, 1).await, Claim::Running);
    held(HERE, 2).give_up(&db).await.unwrap();
    let given_up = written!(db, |tx| held(HERE, 2).done(&mut tx)).unwrap_err();
    assert!(matches!(given_up, StoreError::Unavailable { .. }), "what comes after its key was given up is not done: {given_up:?}");
    assert_eq!(claim(&db, HERE, 2, 1).await, Claim::Ours);
    let before = Held::new(HERE, digest(2), at(4));
    before.give_up(&db).await.unwrap();
    assert!(written!(db, |tx| before.done(&mut tx)).is_err(), "whoever had the key before has no say in it any more");
    assert_eq!(claim(&db, HERE, 2, 1).await, Claim::Running);
}

/// A key is its workspace's, may be freed while nothing was done, and is forgotten in the end.
pub async fn a_claim_is_freed_and_forgotten(db: Database) {
    have_tenants(&db, [1]).await;
    assert_eq!(claim(&db, HERE, 1, 1).await, Claim::Ours);
    assert_eq!(claim(&db, tenant(1).id, 1, 2).await, Claim::Ours, "another workspace's key is another key");
    assert_eq!(claim(&db, HERE, 1, 2).await, Claim::OtherRequest);
    held(HERE, 1).give_up(&db).await.unwrap();
    assert_eq!(claim(&db, HERE, 1, 2).await, Claim::Ours);
    assert_eq!(claim(&db, tenant(1).id, 1, 2).await, Claim::Running, "the other workspace's is still claimed");
    held(HERE, 1).finish(&db, 204, &json!({}), b"").await.unwrap();
    held(HERE, 1).give_up(&db).await.unwrap();
    assert!(matches!(claim(&db, HERE, 1, 2).await, Claim::Done { status: 204, .. }), "an answer is not given up");
    let error = held(HERE, 9).finish(&db, 200, &json!({}), b"").await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "claim of the request" }), "{error:?}");
    assert_eq!(idempotency::sweep(&db, at(5)).await.unwrap(), 0);
    assert_eq!(idempotency::sweep(&db, at(6)).await.unwrap(), 2);
    assert_eq!(claim(&db, HERE, 1, 3).await, Claim::Ours);
}
