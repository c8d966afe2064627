//! The database is away.

use std::collections::BTreeSet;

use people::{NewKey, PeopleError, Permission};
use store::Database;
use testkit::postgres::PostgresServer;

use crate::world::{OFFICE, OWNER, World, client, password, tell};

stories!(without_the_database_sessions_work_until_they_have_to_be_looked_up);

async fn without_the_database_sessions_work_until_they_have_to_be_looked_up(mut w: World) {
    let owner = w.owner().await;
    let tokens = w.tokens(OWNER).await;
    let key = NewKey { name: "k".into(), scopes: BTreeSet::from([Permission::CallView]), expires_at: None };
    let (_, key) = w.people.create_key(&owner, &key, &client(OFFICE), w.now).await.unwrap();
    w.whose(&tokens).await.unwrap();
    w.people.authenticate_key(key.expose(), &client(OFFICE), w.now).await.unwrap();
    w.db.close().await;
    w.later(2);
    assert!(w.whose(&tokens).await.is_ok(), "what was looked up a moment ago holds");
    assert!(w.people.authenticate_key(key.expose(), &client(OFFICE), w.now).await.is_ok());
    w.later(1);
    for refused in [
        w.whose(&tokens).await.map(drop),
        w.people.authenticate_key(key.expose(), &client(OFFICE), w.now).await.map(drop),
        w.people.authenticate_cookie("unknown", w.now).await.map(drop),
        w.login(OWNER, &password(OWNER), OFFICE).await.map(drop),
        w.people.refresh(tokens.refresh.as_ref().unwrap(), &client(OFFICE), w.now).await.map(drop),
        w.people.logout(&owner, &client(OFFICE), w.now).await,
    ] {
        assert!(matches!(refused, Err(PeopleError::Unavailable(_))), "not knowing is not refusing: {refused:?}");
    }
    assert!(matches!(w.people.upkeep(w.now).await, Err(PeopleError::Unavailable(_))));
}

#[test]
fn a_database_server_that_went_and_came_back_is_all_that_is_needed() {
    tell(async || {
        let mut server = PostgresServer::start().await.unwrap();
        let url = server.database().await.unwrap();
        Database::migrate(&url).await.unwrap();
        let mut w = World::on(Database::connect(&url).await.unwrap());
        w.owner().await;
        let tokens = w.tokens(OWNER).await;
        // Cleanly: after a crash this server, which does not wait for its disk, may have lost the last second.
        server.stop().await.unwrap();
        w.later(5);
        assert!(matches!(w.whose(&tokens).await, Err(PeopleError::Unavailable(_))));
        assert!(matches!(w.login(OWNER, &password(OWNER), OFFICE).await, Err(PeopleError::Unavailable(_))));
        server.start_again().await.unwrap();
        w.whose(&tokens).await.unwrap();
        let again = w.tokens(OWNER).await;
        w.whose(&again).await.unwrap();
    });
}
