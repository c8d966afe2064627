//! Links that work once.

use call::TenantId;
use jiff::SignedDuration;
use people::{FIRST_ADMIN_LIMIT, INVITATION_LIMIT, NewPerson, PasswordProblem, PeopleError, Principal, RESET_LIMIT, Role};
use privacy::{Pii, Secret};
use store::users::User;

use crate::world::{OFFICE, OWNER, World, client, done, invitation, password, secret};

stories!(
    nothing_ships_with_a_password_and_the_first_administrator_comes_by_a_link,
    of_two_first_administrators_one_is_made,
    the_first_administrators_link_works_once_and_not_for_ever,
    an_invitation_works_once_and_not_for_ever,
    a_new_password_is_judged_with_all_its_faults,
    an_invitation_gives_nobody_the_account_of_another,
    who_is_signed_in_accepts_an_invitation_to_their_own_address,
    an_invitation_ends_with_the_right_to_invite,
    a_link_for_a_new_password_works_once_and_ends_all_sessions,
);

fn person(email: &str) -> NewPerson {
    NewPerson { email: email.to_owned().into(), name: "First Person".to_owned().into(), password: password(email) }
}

fn is_dead<T>(result: &Result<T, PeopleError>) -> bool {
    matches!(result, Err(PeopleError::Expired { what: "link", .. }))
}

async fn accept(w: &World, token: &Secret, given: &Secret) -> Result<User, PeopleError> {
    w.people.accept_invitation(token, None, given, &client(OFFICE), w.now).await
}

async fn invite(w: &World, caller: &Principal, email: &str, role: Role) -> Result<Secret, PeopleError> {
    w.people.invite(caller, &invitation(email, role), &client(OFFICE), w.now).await.map(|link| link.token)
}

async fn nothing_ships_with_a_password_and_the_first_administrator_comes_by_a_link(w: World) {
    assert!(!store::users::any(&w.db).await.unwrap(), "a new database has no accounts");
    let link = w.people.first_admin_link(w.now).await.unwrap().unwrap();
    let make = async |token: &Secret| w.people.create_first_admin(Some(token), &person(OWNER), &client(OFFICE), w.now).await;
    assert!(is_dead(&make(&secret("a guess")).await));
    let made = make(&link.token).await.unwrap();
    assert!(made.system_admin);
    assert_eq!(w.caller(OWNER).await.role, Some(Role::Owner));
    assert!(w.people.first_admin_link(w.now).await.unwrap().is_none(), "there is no second one");
    assert!(make(&link.token).await.is_err());
    let again = w.people.create_first_admin(None, &person("b@adler.example"), &client(OFFICE), w.now).await;
    assert!(matches!(again, Err(PeopleError::NotAllowed { .. })));
    assert_eq!(w.audit("user.first_admin").await.len(), 1);
}

async fn of_two_first_administrators_one_is_made(w: World) {
    let link = w.people.first_admin_link(w.now).await.unwrap().unwrap();
    let (a, b, here) = (person("a@adler.example"), person("b@adler.example"), client(OFFICE));
    let both = tokio::join!(
        w.people.create_first_admin(Some(&link.token), &a, &here, w.now),
        w.elsewhere.create_first_admin(None, &b, &here, w.now),
    );
    assert_eq!(u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()), 1, "{both:?}");
    let members = store::users::members(&w.db, TenantId::DEFAULT, &store::Page::first(10)).await.unwrap();
    assert_eq!(members.rows.len(), 1);
}

async fn the_first_administrators_link_works_once_and_not_for_ever(w: World) {
    let first = w.people.first_admin_link(w.now).await.unwrap().unwrap();
    let second = w.people.first_admin_link(w.now).await.unwrap().unwrap();
    let make = async |token: &Secret, now| w.people.create_first_admin(Some(token), &person(OWNER), &client(OFFICE), now).await;
    assert!(is_dead(&make(&first.token, w.now).await), "a newer one has replaced it");
    assert!(is_dead(&make(&second.token, w.now + FIRST_ADMIN_LIMIT).await), "a day has passed");
    let later = w.now + SignedDuration::from_hours(1);
    let weak = NewPerson { password: secret("voicenoob123"), ..person(OWNER) };
    let refused = w.people.create_first_admin(Some(&second.token), &weak, &client(OFFICE), later).await;
    assert!(matches!(refused, Err(PeopleError::Weak(_))), "and the link is still good");
    let (one, other) = tokio::join!(make(&second.token, later), make(&second.token, later));
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
}

async fn an_invitation_works_once_and_not_for_ever(w: World) {
    let owner = w.owner().await;
    let token = invite(&w, &owner, "anna@adler.example", Role::Operator).await.unwrap();
    let email = "anna@adler.example";
    let late = w.people.accept_invitation(&token, None, &password(email), &client(OFFICE), w.now + INVITATION_LIMIT).await;
    assert!(is_dead(&late));
    let name = Pii::new("Anna Bell".to_owned());
    let anna = w.people.accept_invitation(&token, Some(&name), &password(email), &client(OFFICE), w.now).await.unwrap();
    assert_eq!((anna.name, anna.system_admin), (name, false));
    assert!(is_dead(&accept(&w, &token, &password(email)).await));
    assert_eq!(w.caller(email).await.role, Some(Role::Operator));
    let again = invite(&w, &owner, " ANNA@adler.example", Role::Owner).await;
    assert!(matches!(again, Err(PeopleError::Invalid { field: "email", .. })), "she is here: {again:?}");
    let joined = &w.audit("user.join").await[0].entry;
    assert_eq!(joined.detail["invited_by"], owner.user().unwrap().to_string());
    for wrong in ["", "anna", "@adler.example", "anna@", "an na@adler.example", &format!("{}@adler.example", "a".repeat(300))] {
        assert!(matches!(invite(&w, &owner, wrong, Role::Viewer).await, Err(PeopleError::Invalid { field: "email", .. })), "{wrong}");
    }
}

async fn a_new_password_is_judged_with_all_its_faults(w: World) {
    let owner = w.owner().await;
    let token = invite(&w, &owner, "anna.smith@adler.example", Role::Operator).await.unwrap();
    for (given, faults) in [
        ("dragon", vec![PasswordProblem::TooShort { min: 12 }, PasswordProblem::Common]),
        ("anna.smith@adler", vec![PasswordProblem::Context]),
        ("Voicenoob!!!", vec![PasswordProblem::Context]),
        ("sonyericsson", vec![PasswordProblem::Common]),
    ] {
        match accept(&w, &token, &secret(given)).await {
            Err(PeopleError::Weak(found)) => assert_eq!(found, faults, "{given}"),
            other => panic!("{given}: {other:?}"),
        }
    }
    let long = secret(&"a passphrase that is quite long, ".repeat(4));
    accept(&w, &token, &long).await.unwrap();
    done(w.login("anna.smith@adler.example", &long, OFFICE).await.unwrap());
    let cut = secret(&long.expose()[..64]);
    assert!(w.login("anna.smith@adler.example", &cut, OFFICE).await.is_err(), "all of it counts");
}

async fn an_invitation_gives_nobody_the_account_of_another(w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Viewer).await;
    let mallory = w.member(&owner, "mallory@adler.example", Role::Viewer).await;
    let other = w.workspace("Mallory's", mallory.id, Role::Owner).await;
    let caller = w.caller("mallory@adler.example").await;
    assert_eq!(caller.tenant, Some(other));
    // Mallory has the link to Anna's account in hand.
    let token = invite(&w, &caller, "anna@adler.example", Role::Admin).await.unwrap();
    assert!(matches!(accept(&w, &token, &secret("what mallory chooses")).await, Err(PeopleError::WrongCredentials)));
    assert_eq!(w.last_why("user.join").await, "wrong");
    assert_eq!(w.user(anna.id).await.password_hash, anna.password_hash);
    accept(&w, &token, &password("anna@adler.example")).await.unwrap();
    assert_eq!(store::users::memberships(&w.db, anna.id).await.unwrap().len(), 2);
}

async fn who_is_signed_in_accepts_an_invitation_to_their_own_address(w: World) {
    let owner = w.owner().await;
    w.member(&owner, "anna@adler.example", Role::Viewer).await;
    w.member(&owner, "otto@adler.example", Role::Viewer).await;
    let other = w.workspace("Other", owner.user().unwrap(), Role::Owner).await;
    let there = w.people.switch_workspace(&owner, other, &client(OFFICE), w.now).await.unwrap();
    let token = invite(&w, &there, "anna@adler.example", Role::Operator).await.unwrap();
    let otto = w.caller("otto@adler.example").await;
    let refused = w.people.accept_invitation_as(&otto, &token, &client(OFFICE), w.now).await;
    assert!(matches!(refused, Err(PeopleError::NotAllowed { .. })));
    let anna = w.caller("anna@adler.example").await;
    w.people.accept_invitation_as(&anna, &token, &client(OFFICE), w.now).await.unwrap();
    let now_there = w.people.switch_workspace(&anna, other, &client(OFFICE), w.now).await.unwrap();
    assert_eq!(now_there.role, Some(Role::Operator));
}

async fn an_invitation_ends_with_the_right_to_invite(w: World) {
    let owner = w.owner().await;
    let adam = w.member(&owner, "adam@adler.example", Role::Admin).await;
    let caller = w.caller("adam@adler.example").await;
    let token = invite(&w, &caller, "friend@adler.example", Role::Admin).await.unwrap();
    w.people.set_role(&owner, adam.id, Role::Viewer, &client(OFFICE), w.now).await.unwrap();
    assert!(is_dead(&accept(&w, &token, &password("friend@adler.example")).await));
    let viewer = w.caller("adam@adler.example").await;
    assert!(matches!(invite(&w, &viewer, "friend@adler.example", Role::Viewer).await, Err(PeopleError::NotAllowed { .. })));
}

async fn a_link_for_a_new_password_works_once_and_ends_all_sessions(mut w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let tokens = w.tokens("anna@adler.example").await;
    let link = async || w.people.start_password_reset(&owner, anna.id, &client(OFFICE), w.now).await.unwrap().token;
    let reset = async |token: &Secret, now| w.people.reset_password(token, &secret("seven loud cranes"), &client(OFFICE), now).await;
    let (old, new) = (link().await, link().await);
    assert!(is_dead(&reset(&old, w.now).await), "a newer one has replaced it");
    assert!(is_dead(&reset(&new, w.now + RESET_LIMIT).await));
    w.tokens("anna@adler.example").await;
    reset(&new, w.now).await.unwrap();
    assert!(is_dead(&reset(&new, w.now).await));
    assert!(w.whose(&tokens).await.is_err());
    assert!(w.login("anna@adler.example", &password("anna@adler.example"), OFFICE).await.is_err());
    done(w.login("anna@adler.example", &secret("seven loud cranes"), OFFICE).await.unwrap());
    let own = w.people.start_password_reset(&owner, owner.user().unwrap(), &client(OFFICE), w.now).await;
    assert!(matches!(own, Err(PeopleError::NotAllowed { .. })), "a stolen session sets no password");
    w.later(5);
    assert!(w.whose_elsewhere(&tokens).await.is_err());
}
