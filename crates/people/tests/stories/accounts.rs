//! Roles, members, and who may change whom.

use call::TenantId;
use people::{PeopleError, Permission, Principal, Role};
use store::Change;
use store::users::UserChange;
use uuid::Uuid;

use crate::world::{OFFICE, OWNER, World, client, password};

stories!(
    another_role_counts_within_five_seconds_everywhere,
    who_is_taken_out_is_out_within_five_seconds,
    the_last_owner_stays,
    of_two_owners_who_demote_each_other_one_stays,
    administrators_neither_make_owners_nor_touch_them,
    an_account_that_reaches_further_is_not_administered_from_one_workspace,
    people_of_other_workspaces_look_like_nobody,
    who_is_switched_off_is_out,
    people_change_their_own_name_and_nothing_else,
    who_is_removed_is_gone_with_all_they_had,
);

async fn set_role(w: &World, caller: &Principal, user: Uuid, role: Role) -> Result<Role, PeopleError> {
    w.people.set_role(caller, user, role, &client(OFFICE), w.now).await
}

fn active(on: bool) -> UserChange {
    UserChange { active: Change::Set(on), ..UserChange::default() }
}

async fn another_role_counts_within_five_seconds_everywhere(mut w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let tokens = w.tokens("anna@adler.example").await;
    assert!(w.whose_elsewhere(&tokens).await.unwrap().may(Permission::CallEnd));
    assert_eq!(set_role(&w, &owner, anna.id, Role::Viewer).await.unwrap(), Role::Operator);
    assert!(matches!(w.whose(&tokens).await, Err(PeopleError::Expired { .. })), "what was given to an operator ends");
    w.later(5);
    assert!(matches!(w.whose_elsewhere(&tokens).await, Err(PeopleError::Expired { .. })));
    assert!(!w.caller("anna@adler.example").await.may(Permission::CallEnd));
    let noted = &w.audit("user.role").await[0].entry;
    assert_eq!((noted.detail["from"].as_str(), noted.detail["to"].as_str()), (Some("operator"), Some("viewer")));
    assert!(noted.before.is_some() && noted.before != noted.after);
    // Changed in the database by other means, it counts too.
    let tokens = w.tokens("anna@adler.example").await;
    assert_eq!(w.whose_elsewhere(&tokens).await.unwrap().role, Some(Role::Viewer));
    let mut tx = w.db.begin().await.unwrap();
    store::users::set_role(&mut tx, TenantId::DEFAULT, anna.id, "admin", w.now).await.unwrap();
    tx.commit().await.unwrap();
    w.later(5);
    assert_eq!(w.whose_elsewhere(&tokens).await.unwrap().role, Some(Role::Admin));
}

async fn who_is_taken_out_is_out_within_five_seconds(mut w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Admin).await;
    let tokens = w.tokens("anna@adler.example").await;
    w.whose_elsewhere(&tokens).await.unwrap();
    w.people.remove_member(&owner, anna.id, &client(OFFICE), w.now).await.unwrap();
    assert!(w.whose(&tokens).await.is_err());
    w.later(5);
    assert!(w.whose_elsewhere(&tokens).await.is_err());
    let again = w.people.remove_member(&owner, anna.id, &client(OFFICE), w.now).await;
    assert!(matches!(again, Err(PeopleError::Missing { .. })));
    let outside = w.caller("anna@adler.example").await;
    assert!(outside.tenant.is_none() && outside.permissions.is_empty(), "the account stays, and may do nothing");
}

async fn the_last_owner_stays(w: World) {
    let owner = w.owner().await;
    let me = owner.user().unwrap();
    let last = |result: Result<(), PeopleError>| assert!(matches!(result, Err(PeopleError::Last { .. })), "{result:?}");
    last(set_role(&w, &owner, me, Role::Admin).await.map(drop));
    last(w.people.remove_member(&owner, me, &client(OFFICE), w.now).await);
    let operator = Principal::operator();
    last(w.people.change_person(&operator, me, &active(false), None, &client(OFFICE), w.now).await.map(drop));
    last(w.people.remove_person(&operator, me, &client(OFFICE), w.now).await.map(drop));
    assert_eq!(w.caller(OWNER).await.role, Some(Role::Owner), "all is as it was");
    // One who is switched off does not count.
    let second = w.member(&owner, "otto@adler.example", Role::Owner).await;
    w.people.change_person(&owner, second.id, &active(false), None, &client(OFFICE), w.now).await.unwrap();
    last(set_role(&w, &owner, me, Role::Admin).await.map(drop));
    w.people.change_person(&owner, second.id, &active(true), None, &client(OFFICE), w.now).await.unwrap();
    set_role(&w, &owner, me, Role::Admin).await.unwrap();
}

async fn of_two_owners_who_demote_each_other_one_stays(w: World) {
    let olga = w.owner().await;
    let otto = w.member(&olga, "otto@adler.example", Role::Owner).await;
    let of_otto = w.caller("otto@adler.example").await;
    let (me, here) = (olga.user().unwrap(), client(OFFICE));
    let both = tokio::join!(
        w.people.set_role(&olga, otto.id, Role::Viewer, &here, w.now),
        w.elsewhere.set_role(&of_otto, me, Role::Viewer, &here, w.now),
    );
    assert_eq!(u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()), 1, "{both:?}");
    let mut tx = w.db.begin().await.unwrap();
    assert_eq!(store::users::owners(&mut tx, TenantId::DEFAULT).await.unwrap(), 1);
}

async fn administrators_neither_make_owners_nor_touch_them(w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Viewer).await;
    let otto = w.member(&owner, "otto@adler.example", Role::Owner).await;
    let adam_id = w.member(&owner, "adam@adler.example", Role::Admin).await.id;
    let adam = w.caller("adam@adler.example").await;
    let here = client(OFFICE);
    for refused in [
        set_role(&w, &adam, anna.id, Role::Owner).await.map(drop),
        set_role(&w, &adam, adam_id, Role::Owner).await.map(drop),
        set_role(&w, &adam, otto.id, Role::Viewer).await.map(drop),
        w.people.remove_member(&adam, otto.id, &here, w.now).await,
        w.people.start_password_reset(&adam, otto.id, &here, w.now).await.map(drop),
        w.people.totp_remove(&adam, otto.id, &here, w.now).await,
        w.people.change_person(&adam, otto.id, &active(false), None, &here, w.now).await.map(drop),
        w.people.remove_person(&adam, anna.id, &here, w.now).await.map(drop),
        w.people.invite(&adam, &crate::world::invitation("new@adler.example", Role::Owner), &here, w.now).await.map(drop),
    ] {
        assert!(matches!(refused, Err(PeopleError::NotAllowed { .. })), "{refused:?}");
    }
    set_role(&w, &adam, anna.id, Role::Admin).await.unwrap();
    let of_anna = w.caller("anna@adler.example").await;
    let crown = UserChange { system_admin: Change::Set(true), ..UserChange::default() };
    let refused = w.people.change_person(&of_anna, adam_id, &crown, None, &here, w.now).await;
    assert!(matches!(refused, Err(PeopleError::NotAllowed { .. })));
}

async fn an_account_that_reaches_further_is_not_administered_from_one_workspace(w: World) {
    let owner = w.owner().await;
    w.member(&owner, "adam@adler.example", Role::Admin).await;
    let anna = w.member(&owner, "anna@adler.example", Role::Viewer).await;
    let adam = w.caller("adam@adler.example").await;
    let here = client(OFFICE);
    w.people.start_password_reset(&adam, anna.id, &here, w.now).await.unwrap();
    // With her password Adam would own the other workspace.
    w.workspace("Other", anna.id, Role::Owner).await;
    for refused in [
        w.people.start_password_reset(&adam, anna.id, &here, w.now).await.map(drop),
        w.people.totp_remove(&adam, anna.id, &here, w.now).await,
        w.people.change_person(&adam, anna.id, &active(false), None, &here, w.now).await.map(drop),
    ] {
        assert!(matches!(refused, Err(PeopleError::NotAllowed { .. })), "{refused:?}");
    }
    w.people.start_password_reset(&owner, anna.id, &here, w.now).await.unwrap();
    w.people.start_password_reset(&Principal::operator(), anna.id, &here, w.now).await.unwrap();
}

async fn people_of_other_workspaces_look_like_nobody(w: World) {
    let olga = w.owner().await;
    let anna = w.member(&olga, "anna@adler.example", Role::Viewer).await;
    let stranger = w.member(&olga, "sven@adler.example", Role::Viewer).await;
    w.workspace("Other", stranger.id, Role::Owner).await;
    w.people.remove_member(&olga, stranger.id, &client(OFFICE), w.now).await.unwrap();
    let sven = w.caller("sven@adler.example").await;
    assert_eq!(sven.role, Some(Role::Owner));
    let here = client(OFFICE);
    for user in [anna.id, Uuid::now_v7()] {
        for refused in [
            set_role(&w, &sven, user, Role::Viewer).await.map(drop),
            w.people.remove_member(&sven, user, &here, w.now).await,
            w.people.sessions_of(&sven, user, w.now).await.map(drop),
            w.people.start_password_reset(&sven, user, &here, w.now).await.map(drop),
            w.people.change_person(&sven, user, &active(false), None, &here, w.now).await.map(drop),
        ] {
            assert!(matches!(refused, Err(PeopleError::Missing { what: "person" })), "{refused:?}");
        }
    }
}

async fn who_is_switched_off_is_out(mut w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Operator).await;
    let tokens = w.tokens("anna@adler.example").await;
    w.whose_elsewhere(&tokens).await.unwrap();
    let (before, after) = w.people.change_person(&owner, anna.id, &active(false), None, &client(OFFICE), w.now).await.unwrap();
    assert!(before.active && !after.active);
    assert!(w.whose(&tokens).await.is_err());
    w.later(5);
    assert!(w.whose_elsewhere(&tokens).await.is_err());
    let refreshed = w.people.refresh(tokens.refresh.as_ref().unwrap(), &client(OFFICE), w.now).await;
    assert!(matches!(refreshed, Err(PeopleError::Expired { .. })));
    w.people.change_person(&owner, anna.id, &active(true), None, &client(OFFICE), w.now).await.unwrap();
    assert!(w.whose(&tokens).await.is_err(), "the old session does not come back");
    w.caller("anna@adler.example").await;
}

async fn people_change_their_own_name_and_nothing_else(w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Viewer).await;
    let me = w.caller("anna@adler.example").await;
    let named = |name: &str| UserChange { name: Change::Set(name.to_owned()), ..UserChange::default() };
    let change = async |change: &UserChange, version| w.people.change_person(&me, anna.id, change, version, &client(OFFICE), w.now).await;
    let (_, after) = change(&named("Anna Bell"), None).await.unwrap();
    assert_eq!(after.name.expose(), "Anna Bell");
    assert!(matches!(change(&named(" \n"), None).await, Err(PeopleError::Invalid { field: "name", .. })));
    let stale = change(&named("Anna Ring"), Some(after.version - 1)).await;
    assert!(matches!(stale, Err(PeopleError::Store(store::StoreError::Changed { .. }))), "{stale:?}");
    for more in [
        UserChange { email: Change::Set("ann@adler.example".to_owned()), ..UserChange::default() },
        UserChange { system_admin: Change::Set(true), ..UserChange::default() },
        active(false),
    ] {
        assert!(matches!(change(&more, None).await, Err(PeopleError::NotAllowed { .. })), "{more:?}");
    }
    let noted = format!("{:?}", w.audit("user.update").await);
    assert!(noted.contains("\"name\"") && !noted.contains("Bell"), "the trail names the field and not the name: {noted}");
}

async fn who_is_removed_is_gone_with_all_they_had(w: World) {
    let owner = w.owner().await;
    let anna = w.member(&owner, "anna@adler.example", Role::Admin).await;
    let tokens = w.tokens("anna@adler.example").await;
    let removed = w.people.remove_person(&owner, anna.id, &client(OFFICE), w.now).await.unwrap();
    assert_eq!(removed.id, anna.id);
    assert!(w.whose(&tokens).await.is_err());
    assert!(w.login("anna@adler.example", &password("anna@adler.example"), OFFICE).await.is_err());
    let me = owner.user().unwrap();
    assert!(matches!(w.people.remove_person(&owner, me, &client(OFFICE), w.now).await, Err(PeopleError::NotAllowed { .. })));
    w.member(&owner, "anna@adler.example", Role::Viewer).await;
}
