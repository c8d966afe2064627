//! What a workspace sets up, as stories: agents, numbers, vendor keys. Each takes a database with nothing in it but the default workspace.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::{AgentId, Carrier, PhoneNumber, TenantId, Tier};

use super::at;
use super::people::{id, tenant, written};
use crate::agents::{AgentChange, AgentSettings, StoredAgent, TurnDetection};
use crate::numbers::{NumberChange, PhoneNumberRow};
use crate::provider_keys::ProviderKey;
use crate::{Change, Database, Page, StoreError, agents, directory, numbers, provider_keys, tenants};

/// An agent of the default workspace; a larger number is a newer one.
pub fn agent(number: u32) -> StoredAgent {
    StoredAgent {
        id: AgentId(id(number)),
        tenant: TenantId::DEFAULT,
        name: format!("Agent {number}"),
        description: Some("answers".into()),
        flow: None,
        base: "receptionist".into(),
        settings: AgentSettings { voice: Some("amy".into()), turn_detection_threshold: Some(0.25), ..AgentSettings::default() },
        active: true,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

/// A number of the default workspace without an agent.
pub fn number(number: u32) -> PhoneNumberRow {
    PhoneNumberRow {
        id: id(number),
        tenant: TenantId::DEFAULT,
        number: PhoneNumber::new(format!("+1500555{number:04}")),
        name: None,
        carrier: Carrier::Telnyx,
        agent: None,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

/// A second workspace.
async fn other(db: &Database) -> TenantId {
    let other = tenant(90);
    written!(db, |tx| tenants::create(&mut tx, &other)).unwrap();
    other.id
}

/// Null clears, absent leaves, and what cannot be empty is not emptied.
pub async fn an_agents_settings_are_set_cleared_and_left(db: Database) {
    let made = agent(1);
    written!(db, |tx| agents::create(&mut tx, &made)).unwrap();
    assert_eq!(agents::get(&db, made.tenant, made.id).await.unwrap(), Some(made.clone()));
    let wanted = AgentChange {
        name: Change::Set("Night desk".into()),
        description: Change::Clear,
        flow: Change::Set("id = 1".into()),
        voice: Change::Clear,
        language: Change::Set("de-DE".into()),
        greeting: Change::Set("Guten Abend.".into()),
        tools: Change::Set(vec!["find_booking".into()]),
        silence_duration_ms: Change::Set(700),
        prefix_padding_ms: Change::Set(300),
        interruptions: Change::Set(false),
        recording: Change::Set(false),
        transcript: Change::Set(true),
        max_call_seconds: Change::Set(600),
        tier: Change::Set(Tier::PremiumMini),
        system_prompt: Change::Set("Be kind and brief.".into()),
        temperature: Change::Set(0.75),
        max_tokens: Change::Set(400),
        turn_detection_mode: Change::Set(TurnDetection::Normal),
        active: Change::Set(false),
        ..AgentChange::default()
    };
    let (before, after) = written!(db, |tx| agents::change(&mut tx, made.tenant, made.id, &wanted, Some(1), at(5))).unwrap();
    let expected = StoredAgent {
        name: "Night desk".into(),
        description: None,
        flow: Some("id = 1".into()),
        settings: AgentSettings {
            voice: None,
            language: Some("de-DE".into()),
            greeting: Some("Guten Abend.".into()),
            tools: Some(vec!["find_booking".into()]),
            silence_duration_ms: Some(700),
            prefix_padding_ms: Some(300),
            turn_detection_threshold: Some(0.25),
            interruptions: Some(false),
            recording: Some(false),
            transcript: Some(true),
            max_call_seconds: Some(600),
            tier: Some(Tier::PremiumMini),
            system_prompt: Some("Be kind and brief.".into()),
            temperature: Some(0.75),
            max_tokens: Some(400),
            turn_detection_mode: Some(TurnDetection::Normal),
        },
        active: false,
        version: 2,
        updated_at: at(5),
        ..made.clone()
    };
    assert_eq!((before, &after), (made.clone(), &expected));
    assert_eq!(agents::get(&db, made.tenant, made.id).await.unwrap(), Some(expected));
    for emptied in [
        AgentChange { name: Change::Clear, ..AgentChange::default() },
        AgentChange { base: Change::Clear, ..AgentChange::default() },
        AgentChange { active: Change::Clear, ..AgentChange::default() },
    ] {
        let refused = written!(db, |tx| agents::change(&mut tx, made.tenant, made.id, &emptied, None, at(6)));
        assert!(matches!(refused, Err(StoreError::Needed { .. })), "{refused:?}");
    }
}

/// Two people who change the same agent: the second is told.
pub async fn an_old_version_of_an_agent_is_not_changed(db: Database) {
    let made = agent(1);
    written!(db, |tx| agents::create(&mut tx, &made)).unwrap();
    let quiet = AgentChange { active: Change::Set(false), ..AgentChange::default() };
    written!(db, |tx| agents::change(&mut tx, made.tenant, made.id, &quiet, Some(1), at(2))).unwrap();
    let late = written!(db, |tx| agents::change(&mut tx, made.tenant, made.id, &quiet, Some(1), at(3)));
    assert!(matches!(late, Err(StoreError::Changed { what: "agent" })), "{late:?}");
    let removed = written!(db, |tx| agents::remove(&mut tx, made.tenant, made.id, Some(1)));
    assert!(matches!(removed, Err(StoreError::Changed { what: "agent" })), "{removed:?}");
    assert_eq!(agents::get(&db, made.tenant, made.id).await.unwrap().unwrap().version, 2);
    assert_eq!(written!(db, |tx| agents::remove(&mut tx, made.tenant, made.id, Some(2))).unwrap().unwrap().version, 2);
    assert_eq!(written!(db, |tx| agents::remove(&mut tx, made.tenant, made.id, None)).unwrap(), None);
    let gone = written!(db, |tx| agents::change(&mut tx, made.tenant, made.id, &quiet, None, at(4)));
    assert!(matches!(gone, Err(StoreError::Missing { what: "agent" })), "{gone:?}");
}

/// One name, one agent, in a workspace.
pub async fn an_agents_name_is_its_own_in_a_workspace(db: Database) {
    let elsewhere = other(&db).await;
    written!(db, |tx| agents::create(&mut tx, &agent(1))).unwrap();
    written!(db, |tx| agents::create(&mut tx, &agent(2))).unwrap();
    let again = StoredAgent { name: " aGENT 1 ".into(), ..agent(3) };
    let mut tx = db.begin().await.unwrap();
    assert!(matches!(agents::create(&mut tx, &again).await, Err(StoreError::Taken { what: "name" })));
    drop(tx);
    let rename = AgentChange { name: Change::Set("AGENT 1".into()), ..AgentChange::default() };
    let mut tx = db.begin().await.unwrap();
    let refused = agents::change(&mut tx, TenantId::DEFAULT, agent(2).id, &rename, None, at(2)).await;
    assert!(matches!(refused, Err(StoreError::Taken { what: "name" })), "{refused:?}");
    drop(tx);
    written!(db, |tx| agents::create(&mut tx, &StoredAgent { tenant: elsewhere, ..again })).unwrap();
    written!(db, |tx| agents::change(&mut tx, TenantId::DEFAULT, agent(1).id, &rename, None, at(2))).unwrap();
}

/// Another workspace's agents and numbers are as if they were not there, whoever has their ids.
pub async fn what_another_workspace_set_up_is_not_there(db: Database) {
    let stranger = other(&db).await;
    let (made, line) = (agent(1), PhoneNumberRow { agent: Some(agent(1).id), ..number(1) });
    written!(db, |tx| agents::create(&mut tx, &made)).unwrap();
    written!(db, |tx| numbers::create(&mut tx, &line)).unwrap();
    assert_eq!(agents::get(&db, stranger, made.id).await.unwrap(), None);
    assert_eq!(numbers::get(&db, stranger, line.id).await.unwrap(), None);
    assert!(agents::list(&db, stranger, &Page::first(10)).await.unwrap().rows.is_empty());
    assert!(numbers::list(&db, stranger, &Page::first(10)).await.unwrap().rows.is_empty());
    let (quiet, free) = (
        AgentChange { active: Change::Set(false), ..AgentChange::default() },
        NumberChange { agent: Change::Clear, ..NumberChange::default() },
    );
    let refused = written!(db, |tx| agents::change(&mut tx, stranger, made.id, &quiet, None, at(2)));
    assert!(matches!(refused, Err(StoreError::Missing { what: "agent" })), "{refused:?}");
    let refused = written!(db, |tx| numbers::change(&mut tx, stranger, line.id, &free, None, at(2)));
    assert!(matches!(refused, Err(StoreError::Missing { what: "phone number" })), "{refused:?}");
    assert_eq!(written!(db, |tx| agents::remove(&mut tx, stranger, made.id, None)).unwrap(), None);
    assert_eq!(written!(db, |tx| numbers::remove(&mut tx, stranger, line.id, None)).unwrap(), None);
    assert_eq!((agents::all(&db).await.unwrap(), numbers::all(&db).await.unwrap()), (vec![made.clone()], vec![line]));
    let theirs = PhoneNumberRow { tenant: stranger, agent: Some(made.id), ..number(2) };
    let refused = written!(db, |tx| numbers::create(&mut tx, &theirs));
    assert!(
        matches!(refused, Err(StoreError::Missing { what: "agent" })),
        "another workspace's agent answers no number of ours: {refused:?}"
    );
}

/// A number rings in one place.
pub async fn a_number_belongs_to_one_workspace_of_all(db: Database) {
    let stranger = other(&db).await;
    written!(db, |tx| agents::create(&mut tx, &agent(1))).unwrap();
    written!(db, |tx| numbers::create(&mut tx, &number(1))).unwrap();
    let mut tx = db.begin().await.unwrap();
    let again = numbers::create(&mut tx, &PhoneNumberRow { tenant: stranger, id: id(7), ..number(1) }).await;
    assert!(matches!(again, Err(StoreError::Taken { what: "phone number" })), "{again:?}");
    drop(tx);
    let wanted = NumberChange { name: Change::Set("Front desk".into()), agent: Change::Set(agent(1).id) };
    let (before, after) = written!(db, |tx| numbers::change(&mut tx, TenantId::DEFAULT, id(1), &wanted, Some(1), at(2))).unwrap();
    let expected = PhoneNumberRow { name: Some("Front desk".into()), agent: Some(agent(1).id), version: 2, updated_at: at(2), ..number(1) };
    assert_eq!((before, after), (number(1), expected.clone()));
    assert_eq!(numbers::get(&db, TenantId::DEFAULT, id(1)).await.unwrap(), Some(expected));
    let late = written!(db, |tx| numbers::change(&mut tx, TenantId::DEFAULT, id(1), &wanted, Some(1), at(3)));
    assert!(matches!(late, Err(StoreError::Changed { what: "phone number" })), "{late:?}");
    written!(db, |tx| agents::remove(&mut tx, TenantId::DEFAULT, agent(1).id, None)).unwrap();
    assert_eq!(numbers::get(&db, TenantId::DEFAULT, id(1)).await.unwrap().unwrap().agent, None, "nobody answers then");
}

/// Pages follow each other without gap or repeat.
pub async fn agents_and_numbers_are_paged_newest_first(db: Database) {
    for made in [2, 3, 1] {
        written!(db, |tx| agents::create(&mut tx, &agent(made))).unwrap();
        written!(db, |tx| numbers::create(&mut tx, &number(made))).unwrap();
    }
    let first = agents::list(&db, TenantId::DEFAULT, &Page::first(2)).await.unwrap();
    assert_eq!((&first.rows, first.next), (&vec![agent(3), agent(2)], Some(id(2))));
    let last = agents::list(&db, TenantId::DEFAULT, &Page { limit: 2, after: first.next }).await.unwrap();
    assert_eq!((last.rows, last.next), (vec![agent(1)], None));
    let first = numbers::list(&db, TenantId::DEFAULT, &Page::first(2)).await.unwrap();
    let last = numbers::list(&db, TenantId::DEFAULT, &Page { limit: 2, after: first.next }).await.unwrap();
    assert_eq!((first.rows, last.rows), (vec![number(3), number(2)], vec![number(1)]));
}

/// Whoever holds agents and numbers sees that they are old, and only when they are.
pub async fn every_change_of_the_directory_is_counted_once_it_stands(db: Database) {
    let before = directory::version(&db).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    agents::create(&mut tx, &agent(1)).await.unwrap();
    drop(tx);
    assert_eq!(directory::version(&db).await.unwrap(), before, "what was undone is no change");
    let quiet = AgentChange { active: Change::Set(false), ..AgentChange::default() };
    let named = NumberChange { name: Change::Set("Desk".into()), ..NumberChange::default() };
    written!(db, |tx| agents::create(&mut tx, &agent(1))).unwrap();
    written!(db, |tx| agents::change(&mut tx, TenantId::DEFAULT, agent(1).id, &quiet, None, at(2))).unwrap();
    written!(db, |tx| numbers::create(&mut tx, &number(1))).unwrap();
    written!(db, |tx| numbers::change(&mut tx, TenantId::DEFAULT, id(1), &named, None, at(2))).unwrap();
    written!(db, |tx| numbers::remove(&mut tx, TenantId::DEFAULT, id(1), None)).unwrap();
    written!(db, |tx| agents::remove(&mut tx, TenantId::DEFAULT, agent(1).id, None)).unwrap();
    assert_eq!(directory::version(&db).await.unwrap(), before + 6);
    written!(db, |tx| agents::remove(&mut tx, TenantId::DEFAULT, agent(1).id, None)).unwrap();
    assert_eq!(directory::version(&db).await.unwrap(), before + 6, "nothing was there to remove");
}

/// Keys go in sealed and come out sealed; people see their ends.
pub async fn a_vendors_key_is_kept_sealed_by_workspace(db: Database) {
    let stranger = other(&db).await;
    let set = async |tenant, provider: &str, sealed: &[u8], ending: Option<&str>, second| {
        let mut tx = db.begin().await.unwrap();
        let done = provider_keys::set(&mut tx, tenant, provider, sealed, ending, "ann", at(second)).await;
        tx.commit().await.unwrap();
        done
    };
    set(TenantId::DEFAULT, "twilio", b"first", Some("1234"), 1).await.unwrap();
    set(TenantId::DEFAULT, "twilio", b"second", None, 2).await.unwrap();
    set(TenantId::DEFAULT, "deepgram", b"\0\xff", Some("abcd"), 3).await.unwrap();
    set(stranger, "twilio", b"theirs", None, 4).await.unwrap();
    let key = |provider: &str, ending: Option<&str>, second| ProviderKey {
        provider: provider.into(),
        ending: ending.map(Into::into),
        updated_at: at(second),
        updated_by: "ann".into(),
    };
    let listed = provider_keys::list(&db, TenantId::DEFAULT).await.unwrap();
    assert_eq!(listed, [key("deepgram", Some("abcd"), 3), key("twilio", None, 2)]);
    assert_eq!(provider_keys::sealed(&db, TenantId::DEFAULT, "twilio").await.unwrap().as_deref(), Some(b"second".as_slice()));
    assert_eq!(provider_keys::sealed(&db, TenantId::DEFAULT, "deepgram").await.unwrap().as_deref(), Some(b"\0\xff".as_slice()));
    assert_eq!(provider_keys::sealed(&db, stranger, "deepgram").await.unwrap(), None);
    assert!(written!(db, |tx| provider_keys::remove(&mut tx, TenantId::DEFAULT, "twilio")).unwrap());
    assert!(!written!(db, |tx| provider_keys::remove(&mut tx, TenantId::DEFAULT, "twilio")).unwrap());
    assert_eq!(provider_keys::list(&db, stranger).await.unwrap(), [key("twilio", None, 4)], "another workspace keeps its own");
    let mut tx = db.begin().await.unwrap();
    let nowhere = provider_keys::set(&mut tx, TenantId(id(77)), "twilio", b"x", None, "ann", at(5)).await;
    assert!(matches!(nowhere, Err(StoreError::Missing { what: "workspace" })), "{nowhere:?}");
}
