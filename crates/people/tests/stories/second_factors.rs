//! Codes of an authenticator, and the codes for who lost it.

use call::Timestamp;
use people::{Login, PeopleError, Principal, RECOVERY_CODES, Role, SECOND_FACTOR_LIMIT};
use privacy::Secret;
use store::sessions::SessionKind;

use crate::world::{OFFICE, OWNER, World, client, is_throttled, password, secret};

stories!(
    the_password_alone_gives_only_a_ticket,
    a_code_works_once_also_for_another_ticket,
    a_recovery_code_works_once,
    wrong_codes_end_the_ticket_and_then_one_waits,
    a_ticket_ends_after_five_minutes,
    a_fresh_second_factor_is_a_thing_of_one_session,
    setting_one_up_wants_the_password_and_a_first_code,
    an_administrator_takes_a_lost_one_off_and_the_sessions_end,
    the_secret_is_kept_sealed,
);

/// What the authenticator shows.
fn shown(secret: &Secret, at: Timestamp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(at.as_second().unsigned_abs()).to_string()
}

/// Sets one up; the code of this moment is used up.
async fn set_up(w: &World, caller: &Principal, email: &str) -> (Secret, Vec<Secret>) {
    let setup = w.people.totp_begin(caller, Some(&password(email)), &client(OFFICE), w.now).await.unwrap();
    let codes = w.people.totp_confirm(caller, &shown(&setup.secret, w.now), &client(OFFICE), w.now).await.unwrap();
    (setup.secret, codes)
}

async fn ticket(w: &World, email: &str) -> Secret {
    match w.login(email, &password(email), OFFICE).await.unwrap() {
        Login::SecondFactor { ticket, .. } => ticket,
        Login::Done(_) => panic!("the password alone was enough"),
    }
}

async fn the_password_alone_gives_only_a_ticket(mut w: World) {
    let owner = w.owner().await;
    let (authenticator, _) = set_up(&w, &owner, OWNER).await;
    w.later(30);
    let sessions = store::sessions::of_user(&w.db, owner.user().unwrap(), w.now).await.unwrap().len();
    let ticket = ticket(&w, OWNER).await;
    assert_eq!(store::sessions::of_user(&w.db, owner.user().unwrap(), w.now).await.unwrap().len(), sessions, "no session yet");
    for refused in [
        w.people.authenticate_token(ticket.expose(), w.now).await.map(drop),
        w.people.authenticate_cookie(ticket.expose(), w.now).await.map(drop),
        w.people.refresh(&ticket, &client(OFFICE), w.now).await.map(drop),
    ] {
        assert!(matches!(refused, Err(PeopleError::Expired { .. })), "{refused:?}");
    }
    let code = shown(&authenticator, w.now);
    let tokens = w.people.second_factor(&ticket, &code, SessionKind::Token, &client(OFFICE), w.now).await.unwrap();
    assert_eq!(w.whose(&tokens).await.unwrap().second_factor, Some(w.now));
    assert_eq!(w.audit("auth.login").await[0].entry.detail["how"], "second_factor");
    w.later(30);
    let again = w.people.second_factor(&ticket, &shown(&authenticator, w.now), SessionKind::Token, &client(OFFICE), w.now).await;
    assert!(matches!(again, Err(PeopleError::Expired { .. })), "a ticket works once");
}

async fn a_code_works_once_also_for_another_ticket(mut w: World) {
    let owner = w.owner().await;
    let (authenticator, _) = set_up(&w, &owner, OWNER).await;
    let (first, second) = (ticket(&w, OWNER).await, ticket(&w, OWNER).await);
    let give = |ticket: Secret, code: String, now| {
        let people = w.people.clone();
        async move { people.second_factor(&ticket, &code, SessionKind::Token, &client(OFFICE), now).await.map(drop) }
    };
    let at_set_up = shown(&authenticator, w.now);
    assert!(matches!(give(first.clone(), at_set_up, w.now).await, Err(PeopleError::BadCode)), "it confirmed the set-up");
    assert_eq!(w.last_why("auth.second_factor").await, "used before");
    let now = w.now + jiff::SignedDuration::from_secs(30);
    let code = shown(&authenticator, now);
    give(first, code.clone(), now).await.unwrap();
    assert!(matches!(give(second.clone(), code, now).await, Err(PeopleError::BadCode)));
    // Nor one of a step before it, though its time is not over.
    assert!(matches!(give(second, shown(&authenticator, w.now), now).await, Err(PeopleError::BadCode)));
    // Of two at once one gets in.
    w.later(90);
    let (a, b) = (ticket(&w, OWNER).await, ticket(&w, OWNER).await);
    let code = shown(&authenticator, w.now);
    let (here, there) = (client(OFFICE), client("198.51.100.1"));
    let both = tokio::join!(
        w.people.second_factor(&a, &code, SessionKind::Token, &here, w.now),
        w.elsewhere.second_factor(&b, &code, SessionKind::Token, &there, w.now),
    );
    assert_eq!(u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()), 1);
}

async fn a_recovery_code_works_once(w: World) {
    let owner = w.owner().await;
    let (_, codes) = set_up(&w, &owner, OWNER).await;
    assert_eq!(codes.len(), RECOVERY_CODES);
    let typed = codes[3].expose().to_uppercase().replace('-', " ");
    let give = async || w.people.second_factor(&ticket(&w, OWNER).await, &typed, SessionKind::Token, &client(OFFICE), w.now).await;
    give().await.unwrap();
    assert!(matches!(give().await, Err(PeopleError::BadCode)));
    assert_eq!(store::users::recovery_codes_left(&w.db, owner.user().unwrap()).await.unwrap(), 9);
    let new = w.people.recovery_codes_new(&owner, codes[4].expose(), &client(OFFICE), w.now).await.unwrap();
    assert!(new.iter().all(|code| !codes.contains(code)));
    let old = w.people.second_factor(&ticket(&w, OWNER).await, codes[5].expose(), SessionKind::Token, &client(OFFICE), w.now).await;
    assert!(matches!(old, Err(PeopleError::BadCode)), "the old set is gone");
}

async fn wrong_codes_end_the_ticket_and_then_one_waits(mut w: World) {
    let owner = w.owner().await;
    let (authenticator, _) = set_up(&w, &owner, OWNER).await;
    w.later(60);
    let right = shown(&authenticator, w.now);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let first = ticket(&w, OWNER).await;
    let give = async |ticket: &Secret, code: &str, now| {
        w.people.second_factor(ticket, code, SessionKind::Token, &client(OFFICE), now).await.map(drop)
    };
    for _ in 1..=5 {
        assert!(matches!(give(&first, wrong, w.now).await, Err(PeopleError::BadCode)));
    }
    assert!(matches!(give(&first, &right, w.now).await, Err(PeopleError::Expired { .. })), "five wrong codes ended it");
    let second = ticket(&w, OWNER).await;
    assert_eq!(is_throttled(&give(&second, &right, w.now).await), Some(1), "a new ticket does not end the wait");
    give(&second, &right, w.now + jiff::SignedDuration::from_secs(1)).await.unwrap();
}

async fn a_ticket_ends_after_five_minutes(mut w: World) {
    let owner = w.owner().await;
    let (authenticator, _) = set_up(&w, &owner, OWNER).await;
    let ticket = ticket(&w, OWNER).await;
    w.now += SECOND_FACTOR_LIMIT;
    let late = w.people.second_factor(&ticket, &shown(&authenticator, w.now), SessionKind::Token, &client(OFFICE), w.now).await;
    assert!(matches!(late, Err(PeopleError::Expired { .. })));
}

async fn a_fresh_second_factor_is_a_thing_of_one_session(mut w: World) {
    let one = w.owner().await;
    let other = w.caller(OWNER).await;
    let (authenticator, _) = set_up(&w, &one, OWNER).await;
    let again = async |caller: &Principal| w.people.switch_workspace(caller, caller.tenant.unwrap(), &client(OFFICE), w.now).await.unwrap();
    assert_eq!((again(&one).await.second_factor, again(&other).await.second_factor), (Some(w.now), None));
    w.later(30);
    let verified = w.people.verify_again(&other, &shown(&authenticator, w.now), &client(OFFICE), w.now).await.unwrap();
    assert_eq!(verified.second_factor, Some(w.now));
}

async fn setting_one_up_wants_the_password_and_a_first_code(mut w: World) {
    let owner = w.owner().await;
    let begin = async |given: Option<&Secret>| w.people.totp_begin(&owner, given, &client(OFFICE), w.now).await;
    assert!(matches!(begin(None).await, Err(PeopleError::WrongCredentials)));
    assert!(matches!(begin(Some(&secret("a stranger at an open screen"))).await, Err(PeopleError::WrongCredentials)));
    let setup = begin(Some(&password(OWNER))).await.unwrap();
    assert!(matches!(w.login(OWNER, &password(OWNER), OFFICE).await, Ok(Login::Done(_))), "not confirmed, not asked for");
    let right = shown(&setup.secret, w.now);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert!(matches!(w.people.totp_confirm(&owner, wrong, &client(OFFICE), w.now).await, Err(PeopleError::BadCode)));
    w.people.totp_confirm(&owner, &right, &client(OFFICE), w.now).await.unwrap();
    assert!(matches!(begin(Some(&password(OWNER))).await, Err(PeopleError::NotAllowed { .. })), "nobody replaces it unseen");
    w.later(30);
    w.people.totp_disable(&owner, &shown(&setup.secret, w.now), &client(OFFICE), w.now).await.unwrap();
    assert!(matches!(w.login(OWNER, &password(OWNER), OFFICE).await, Ok(Login::Done(_))));
    assert_eq!(store::users::recovery_codes_left(&w.db, owner.user().unwrap()).await.unwrap(), 0);
}

async fn an_administrator_takes_a_lost_one_off_and_the_sessions_end(w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let tokens = w.tokens("anna@adler.example").await;
    set_up(&w, &w.whose(&tokens).await.unwrap(), "anna@adler.example").await;
    w.people.totp_remove(&owner, anna.id, &client(OFFICE), w.now).await.unwrap();
    assert!(matches!(w.whose(&tokens).await, Err(PeopleError::Expired { .. })));
    assert!(matches!(w.login("anna@adler.example", &password("anna@adler.example"), OFFICE).await, Ok(Login::Done(_))));
    assert_eq!(w.audit("totp.remove").await[0].entry.target.1, Some(anna.id.to_string()));
}

async fn the_secret_is_kept_sealed(w: World) {
    let owner = w.owner().await;
    let (authenticator, _) = set_up(&w, &owner, OWNER).await;
    let plain = totp_rs::Secret::try_from_base32(authenticator.expose()).unwrap();
    let kept = w.user(owner.user().unwrap()).await.totp.unwrap().sealed_secret;
    assert!(!kept.windows(8).any(|part| plain.as_bytes().windows(8).any(|other| other == part)));
    // Moved to another account it does not open: whoever writes to the database cannot give their own second factor to others.
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let mut tx = w.db.begin().await.unwrap();
    store::users::set_totp(&mut tx, anna.id, Some(&kept), true, w.now).await.unwrap();
    tx.commit().await.unwrap();
    let ticket = ticket(&w, "anna@adler.example").await;
    let code = shown(&authenticator, w.now + jiff::SignedDuration::from_secs(30));
    let refused = w.people.second_factor(&ticket, &code, SessionKind::Token, &client(OFFICE), w.now).await;
    assert!(matches!(refused, Err(PeopleError::Secrets(_))), "{refused:?}");
}
