//! What every database does with the tools that workspaces declare.

use call::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::at;
use super::business::agent;
use super::people::{id, tenant, written};
use crate::agents::{AgentChange, AgentSettings, StoredAgent};
use crate::tools::{StoredTool, ToolChange};
use crate::{Change, Database, Page, StoreError, agents, directory, sealed, tenants, tools};

/// A tool of the default workspace with a secret.
pub fn tool(number: u32) -> StoredTool {
    StoredTool {
        id: id(number),
        tenant: TenantId::DEFAULT,
        name: format!("tool_{number}"),
        kind: "http".into(),
        definition: json!({"kind": "http", "url": "https://shop.example.com/", "parameters": {"type": "object", "properties": {}}}),
        secret: Some(vec![1, 0, 255]),
        active: true,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

async fn all(db: &Database, tenant: TenantId) -> Vec<StoredTool> {
    tools::list(db, tenant, &Page::first(10)).await.unwrap().rows
}

/// Its fields are kept, changed and cleared; its name is its own in the workspace; others see nothing of it; holders of agents are told.
pub async fn a_tool_is_made_changed_listed_and_removed(db: Database) {
    let (first, second, before) = (tool(1), tool(2), directory::version(&db).await.unwrap());
    for tool in [&first, &second] {
        written!(db, |tx| tools::create(&mut tx, tool)).unwrap();
    }
    assert_eq!(all(&db, TenantId::DEFAULT).await, [second.clone(), first.clone()]);
    assert_eq!(tools::names(&db, TenantId::DEFAULT).await.unwrap(), ["tool_1", "tool_2"]);
    let other = tenant(90);
    written!(db, |tx| tenants::create(&mut tx, &other)).unwrap();
    assert_eq!((tools::get(&db, other.id, first.id).await.unwrap(), all(&db, other.id).await), (None, vec![]));
    let (foreign, taken) =
        (StoredTool { id: id(3), tenant: other.id, ..tool(1) }, StoredTool { id: id(4), name: "TOOL_1".into(), ..tool(1) });
    written!(db, |tx| tools::create(&mut tx, &foreign)).unwrap();
    let mut tx = db.begin().await.unwrap();
    let refused = tools::create(&mut tx, &taken).await;
    assert!(matches!(refused, Err(StoreError::Taken { what: "name" })), "{refused:?}");
    drop(tx);

    let definition = json!({"kind": "http", "url": "https://other.example.com/"});
    let wanted = ToolChange {
        name: Change::Set("renamed".into()),
        definition: Change::Set(definition.clone()),
        secret: Change::Clear,
        active: Change::Set(false),
    };
    let (was, is) = written!(db, |tx| tools::change(&mut tx, first.tenant, first.id, &wanted, Some(1), at(5))).unwrap();
    let expected =
        StoredTool { name: "renamed".into(), definition, secret: None, active: false, version: 2, updated_at: at(5), ..first.clone() };
    assert_eq!((was, &is), (first.clone(), &expected));
    assert_eq!(tools::get(&db, first.tenant, first.id).await.unwrap(), Some(expected.clone()));
    let late = written!(db, |tx| tools::change(&mut tx, first.tenant, first.id, &wanted, Some(1), at(6)));
    assert!(matches!(late, Err(StoreError::Changed { what: "tool" })), "{late:?}");
    for emptied in [
        ToolChange { name: Change::Clear, ..ToolChange::default() },
        ToolChange { definition: Change::Clear, ..ToolChange::default() },
        ToolChange { active: Change::Clear, ..ToolChange::default() },
    ] {
        let refused = written!(db, |tx| tools::change(&mut tx, first.tenant, first.id, &emptied, None, at(6)));
        assert!(matches!(refused, Err(StoreError::Needed { .. })), "{refused:?}");
    }
    let removed = written!(db, |tx| tools::remove(&mut tx, first.tenant, first.id, Some(2))).unwrap();
    assert_eq!((removed, tools::all(&db).await.unwrap()), (Some(expected), vec![second, foreign]));
    assert_eq!(written!(db, |tx| tools::remove(&mut tx, first.tenant, first.id, None)).unwrap(), None);
    assert!(directory::version(&db).await.unwrap() >= before + 5);
}

/// An agent that names a tool which is gone, or is called otherwise, could not be made ready.
pub async fn a_tool_that_an_agent_names_stays(db: Database) {
    let made = tool(1);
    written!(db, |tx| tools::create(&mut tx, &made)).unwrap();
    let settings = AgentSettings { tools: Some(vec!["find_booking".into(), made.name.clone()]), ..AgentSettings::default() };
    let named_by = StoredAgent { settings, ..agent(1) };
    written!(db, |tx| agents::create(&mut tx, &named_by)).unwrap();
    let rename = ToolChange { name: Change::Set("other".into()), ..ToolChange::default() };
    let off = ToolChange { active: Change::Set(false), ..ToolChange::default() };
    for refused in [
        written!(db, |tx| tools::remove(&mut tx, made.tenant, made.id, None)).map(drop),
        written!(db, |tx| tools::change(&mut tx, made.tenant, made.id, &rename, None, at(2))).map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::InUse { what: "tool" })), "{refused:?}");
    }
    written!(db, |tx| tools::change(&mut tx, made.tenant, made.id, &off, None, at(2))).unwrap();
    let without = AgentChange { tools: Change::Clear, ..AgentChange::default() };
    written!(db, |tx| agents::change(&mut tx, named_by.tenant, named_by.id, &without, None, at(3))).unwrap();
    assert!(written!(db, |tx| tools::remove(&mut tx, made.tenant, made.id, None)).unwrap().is_some());
}

/// When the key that seals is replaced, secrets are sealed again; those that were changed meanwhile are left.
pub async fn a_tools_secret_is_sealed_again_unless_it_was_changed(db: Database) {
    let (first, second) = (tool(1), tool(2));
    for tool in [&first, &second, &StoredTool { secret: None, ..tool(3) }] {
        written!(db, |tx| tools::create(&mut tx, tool)).unwrap();
    }
    let read = sealed::tools(&db, None).await.unwrap();
    let whose: Vec<(TenantId, Uuid)> = read.iter().map(|sealed| sealed.whose).collect();
    assert_eq!(whose, [(first.tenant, first.id), (second.tenant, second.id)]);
    assert_eq!(sealed::left(&db, &[1, 0]).await.unwrap().tools, 2);
    assert!(sealed::replace_tool(&db, &read[0], &[9]).await.unwrap());
    assert!(!sealed::replace_tool(&db, &read[0], &[8]).await.unwrap(), "it is not what was read any more");
    assert_eq!(tools::get(&db, first.tenant, first.id).await.unwrap().unwrap().secret, Some(vec![9]));
    assert_eq!(sealed::tools(&db, Some(&read[0].whose)).await.unwrap().len(), 1);
    let left = sealed::left(&db, &[1, 0]).await.unwrap();
    assert!(left.tools == 1 && !left.is_none());
}
