//! Staying signed in, and being signed out.

use call::TenantId;
use jiff::SignedDuration;
use people::{PeopleError, Role, Tokens};
use store::audit::Outcome;
use store::sessions::{Session, SessionKind};
use uuid::Uuid;

use crate::world::{OFFICE, OWNER, World, client, done, password, secret};

stories!(
    a_token_that_was_exchanged_twice_ends_the_session,
    a_cookie_is_no_token_and_a_token_no_cookie,
    a_session_ends_when_it_is_not_used_and_at_last_in_any_case,
    that_a_session_is_used_is_written_once_a_minute,
    signing_out_is_seen_at_once_here_and_within_five_seconds_elsewhere,
    a_new_password_ends_the_other_sessions,
    people_see_and_end_their_own_sessions,
    an_administrator_ends_sessions_of_the_workspace_and_no_others,
    one_acts_in_ones_own_workspaces_only,
    nobody_has_more_sessions_than_a_list_shows,
    what_is_over_is_swept,
);

const GONE: &str = "this session is not valid or not valid any more; sign in again";

async fn refresh(w: &World, tokens: &Tokens) -> Result<Tokens, PeopleError> {
    w.people.refresh(tokens.refresh.as_ref().unwrap(), &client(OFFICE), w.now).await
}

async fn browser(w: &World) -> (Session, String) {
    let login = w.people.login(OWNER, &password(OWNER), None, SessionKind::Browser, &client(OFFICE), w.now).await.unwrap();
    let tokens = done(login);
    assert!(tokens.access.is_none() && tokens.refresh.is_none());
    (tokens.session, tokens.cookie.unwrap().expose().to_owned())
}

async fn a_token_that_was_exchanged_twice_ends_the_session(mut w: World) {
    w.owner().await;
    let first = w.tokens(OWNER).await;
    let bystander = w.tokens(OWNER).await;
    w.later(600);
    assert_eq!(first.access_ends_at, w.now);
    let second = refresh(&w, &first).await.unwrap();
    assert_eq!(second.session.id, first.session.id);
    assert!(second.refresh != first.refresh && second.access != first.access);
    let third = refresh(&w, &second).await.unwrap();
    assert!(w.whose(&third).await.is_ok() && w.whose_elsewhere(&third).await.is_ok());
    // Whoever has the second one has stolen it, or the third.
    assert_eq!(refresh(&w, &second).await.unwrap_err().to_string(), GONE);
    assert_eq!(w.whose(&third).await.unwrap_err().to_string(), GONE);
    assert_eq!(refresh(&w, &third).await.unwrap_err().to_string(), GONE);
    w.later(5);
    assert_eq!(w.whose_elsewhere(&third).await.unwrap_err().to_string(), GONE);
    refresh(&w, &bystander).await.unwrap();
    let noted = w.audit("auth.refresh").await;
    let reuse = noted.iter().find(|row| row.entry.outcome == Outcome::Refused).unwrap();
    assert_eq!(reuse.entry.detail["session"], first.session.id.to_string());
}

async fn a_cookie_is_no_token_and_a_token_no_cookie(w: World) {
    w.owner().await;
    let tokens = w.tokens(OWNER).await;
    let (session, cookie) = browser(&w).await;
    assert_eq!(w.people.authenticate_cookie(&cookie, w.now).await.unwrap().session(), Some(session.id));
    for refused in [
        w.people.authenticate_token(&cookie, w.now).await.map(drop),
        w.people.refresh(&secret(&cookie), &client(OFFICE), w.now).await.map(drop),
        w.people.authenticate_cookie(tokens.refresh.as_ref().unwrap().expose(), w.now).await.map(drop),
        w.people.authenticate_cookie(tokens.access.as_ref().unwrap().expose(), w.now).await.map(drop),
        w.people.authenticate_cookie("", w.now).await.map(drop),
        w.people.authenticate_cookie(&"x".repeat(100_000), w.now).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().to_string(), GONE);
    }
    assert!(w.people.authenticate_cookie(&cookie, w.now).await.is_ok(), "the attempt to exchange it left it alone");
}

async fn a_session_ends_when_it_is_not_used_and_at_last_in_any_case(mut w: World) {
    w.owner().await;
    let (_, idle) = browser(&w).await;
    let (_, busy) = browser(&w).await;
    for _ in 0..24 {
        w.later(29 * 60);
        assert!(w.people.authenticate_cookie(&busy, w.now).await.is_ok());
    }
    assert!(w.people.authenticate_cookie(&idle, w.now).await.is_err(), "nobody used it for half an hour");
    w.later(23 * 60);
    assert!(w.people.authenticate_cookie(&busy, w.now).await.is_ok());
    w.later(60);
    assert_eq!(w.people.authenticate_cookie(&busy, w.now).await.unwrap_err().to_string(), GONE, "twelve hours are over");
}

async fn that_a_session_is_used_is_written_once_a_minute(w: World) {
    w.owner().await;
    let (session, cookie) = browser(&w).await;
    let began = w.now;
    let used_at = async || store::sessions::get(&w.db, session.id).await.unwrap().unwrap().used_at;
    w.people.authenticate_cookie(&cookie, began + SignedDuration::from_secs(59)).await.unwrap();
    assert_eq!(used_at().await, began);
    let minute = began + SignedDuration::from_secs(63);
    w.people.authenticate_cookie(&cookie, minute).await.unwrap();
    assert_eq!(used_at().await, minute);
    let kept = store::sessions::get(&w.db, session.id).await.unwrap().unwrap();
    assert_eq!((kept.idle_ends_at, kept.ends_at), (minute + SignedDuration::from_mins(30), session.ends_at));
}

async fn signing_out_is_seen_at_once_here_and_within_five_seconds_elsewhere(mut w: World) {
    w.owner().await;
    let tokens = w.tokens(OWNER).await;
    let caller = w.whose(&tokens).await.unwrap();
    assert!(w.whose_elsewhere(&tokens).await.is_ok());
    w.people.logout(&caller, &client(OFFICE), w.now).await.unwrap();
    assert!(w.whose(&tokens).await.is_err());
    w.later(5);
    assert!(w.whose_elsewhere(&tokens).await.is_err());
    assert!(refresh(&w, &tokens).await.is_err());
    assert_eq!(w.audit("auth.logout").await.len(), 1);
}

async fn a_new_password_ends_the_other_sessions(mut w: World) {
    let caller = w.owner().await;
    let (other, (_, cookie)) = (w.tokens(OWNER).await, browser(&w).await);
    let change = async |old: &str, new: &str| w.people.change_password(&caller, &secret(old), &secret(new), &client(OFFICE), w.now).await;
    let old = password(OWNER);
    assert!(matches!(change("a guess", "seven loud cranes").await, Err(PeopleError::WrongCredentials)));
    assert!(matches!(change(old.expose(), old.expose()).await, Err(PeopleError::Weak(_))));
    assert!(matches!(change(old.expose(), "olga.adler").await, Err(PeopleError::Weak(_))));
    assert!(w.whose(&other).await.is_ok(), "nothing has changed yet");
    change(old.expose(), "seven loud cranes").await.unwrap();
    assert!(w.whose(&other).await.is_err() && w.people.authenticate_cookie(&cookie, w.now).await.is_err());
    assert!(w.people.sessions_of(&caller, caller.user().unwrap(), w.now).await.unwrap().iter().any(|one| Some(one.id) == caller.session()));
    assert!(matches!(w.login(OWNER, &old, OFFICE).await, Err(PeopleError::WrongCredentials)));
    w.later(5);
    assert!(w.whose_elsewhere(&other).await.is_err());
    done(w.login(OWNER, &secret("seven loud cranes"), OFFICE).await.unwrap());
}

async fn people_see_and_end_their_own_sessions(w: World) {
    let caller = w.owner().await;
    let me = caller.user().unwrap();
    let (one, two, three) = (w.tokens(OWNER).await, w.tokens(OWNER).await, w.tokens(OWNER).await);
    let list = async || w.people.sessions_of(&caller, me, w.now).await.unwrap().len();
    assert_eq!(list().await, 4);
    assert!(w.people.end_session(&caller, me, one.session.id, &client(OFFICE), w.now).await.unwrap());
    assert!(!w.people.end_session(&caller, me, one.session.id, &client(OFFICE), w.now).await.unwrap(), "it is over");
    assert!(w.whose(&one).await.is_err() && w.whose(&two).await.is_ok());
    assert_eq!(w.people.end_sessions(&caller, me, true, &client(OFFICE), w.now).await.unwrap(), 2);
    assert!(w.whose(&two).await.is_err() && w.whose(&three).await.is_err());
    assert_eq!(list().await, 1);
    assert_eq!(w.people.end_sessions(&caller, me, false, &client(OFFICE), w.now).await.unwrap(), 1);
    assert_eq!(list().await, 0);
}

async fn an_administrator_ends_sessions_of_the_workspace_and_no_others(w: World) {
    let owner = w.owner().await;
    w.member(&owner, "adam@adler.example", Role::Admin).await;
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let other = w.workspace("Other", anna.id, Role::Viewer).await;
    let into = async |tenant| {
        let email = "anna@adler.example";
        done(w.people.login(email, &password(email), Some(tenant), SessionKind::Token, &client(OFFICE), w.now).await.unwrap())
    };
    let (here, there) = (into(TenantId::DEFAULT).await, into(other).await);
    let adam = w.caller("adam@adler.example").await;
    let seen = w.people.sessions_of(&adam, anna.id, w.now).await.unwrap();
    assert_eq!(seen.iter().map(|one| one.id).collect::<Vec<_>>(), [here.session.id]);
    assert!(!w.people.end_session(&adam, anna.id, there.session.id, &client(OFFICE), w.now).await.unwrap());
    assert_eq!(w.people.end_sessions(&adam, anna.id, false, &client(OFFICE), w.now).await.unwrap(), 1);
    assert!(w.whose(&here).await.is_err() && w.whose(&there).await.is_ok());
    let of_anna = w.whose(&there).await.unwrap();
    let refused = w.people.sessions_of(&of_anna, adam.user().unwrap(), w.now).await;
    assert!(matches!(refused, Err(PeopleError::NotAllowed { .. })), "a viewer sees nobody's");
    let of_owner = w.people.end_sessions(&adam, owner.user().unwrap(), false, &client(OFFICE), w.now).await;
    assert!(matches!(of_owner, Err(PeopleError::NotAllowed { .. })), "an owner's sessions are not an administrator's to end");
}

async fn one_acts_in_ones_own_workspaces_only(mut w: World) {
    let owner = w.owner().await;
    let me = owner.user().unwrap();
    let (mine, foreign) = (w.workspace("Mine", me, Role::Viewer).await, w.workspace("Foreign", me, Role::Owner).await);
    let mut tx = w.db.begin().await.unwrap();
    store::users::leave(&mut tx, foreign, me).await.unwrap();
    tx.commit().await.unwrap();
    let there = w.people.switch_workspace(&owner, mine, &client(OFFICE), w.now).await.unwrap();
    assert_eq!((there.tenant, there.role), (Some(mine), Some(Role::Viewer)));
    for unknown in [foreign, TenantId(Uuid::now_v7())] {
        let refused = w.people.switch_workspace(&owner, unknown, &client(OFFICE), w.now).await;
        assert!(matches!(refused, Err(PeopleError::Missing { what: "workspace" })), "foreign looks like missing");
    }
    // Taken out of it elsewhere, the session goes on without a workspace.
    let (_, cookie) = browser(&w).await;
    assert_eq!(w.people.authenticate_cookie(&cookie, w.now).await.unwrap().tenant, Some(mine), "the newest is the first");
    let mut tx = w.db.begin().await.unwrap();
    store::users::leave(&mut tx, mine, me).await.unwrap();
    tx.commit().await.unwrap();
    w.later(5);
    let left = w.people.authenticate_cookie(&cookie, w.now).await.unwrap();
    assert_eq!((left.tenant, left.role), (None, None));
    assert!(left.permissions.iter().all(|permission| permission.is_system()));
}

async fn nobody_has_more_sessions_than_a_list_shows(mut w: World) {
    let owner = w.owner().await;
    let me = owner.user().unwrap();
    let template = w.tokens(OWNER).await.session;
    w.later(1);
    let mut tx = w.db.begin().await.unwrap();
    for number in 0u8..100 {
        let session = Session { id: Uuid::now_v7(), created_at: w.now, ..template.clone() };
        store::sessions::create(&mut tx, &session, &[number; 32]).await.unwrap();
    }
    tx.commit().await.unwrap();
    w.later(1);
    let newest = w.tokens(OWNER).await;
    let sessions = w.people.sessions_of(&owner, me, w.now).await.unwrap();
    assert_eq!((sessions.len(), sessions[0].id), (100, newest.session.id));
}

async fn what_is_over_is_swept(mut w: World) {
    w.owner().await;
    let tokens = w.tokens(OWNER).await;
    w.people.upkeep(w.now).await.unwrap();
    assert!(store::sessions::get(&w.db, tokens.session.id).await.unwrap().is_some());
    w.later(31 * 24 * 3600);
    w.people.upkeep(w.now).await.unwrap();
    assert!(store::sessions::get(&w.db, tokens.session.id).await.unwrap().is_none());
}
