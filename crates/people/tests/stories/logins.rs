//! Signing in with a password.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use call::TenantId;
use people::{Login, PeopleError, Role};
use store::Change;
use store::audit::{ActorKind, Outcome};
use store::sessions::SessionKind;
use store::users::UserChange;

use crate::world::{OFFICE, OWNER, World, client, done, is_throttled, password, secret};

const WRONG: &str = "not the right password";

stories!(
    signing_in_opens_a_session_in_ones_workspace,
    unknown_wrong_and_switched_off_get_the_same_answer_for_the_same_work,
    waits_grow_and_a_success_ends_them,
    an_unknown_account_waits_like_a_known_one,
    nobody_elsewhere_can_keep_an_owner_out,
    a_network_that_guesses_at_many_accounts_waits,
    tries_that_come_at_once_do_not_pass_the_wait,
    a_weak_hash_is_made_anew_and_a_stronger_one_stays,
    what_cannot_be_noted_does_not_happen,
    a_workspace_of_others_is_not_signed_into,
);

async fn signing_in_opens_a_session_in_ones_workspace(w: World) {
    w.owner().await;
    let tokens = done(w.login("  OLGA@adler.EXAMPLE ", &password(OWNER), OFFICE).await.unwrap());
    assert_eq!((tokens.session.tenant, tokens.session.kind), (Some(TenantId::DEFAULT), SessionKind::Token));
    assert!(tokens.access.is_some() && tokens.refresh.is_some() && tokens.cookie.is_none());
    let caller = w.whose(&tokens).await.unwrap();
    assert_eq!((caller.role, caller.user(), caller.system_admin), (Some(Role::Owner), Some(tokens.user.id), true));
    let noted = &w.audit("auth.login").await[0].entry;
    assert_eq!((noted.actor.kind, noted.outcome, noted.request_id.as_str()), (ActorKind::User, Outcome::Done, "story"));
    assert_eq!(noted.actor.id, Some(tokens.user.id.to_string()));
    assert_eq!(noted.address.expose(), OFFICE);
}

async fn unknown_wrong_and_switched_off_get_the_same_answer_for_the_same_work(w: World) {
    let owner = w.owner().await;
    let away = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let off = UserChange { active: Change::Set(false), ..UserChange::default() };
    w.people.change_person(&owner, away.id, &off, None, &client(OFFICE), w.now).await.unwrap();
    let mut answers = Vec::new();
    for (email, given, why) in [
        ("nobody@adler.example", secret(WRONG), "unknown"),
        (OWNER, secret(WRONG), "wrong"),
        ("anna@adler.example", password("anna@adler.example"), "inactive"),
    ] {
        let before = w.people.hashing().done;
        let error = w.login(email, &given, OFFICE).await.unwrap_err();
        assert!(matches!(error, PeopleError::WrongCredentials), "{email}");
        assert_eq!(w.people.hashing().done, before + 1, "{email}: one hash is computed");
        assert_eq!(w.last_why("auth.login").await, why);
        answers.push(error.to_string());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let noted = format!("{:?}", w.audit("auth.login").await);
    assert!(!noted.contains("adler.example") && !noted.contains(WRONG), "the trail has no addresses and no passwords");
}

async fn waits_grow_and_a_success_ends_them(mut w: World) {
    w.owner().await;
    for failure in 1..=5 {
        assert_eq!(is_throttled(&w.login(OWNER, &secret(WRONG), OFFICE).await), None, "{failure}");
    }
    for wait in [1, 2, 4, 8] {
        let hashed = w.people.hashing().done;
        assert_eq!(is_throttled(&w.login(OWNER, &password(OWNER), OFFICE).await), Some(wait), "the right one waits too");
        assert_eq!(w.people.hashing().done, hashed, "nothing is hashed meanwhile");
        assert_eq!(w.last_why("auth.login").await, "throttled");
        w.later(wait);
        assert!(matches!(w.login(OWNER, &secret(WRONG), OFFICE).await, Err(PeopleError::WrongCredentials)));
    }
    w.later(16);
    done(w.login(OWNER, &password(OWNER), OFFICE).await.unwrap());
    for failure in 1..=4 {
        assert!(matches!(w.login(OWNER, &secret(WRONG), OFFICE).await, Err(PeopleError::WrongCredentials)), "{failure}");
    }
    done(w.login(OWNER, &password(OWNER), OFFICE).await.unwrap());
}

async fn an_unknown_account_waits_like_a_known_one(w: World) {
    w.owner().await;
    for _ in 1..=5 {
        assert!(matches!(w.login("nobody@adler.example", &secret(WRONG), OFFICE).await, Err(PeopleError::WrongCredentials)));
    }
    assert_eq!(is_throttled(&w.login("nobody@adler.example", &secret(WRONG), OFFICE).await), Some(1));
}

async fn nobody_elsewhere_can_keep_an_owner_out(mut w: World) {
    w.owner().await;
    // One who guesses waits; the owner, elsewhere, does not.
    for _ in 1..=5 {
        w.login(OWNER, &secret(WRONG), "198.51.100.66").await.unwrap_err();
    }
    assert_eq!(is_throttled(&w.login(OWNER, &secret(WRONG), "198.51.100.67").await), Some(1), "a neighbour's address is no other");
    done(w.login(OWNER, &password(OWNER), "203.0.113.5").await.unwrap());
    // Many who guess, each from a network of their own, make strangers wait, but not the owner where they are signed in.
    for network in 0..30 {
        w.login(OWNER, &secret(WRONG), &format!("10.9.{network}.1")).await.unwrap_err();
    }
    assert!(is_throttled(&w.login(OWNER, &password(OWNER), "10.10.1.1").await).is_some());
    done(w.login(OWNER, &password(OWNER), "203.0.113.200").await.unwrap());
    // And nobody waits for more than a minute.
    w.later(60);
    done(w.login(OWNER, &password(OWNER), "10.10.1.1").await.unwrap());
}

async fn a_network_that_guesses_at_many_accounts_waits(mut w: World) {
    w.owner().await;
    for account in 0..50 {
        assert!(matches!(
            w.login(&format!("a{account}@adler.example"), &secret(WRONG), "10.9.8.7").await,
            Err(PeopleError::WrongCredentials)
        ));
    }
    assert_eq!(is_throttled(&w.login("b@adler.example", &secret(WRONG), "10.9.8.99").await), Some(1));
    done(w.login(OWNER, &password(OWNER), OFFICE).await.unwrap());
    w.later(1);
    done(w.login(OWNER, &password(OWNER), "10.9.8.7").await.unwrap());
}

async fn tries_that_come_at_once_do_not_pass_the_wait(w: World) {
    w.owner().await;
    let before = w.people.hashing().done;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (people, now) = (w.people.clone(), w.now);
        tries.spawn(async move { people.login(OWNER, &secret(WRONG), None, SessionKind::Token, &client(OFFICE), now).await.map(drop) });
    }
    let answers = tries.join_all().await;
    let looked_at = answers.iter().filter(|answer| matches!(answer, Err(PeopleError::WrongCredentials))).count();
    assert!((1..=5).contains(&looked_at), "{answers:?}");
    assert_eq!(w.people.hashing().done - before, looked_at as u64);
    assert!(answers.iter().all(|answer| matches!(answer, Err(PeopleError::WrongCredentials | PeopleError::Throttled { .. }))));
}

async fn a_weak_hash_is_made_anew_and_a_stronger_one_stays(w: World) {
    let owner = w.owner().await;
    let id = owner.user().unwrap();
    for (memory, passes, kept) in [(8_192, 1, false), (32_768, 2, true)] {
        let old = hash(memory, passes, password(OWNER).expose());
        let mut tx = w.db.begin().await.unwrap();
        store::users::set_password(&mut tx, id, &secret(&old), w.now).await.unwrap();
        tx.commit().await.unwrap();
        done(w.login(OWNER, &password(OWNER), OFFICE).await.unwrap());
        let stored = w.user(id).await.password_hash.unwrap();
        assert_eq!(stored == secret(&old), kept);
        assert!(kept || stored.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        done(w.login(OWNER, &password(OWNER), OFFICE).await.unwrap());
    }
}

fn hash(memory: u32, passes: u32, password: &str) -> String {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, 1, Some(32)).unwrap());
    let hash: PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), b"sixteen bytes...").unwrap();
    hash.to_string()
}

async fn what_cannot_be_noted_does_not_happen(w: World) {
    let owner = w.owner().await;
    let sessions = store::sessions::of_user(&w.db, owner.user().unwrap(), w.now).await.unwrap().len();
    store::query("ALTER TABLE audit RENAME TO audit_away").execute(w.db.writer()).await.unwrap();
    assert!(matches!(w.login(OWNER, &secret(WRONG), OFFICE).await, Err(PeopleError::Unavailable(_))));
    assert!(matches!(w.login(OWNER, &password(OWNER), OFFICE).await, Err(PeopleError::Unavailable(_))));
    assert_eq!(store::sessions::of_user(&w.db, owner.user().unwrap(), w.now).await.unwrap().len(), sessions);
    assert!(matches!(w.people.logout(&owner, &client(OFFICE), w.now).await, Err(PeopleError::Unavailable(_))));
    store::query("ALTER TABLE audit_away RENAME TO audit").execute(w.db.writer()).await.unwrap();
    assert_eq!(store::sessions::of_user(&w.db, owner.user().unwrap(), w.now).await.unwrap().len(), sessions);
    assert!(matches!(w.login(OWNER, &password(OWNER), OFFICE).await, Ok(Login::Done(_))));
}

async fn a_workspace_of_others_is_not_signed_into(w: World) {
    let owner = w.owner().await;
    w.member(&owner, "anna@adler.example", Role::Viewer).await;
    let other = w.workspace("Other", owner.user().unwrap(), Role::Owner).await;
    let into = |email: &'static str| {
        let people = w.people.clone();
        async move { people.login(email, &password(email), Some(other), SessionKind::Token, &client(OFFICE), w.now).await }
    };
    assert!(matches!(into("anna@adler.example").await, Err(PeopleError::NotAllowed { .. })));
    assert_eq!(w.last_why("auth.login").await, "not a member");
    assert_eq!(done(into(OWNER).await.unwrap()).session.tenant, Some(other));
}
