//! What is kept of people, as stories: accounts, members, second factors. Each takes a database with nothing in it but the default workspace.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::TenantId;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::at;
use crate::tenants::{self, RedactionLevel, Retention, Tenant};
use crate::users::{self, Member, Membership, Totp, User, UserChange};
use crate::{Change, Database, Page, StoreError};

/// Does it in a transaction of its own.
macro_rules! written {
    ($db:expr, |$tx:ident| $work:expr) => {{
        let mut $tx = $db.begin().await.unwrap();
        let done = $work.await;
        $tx.commit().await.unwrap();
        done
    }};
}
pub(crate) use written;

/// An id; a larger number is a newer one.
pub fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 + u128::from(number))
}

/// A digest like no other number's.
pub fn digest(number: u8) -> [u8; 32] {
    [number; 32]
}

/// An account with nothing but what every account has.
pub fn user(number: u32) -> User {
    User {
        id: id(number),
        email: format!("Person{number}@Example.org").into(),
        name: format!("Person {number}").into(),
        password_hash: None,
        password_changed_at: None,
        active: true,
        system_admin: false,
        identity: None,
        totp: None,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
        last_login_at: None,
    }
}

/// A workspace with nothing but what every workspace has.
pub fn tenant(number: u32) -> Tenant {
    Tenant {
        id: TenantId(id(number)),
        name: format!("Workspace {number}"),
        description: None,
        time_zone: "Europe/Berlin".into(),
        opening_hours: None,
        retention: Retention::default(),
        redaction: RedactionLevel::Cards,
        max_calls: None,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

/// Stores these accounts.
pub async fn have_users(db: &Database, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        written!(db, |tx| users::create(&mut tx, &user(number))).unwrap();
    }
}

/// Stores these workspaces.
pub async fn have_tenants(db: &Database, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        written!(db, |tx| tenants::create(&mut tx, &tenant(number))).unwrap();
    }
}

async fn join(db: &Database, workspace: TenantId, person: u32, role: &str) {
    written!(db, |tx| users::set_role(&mut tx, workspace, id(person), role, at(2))).unwrap();
}

/// Every field comes back, and letters' case and blanks do not matter in an address.
pub async fn an_account_is_found_by_each_of_its_names(db: Database) {
    assert!(!users::any(&db).await.unwrap());
    let ann = User {
        email: "Änn@Example.org".to_owned().into(),
        password_hash: Some("$argon2id$v=19$x".to_owned().into()),
        password_changed_at: Some(at(2)),
        system_admin: true,
        identity: Some(("https://id.example".into(), "ann".into())),
        totp: Some(Totp { sealed_secret: vec![0, 1, 255], confirmed: true, last_step: Some(i64::MAX) }),
        version: 7,
        last_login_at: Some(at(3)),
        ..user(1)
    };
    written!(db, |tx| users::create(&mut tx, &ann)).unwrap();
    have_users(&db, [2]).await;
    assert!(users::any(&db).await.unwrap());
    assert_eq!(users::get(&db, ann.id).await.unwrap().as_ref(), Some(&ann));
    assert_eq!(users::by_email(&db, "  äNN@EXAMPLE.ORG\n").await.unwrap().as_ref(), Some(&ann));
    assert_eq!(users::by_identity(&db, "https://id.example", "ann").await.unwrap().as_ref(), Some(&ann));
    assert_eq!(users::get(&db, id(2)).await.unwrap(), Some(user(2)));
    assert_eq!(users::get(&db, id(3)).await.unwrap(), None);
    assert_eq!(users::by_email(&db, "ann@example.org").await.unwrap(), None);
    assert_eq!(users::by_identity(&db, "https://id.example", "bob").await.unwrap(), None);
    assert_eq!(users::by_identity(&db, "https://other.example", "ann").await.unwrap(), None);
}

/// The error says which value it is, so that the person can choose another.
pub async fn what_each_account_has_for_itself_is_taken_once(db: Database) {
    let ann = User { identity: Some(("issuer".into(), "ann".into())), ..user(1) };
    written!(db, |tx| users::create(&mut tx, &ann)).unwrap();
    have_users(&db, [2]).await;
    let same_email = User { email: " PERSON1@example.org".to_owned().into(), ..user(3) };
    let same_identity = User { identity: ann.identity.clone(), ..user(3) };
    let same_id = User { id: ann.id, ..user(3) };
    for (other, what) in [(same_email, "email"), (same_identity, "identity"), (same_id, "user")] {
        let error = written!(db, |tx| users::create(&mut tx, &other)).unwrap_err();
        assert!(matches!(error, StoreError::Taken { what: named } if named == what), "{error:?}");
    }
    let change = UserChange { email: Change::Set("person1@example.ORG".into()), ..Default::default() };
    let error = written!(db, |tx| users::change(&mut tx, id(2), &change, None, at(5))).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "email" }), "{error:?}");
    let error = written!(db, |tx| users::set_identity(&mut tx, id(2), Some(("issuer", "ann")), at(5))).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "identity" }), "{error:?}");
    assert_eq!(users::get(&db, id(2)).await.unwrap(), Some(user(2)), "nothing of it was stored");
    let own = UserChange { email: Change::Set("PERSON2@example.org".into()), ..Default::default() };
    written!(db, |tx| users::change(&mut tx, id(2), &own, None, at(5))).unwrap();
    written!(db, |tx| users::set_identity(&mut tx, id(1), None, at(5))).unwrap();
    written!(db, |tx| users::set_identity(&mut tx, id(2), Some(("issuer", "ann")), at(6))).unwrap();
    assert_eq!(users::by_identity(&db, "issuer", "ann").await.unwrap().unwrap().id, id(2));
}

/// A change touches what it names, and one that was made on an old version is refused.
pub async fn an_account_is_changed_in_the_version_that_was_read(db: Database) {
    have_users(&db, [1, 2]).await;
    let rename = UserChange { name: Change::Set("Ann".into()), ..Default::default() };
    let (before, after) = written!(db, |tx| users::change(&mut tx, id(1), &rename, Some(1), at(4))).unwrap();
    let expected = User { name: "Ann".to_owned().into(), version: 2, updated_at: at(4), ..user(1) };
    assert_eq!((before, &after), (user(1), &expected));
    assert_eq!(users::get(&db, id(1)).await.unwrap().as_ref(), Some(&after));
    let error = written!(db, |tx| users::change(&mut tx, id(1), &rename, Some(1), at(5))).unwrap_err();
    assert!(matches!(error, StoreError::Changed { what: "user" }), "{error:?}");
    let error = written!(db, |tx| users::change(&mut tx, id(9), &rename, None, at(5))).unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "user" }), "{error:?}");
    let nameless = UserChange { name: Change::Clear, ..Default::default() };
    let error = written!(db, |tx| users::change(&mut tx, id(1), &nameless, None, at(5))).unwrap_err();
    assert!(matches!(error, StoreError::Needed { what: "name" }), "{error:?}");
    let all = UserChange {
        name: Change::Keep,
        email: Change::Set("ann@new.example".into()),
        active: Change::Set(false),
        system_admin: Change::Set(true),
    };
    let (_, after) = written!(db, |tx| users::change(&mut tx, id(1), &all, Some(2), at(6))).unwrap();
    assert_eq!(users::by_email(&db, "ANN@new.example").await.unwrap().as_ref(), Some(&after));
    assert_eq!((after.active, after.system_admin, after.version, after.name), (false, true, 3, expected.name));
    assert_eq!(users::by_email(&db, "person1@example.org").await.unwrap(), None);
    assert_eq!(users::get(&db, id(2)).await.unwrap(), Some(user(2)));
}

/// Of all who change the same version, one does.
pub async fn one_of_twenty_changes_of_a_version_is_made(db: Database) {
    have_users(&db, [1]).await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let db = db.clone();
        tasks.spawn(async move {
            let change = UserChange { name: Change::Set(format!("name {number}")), ..Default::default() };
            let done = written!(db, |tx| users::change(&mut tx, id(1), &change, Some(1), at(4)));
            assert!(matches!(done, Ok(_) | Err(StoreError::Changed { .. })), "{done:?}");
            done.is_ok()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|changed| *changed).count(), 1);
    assert_eq!(users::get(&db, id(1)).await.unwrap().unwrap().version, 2);
}

/// A better hash of the old password does not undo a new password.
pub async fn a_password_is_replaced_and_rehashed(db: Database) {
    have_users(&db, [1]).await;
    let [old, new, better] = ["old", "new", "better"].map(|hash| privacy::Secret::from(hash.to_owned()));
    written!(db, |tx| users::set_password(&mut tx, id(1), &old, at(3))).unwrap();
    written!(db, |tx| users::set_password(&mut tx, id(1), &new, at(4))).unwrap();
    assert!(!users::rehash(&db, id(1), &old, &better).await.unwrap());
    let ann = users::get(&db, id(1)).await.unwrap().unwrap();
    assert_eq!((ann.password_hash, ann.password_changed_at, ann.version), (Some(new.clone()), Some(at(4)), 3));
    assert!(users::rehash(&db, id(1), &new, &better).await.unwrap());
    written!(db, |tx| users::logged_in(&mut tx, id(1), at(9))).unwrap();
    let ann = users::get(&db, id(1)).await.unwrap().unwrap();
    assert_eq!((ann.password_hash, ann.password_changed_at), (Some(better), Some(at(4))));
    assert_eq!((ann.last_login_at, ann.version), (Some(at(9)), 3), "neither is a change of the account");
    let refused = [
        written!(db, |tx| users::set_password(&mut tx, id(9), &old, at(3))).unwrap_err(),
        written!(db, |tx| users::logged_in(&mut tx, id(9), at(3))).unwrap_err(),
        written!(db, |tx| users::set_identity(&mut tx, id(9), None, at(3))).unwrap_err(),
        written!(db, |tx| users::set_totp(&mut tx, id(9), None, false, at(3))).unwrap_err(),
        written!(db, |tx| users::set_recovery_codes(&mut tx, id(9), &[digest(1)])).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, StoreError::Missing { what: "user" }), "{error:?}");
    }
}

/// Whoever reads a code over a shoulder is too late with it, however fast.
pub async fn a_step_of_a_second_factor_is_taken_once(db: Database) {
    have_users(&db, [1, 2]).await;
    let step = async |step| written!(db, |tx| users::accept_totp_step(&mut tx, id(1), step)).unwrap();
    assert!(!step(1).await, "there is no second factor");
    written!(db, |tx| users::set_totp(&mut tx, id(1), Some(b"sealed"), false, at(3))).unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { written!(db, |tx| users::accept_totp_step(&mut tx, id(1), 100)).unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    written!(db, |tx| users::set_totp(&mut tx, id(1), Some(b"sealed"), true, at(4))).unwrap();
    let factor = async || users::get(&db, id(1)).await.unwrap().unwrap().totp;
    assert_eq!(factor().await, Some(Totp { sealed_secret: b"sealed".to_vec(), confirmed: true, last_step: Some(100) }));
    assert!(!step(100).await && !step(99).await, "the code that confirmed it does not work again");
    assert!(step(101).await);
    written!(db, |tx| users::set_totp(&mut tx, id(1), Some(b"other"), false, at(5))).unwrap();
    assert_eq!(factor().await, Some(Totp { sealed_secret: b"other".to_vec(), confirmed: false, last_step: None }));
    written!(db, |tx| users::set_totp(&mut tx, id(1), None, true, at(6))).unwrap();
    assert_eq!(factor().await, None);
    assert_eq!(users::get(&db, id(2)).await.unwrap(), Some(user(2)), "another's is as it was");
}

/// Codes for a lost device: each once, the new ones replace the old ones, and each is its person's only.
pub async fn a_recovery_code_is_taken_once(db: Database) {
    have_users(&db, [1, 2]).await;
    written!(db, |tx| users::set_recovery_codes(&mut tx, id(1), &[digest(1), digest(2)])).unwrap();
    assert!(!written!(db, |tx| users::use_recovery_code(&mut tx, id(2), &digest(1), at(3))).unwrap(), "another's code");
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { written!(db, |tx| users::use_recovery_code(&mut tx, id(1), &digest(1), at(3))).unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    let left = async |person| users::recovery_codes_left(&db, id(person)).await.unwrap();
    assert_eq!((left(1).await, left(2).await), (1, 0));
    written!(db, |tx| users::set_recovery_codes(&mut tx, id(1), &[digest(1), digest(3), digest(4)])).unwrap();
    assert_eq!(left(1).await, 3);
    assert!(!written!(db, |tx| users::use_recovery_code(&mut tx, id(1), &digest(2), at(4))).unwrap(), "an old code");
    let error = written!(db, |tx| users::set_recovery_codes(&mut tx, id(1), &[digest(7), digest(7)])).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "recovery code" }), "{error:?}");
    let many = vec![digest(0); users::MAX_RECOVERY_CODES + 1];
    let error = written!(db, |tx| users::set_recovery_codes(&mut tx, id(1), &many)).unwrap_err();
    assert!(matches!(error, StoreError::TooLong { .. }), "{error:?}");
    written!(db, |tx| users::set_recovery_codes(&mut tx, id(2), &[])).unwrap();
    assert_eq!(left(2).await, 0);
}

/// A role is given, changed and taken, and who is in one workspace is not seen in another.
pub async fn people_work_in_workspaces(db: Database) {
    have_users(&db, [1, 2]).await;
    have_tenants(&db, [1, 2]).await;
    let (here, there) = (tenant(1).id, tenant(2).id);
    assert_eq!(written!(db, |tx| users::set_role(&mut tx, here, id(1), "viewer", at(2))).unwrap(), None);
    assert_eq!(written!(db, |tx| users::set_role(&mut tx, here, id(1), "admin", at(3))).unwrap().as_deref(), Some("viewer"));
    join(&db, there, 1, "owner").await;
    join(&db, there, 2, "operator").await;
    let ann = Member { user: user(1), role: "admin".into(), since: at(2) };
    assert_eq!(users::member(&db, here, id(1)).await.unwrap().as_ref(), Some(&ann));
    assert_eq!(users::member(&db, here, id(2)).await.unwrap(), None, "works elsewhere");
    assert_eq!(users::members(&db, here, &Page::first(10)).await.unwrap().rows, [ann]);
    let membership = |number, role: &str| Membership { tenant: tenant(number).id, tenant_name: tenant(number).name, role: role.into() };
    assert_eq!(users::memberships(&db, id(1)).await.unwrap(), [membership(2, "owner"), membership(1, "admin")]);
    assert_eq!(written!(db, |tx| users::leave(&mut tx, here, id(2))).unwrap(), None);
    assert_eq!(written!(db, |tx| users::leave(&mut tx, here, id(1))).unwrap().as_deref(), Some("admin"));
    assert_eq!(users::memberships(&db, id(1)).await.unwrap(), [membership(2, "owner")]);
    for (workspace, person) in [(here, 9), (tenant(9).id, 1)] {
        let error = written!(db, |tx| users::set_role(&mut tx, workspace, id(person), "viewer", at(2))).unwrap_err();
        assert!(matches!(error, StoreError::Missing { what: "user or workspace" }), "{error:?}");
    }
}

/// Pages follow each other without gap or repeat, the newest account first.
pub async fn members_are_paged(db: Database) {
    have_users(&db, 1..=5).await;
    have_tenants(&db, [1, 2]).await;
    for person in [3, 1, 5, 2, 4] {
        join(&db, tenant(1).id, person, "viewer").await;
    }
    join(&db, tenant(2).id, 4, "viewer").await;
    let (mut page, mut seen) = (Page::first(2), Vec::new());
    loop {
        let members = users::members(&db, tenant(1).id, &page).await.unwrap();
        assert!(members.rows.len() <= 2);
        seen.extend(members.rows.into_iter().map(|member| member.user.id));
        page.after = members.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(id));
}

/// Two owners who leave at the same moment do not both leave.
pub async fn the_last_owner_stays(db: Database) {
    have_users(&db, 1..=4).await;
    have_tenants(&db, [1, 2]).await;
    let here = tenant(1).id;
    for person in 1..=3 {
        join(&db, here, person, "owner").await;
    }
    join(&db, here, 4, "admin").await;
    join(&db, tenant(2).id, 4, "owner").await;
    let asleep = UserChange { active: Change::Set(false), ..Default::default() };
    written!(db, |tx| users::change(&mut tx, id(3), &asleep, None, at(3))).unwrap();
    assert_eq!(written!(db, |tx| users::owners(&mut tx, here)).unwrap(), 2, "who cannot sign in does not count");
    let mut tasks = JoinSet::new();
    for person in [1, 2] {
        let db = db.clone();
        tasks.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            let may = users::owners(&mut tx, here).await.unwrap() > 1;
            if may {
                users::leave(&mut tx, here, id(person)).await.unwrap();
            }
            tx.commit().await.unwrap();
            may
        });
    }
    let mut left = tasks.join_all().await;
    left.sort_unstable();
    assert_eq!(left, [false, true]);
    assert_eq!(written!(db, |tx| users::owners(&mut tx, here)).unwrap(), 1);
}

/// Nothing of an account stays but what it did.
pub async fn an_account_is_removed_with_what_is_its_own(db: Database) {
    have_users(&db, [1, 2]).await;
    have_tenants(&db, [1]).await;
    join(&db, tenant(1).id, 1, "owner").await;
    written!(db, |tx| users::set_recovery_codes(&mut tx, id(1), &[digest(1)])).unwrap();
    assert_eq!(written!(db, |tx| users::remove(&mut tx, id(1))).unwrap(), Some(user(1)));
    assert_eq!(written!(db, |tx| users::remove(&mut tx, id(1))).unwrap(), None);
    assert_eq!(users::get(&db, id(1)).await.unwrap(), None);
    assert_eq!(users::member(&db, tenant(1).id, id(1)).await.unwrap(), None);
    assert_eq!(users::recovery_codes_left(&db, id(1)).await.unwrap(), 0);
    assert_eq!(users::get(&db, id(2)).await.unwrap(), Some(user(2)));
}
