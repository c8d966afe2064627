//! Sessions, as stories.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::Timestamp;
use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::at;
use super::people::{digest, have_tenants, have_users, id, tenant, written};
use crate::sessions::{self, REUSED, Rotation, Session, SessionKind};
use crate::{Database, StoreError, tickets, users};

const IDLE: SignedDuration = SignedDuration::from_secs(100);

/// A session of the first account, from second 10 on, for 1000 seconds.
fn session(number: u32) -> Session {
    Session {
        id: id(number),
        user_id: id(1),
        tenant: None,
        kind: SessionKind::Token,
        verified_at: None,
        address: "2001:db8::1".to_owned().into(),
        user_agent: "curl/8".into(),
        created_at: at(10 + i64::from(number)),
        used_at: at(10),
        idle_ends_at: at(110),
        ends_at: at(1_010),
        revoked_at: None,
        revoked_because: None,
    }
}

async fn have_session(db: &Database, session: &Session, secret: u8) {
    written!(db, |tx| sessions::create(&mut tx, session, &digest(secret))).unwrap();
}

async fn rotate(db: &Database, given: u8, new: u8, now: Timestamp) -> Rotation {
    written!(db, |tx| sessions::rotate(&mut tx, &digest(given), &digest(new), now, IDLE)).unwrap()
}

async fn get(db: &Database, number: u32) -> Session {
    sessions::get(db, id(number)).await.unwrap().unwrap()
}

/// Every field comes back, by id and by secret.
pub async fn a_session_comes_back_whole(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1]).await;
    let whole = Session {
        tenant: Some(tenant(1).id),
        kind: SessionKind::Browser,
        verified_at: Some(at(11)),
        revoked_at: Some(at(12)),
        revoked_because: Some("signed out".into()),
        ..session(1)
    };
    have_session(&db, &whole, 1).await;
    have_session(&db, &session(2), 2).await;
    assert_eq!(sessions::get(&db, id(1)).await.unwrap().as_ref(), Some(&whole));
    assert_eq!(sessions::by_secret(&db, &digest(1)).await.unwrap(), Some(whole));
    assert_eq!(sessions::by_secret(&db, &digest(2)).await.unwrap(), Some(session(2)));
    assert_eq!(sessions::by_secret(&db, &digest(3)).await.unwrap(), None);
    assert_eq!(sessions::get(&db, id(3)).await.unwrap(), None);
    let error = written!(db, |tx| sessions::create(&mut tx, &session(3), &digest(2))).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "session" }), "{error:?}");
    for stray in [Session { user_id: id(9), ..session(3) }, Session { tenant: Some(tenant(9).id), ..session(3) }] {
        let error = written!(db, |tx| sessions::create(&mut tx, &stray, &digest(3))).unwrap_err();
        assert!(matches!(error, StoreError::Missing { what: "user or workspace" }), "{error:?}");
    }
}

/// Each secret is exchanged for the next; the session lives on, but not beyond its end.
pub async fn a_secret_is_exchanged_for_the_next(db: Database) {
    have_users(&db, [1]).await;
    have_session(&db, &session(1), 1).await;
    let expected = Session { used_at: at(100), idle_ends_at: at(200), ..session(1) };
    assert_eq!(rotate(&db, 1, 2, at(100)).await, Rotation::Rotated(expected.clone()));
    assert_eq!(sessions::by_secret(&db, &digest(2)).await.unwrap(), Some(expected));
    assert_eq!(sessions::by_secret(&db, &digest(1)).await.unwrap(), None, "the old one opens nothing");
    for (secret, second) in [(2, 199), (3, 298), (4, 397)] {
        assert!(matches!(rotate(&db, secret, secret + 1, at(second)).await, Rotation::Rotated(_)));
    }
    written!(db, |tx| sessions::sweep(&mut tx, at(400))).unwrap();
    sessions::touch(&db, id(1), at(400), at(1_000)).await.unwrap();
    let last = Session { used_at: at(990), idle_ends_at: at(1_010), ..session(1) };
    assert_eq!(rotate(&db, 5, 6, at(990)).await, Rotation::Rotated(last), "it ends when it must");
    assert_eq!(rotate(&db, 6, 7, at(1_010)).await, Rotation::Unknown, "it is over");
    assert_eq!(rotate(&db, 200, 201, at(100)).await, Rotation::Unknown);
}

/// A thief who has exchanged the stolen secret several times is found out too, as soon as its owner comes with it.
pub async fn a_secret_that_comes_again_ends_the_session(db: Database) {
    have_users(&db, [1]).await;
    for (number, exchanges) in [(1_u8, 1), (2, 2), (3, 5)] {
        let first = number * 50;
        have_session(&db, &session(number.into()), first).await;
        for step in 0..exchanges {
            assert!(matches!(rotate(&db, first + step, first + step + 1, at(20)).await, Rotation::Rotated(_)));
        }
        let ended = Session {
            revoked_at: Some(at(30)),
            revoked_because: Some(REUSED.into()),
            used_at: at(20),
            idle_ends_at: at(120),
            ..session(number.into())
        };
        assert_eq!(rotate(&db, first, 99, at(30)).await, Rotation::Reused(ended.clone()), "after {exchanges}");
        assert_eq!(get(&db, number.into()).await, ended);
        assert_eq!(rotate(&db, first + exchanges, 99, at(31)).await, Rotation::Unknown, "nor does the newest secret help");
        assert_eq!(rotate(&db, first, 99, at(32)).await, Rotation::Reused(ended), "the first reason stands");
    }
    let stolen = tickets::take;
    for kind in tickets::TicketKind::ALL {
        assert_eq!(written!(db, |tx| stolen(&mut tx, &digest(150), kind, at(31))).unwrap(), None, "a used secret is no ticket");
    }
    assert_eq!(written!(db, |tx| tickets::failed(&mut tx, &digest(150))).unwrap(), 0);
    assert!(matches!(rotate(&db, 150, 99, at(33)).await, Rotation::Reused(_)), "and stays known");
}

/// Whoever has the secret, only one of them gets the next; for the others it was used already.
pub async fn one_of_twenty_exchanges_is_made_and_the_session_ends(db: Database) {
    have_users(&db, [1]).await;
    have_session(&db, &session(1), 1).await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let db = db.clone();
        tasks.spawn(async move { rotate(&db, 1, 100 + number, at(20)).await });
    }
    let done = tasks.join_all().await;
    let rotated = done.iter().filter(|rotation| matches!(rotation, Rotation::Rotated(_))).count();
    let reused = done.iter().filter(|rotation| matches!(rotation, Rotation::Reused(_))).count();
    assert_eq!((rotated, reused), (1, 19), "{done:?}");
    assert_eq!(get(&db, 1).await.revoked_because.as_deref(), Some(REUSED));
}

/// What a person sees: her live sessions, newest first, and nobody else's.
pub async fn live_sessions_are_listed(db: Database) {
    have_users(&db, [1, 2]).await;
    let others = Session { user_id: id(2), ..session(4) };
    let idle = Session { idle_ends_at: at(50), ..session(5) };
    let over = Session { ends_at: at(50), ..session(6) };
    let revoked = Session { revoked_at: Some(at(20)), ..session(7) };
    for (number, session) in [session(2), session(1), session(3), others, idle, over, revoked].iter().enumerate() {
        have_session(&db, session, u8::try_from(number).unwrap()).await;
    }
    let live = async |second| sessions::of_user(&db, id(1), at(second)).await.unwrap();
    assert_eq!(live(50).await, [session(3), session(2), session(1)], "a session ends at its end");
    sessions::touch(&db, id(2), at(60), at(300)).await.unwrap();
    sessions::touch(&db, id(2), at(55), at(295)).await.unwrap();
    sessions::touch(&db, id(7), at(60), at(300)).await.unwrap();
    assert_eq!(live(110).await, [Session { used_at: at(60), idle_ends_at: at(300), ..session(2) }]);
    assert_eq!(get(&db, 7).await.used_at, at(10), "one that was ended is not used");
    assert!(sessions::of_user(&db, id(9), at(20)).await.unwrap().is_empty());
}

/// One's own, all but this one, and by an administrator.
pub async fn sessions_are_ended(db: Database) {
    have_users(&db, [1, 2]).await;
    for number in 1..=3 {
        have_session(&db, &session(number), u8::try_from(number).unwrap()).await;
    }
    have_session(&db, &Session { user_id: id(2), ..session(4) }, 4).await;
    let end = async |number, of_user: Option<u32>, because: &str| {
        written!(db, |tx| sessions::revoke(&mut tx, id(number), of_user.map(id), because, at(20))).unwrap()
    };
    assert!(!end(1, Some(2), "not hers").await);
    assert!(end(1, Some(1), "signed out").await);
    assert!(!end(1, Some(1), "again").await && !end(9, None, "nobody's").await);
    let first = get(&db, 1).await;
    assert_eq!((first.revoked_at, first.revoked_because.as_deref()), (Some(at(20)), Some("signed out")));
    let ended = written!(db, |tx| sessions::revoke_all(&mut tx, id(1), Some(id(3)), "new password", at(30))).unwrap();
    assert_eq!(ended, 1, "the first was ended before, the third is spared");
    assert_eq!(get(&db, 2).await.revoked_because.as_deref(), Some("new password"));
    assert_eq!((get(&db, 1).await.revoked_at, get(&db, 3).await.revoked_at, get(&db, 4).await.revoked_at), (Some(at(20)), None, None));
    assert_eq!(written!(db, |tx| sessions::revoke_all(&mut tx, id(1), None, "removed", at(31))).unwrap(), 1);
    assert!(end(4, None, "by an administrator").await);
    assert_eq!(rotate(&db, 4, 5, at(40)).await, Rotation::Unknown);
}

/// The workspace of a session changes, and the second factor is the session's and not the person's.
pub async fn a_session_acts_in_a_workspace(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1]).await;
    for number in 1..=2 {
        have_session(&db, &session(number), u8::try_from(number).unwrap()).await;
    }
    written!(db, |tx| sessions::set_tenant(&mut tx, id(1), Some(tenant(1).id))).unwrap();
    written!(db, |tx| sessions::verified(&mut tx, id(1), at(15))).unwrap();
    assert_eq!(get(&db, 1).await, Session { tenant: Some(tenant(1).id), verified_at: Some(at(15)), ..session(1) });
    assert_eq!(get(&db, 2).await, session(2));
    written!(db, |tx| sessions::set_tenant(&mut tx, id(1), None)).unwrap();
    assert_eq!(get(&db, 1).await.tenant, None);
    for (number, workspace, named) in [(1, Some(tenant(9).id), "workspace"), (9, None, "session")] {
        let error = written!(db, |tx| sessions::set_tenant(&mut tx, id(number), workspace)).unwrap_err();
        assert!(matches!(error, StoreError::Missing { what } if what == named), "{error:?}");
    }
    let error = written!(db, |tx| sessions::verified(&mut tx, id(9), at(15))).unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "session" }), "{error:?}");
}

/// Old ones are removed when their time is over and not before, and with their person.
pub async fn old_sessions_are_removed(db: Database) {
    have_users(&db, [1, 2]).await;
    have_session(&db, &session(1), 1).await;
    have_session(&db, &Session { ends_at: at(2_000), ..session(2) }, 2).await;
    have_session(&db, &Session { user_id: id(2), ends_at: at(2_000), ..session(3) }, 3).await;
    assert_eq!(written!(db, |tx| sessions::sweep(&mut tx, at(1_009))).unwrap(), 0);
    assert_eq!(written!(db, |tx| sessions::sweep(&mut tx, at(1_010))).unwrap(), 1);
    assert_eq!(sessions::get(&db, id(1)).await.unwrap(), None);
    written!(db, |tx| users::remove(&mut tx, id(2))).unwrap();
    assert_eq!(sessions::get(&db, id(3)).await.unwrap(), None);
    assert!(sessions::get(&db, id(2)).await.unwrap().is_some());
}
