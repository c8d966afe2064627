//! Workspaces, as stories.
#![expect(clippy::unwrap_used, reason = "a test suite: it fails by panicking")]

use call::{CallRecord, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::at;
use super::people::{have_tenants, have_users, id, tenant, written};
use crate::tenants::{self, RedactionLevel, Retention, Tenant, TenantChange};
use crate::{Change, Database, Page, Records, SqlRecords, StoreError, directory, users};

fn whole(number: u32) -> Tenant {
    Tenant {
        description: Some("The \"old\" house".into()),
        opening_hours: Some(serde_json::from_value(json!({"monday": [{"from": "18:00", "to": "02:30"}]})).unwrap()),
        retention: Retention { recordings_days: Some(30), transcripts_days: Some(90), calls_days: None, audit_days: Some(u32::MAX) },
        redaction: RedactionLevel::All,
        max_calls: Some(u32::MAX),
        ..tenant(number)
    }
}

/// The workspace that is always there, and others with every field.
pub async fn a_workspace_comes_back_whole(db: Database) {
    let default = tenants::get(&db, TenantId::DEFAULT).await.unwrap().unwrap();
    assert_eq!((default.name.as_str(), default.opening_hours, default.retention), ("default", None, Retention::default()));
    written!(db, |tx| tenants::create(&mut tx, &whole(1))).unwrap();
    have_tenants(&db, [2]).await;
    assert_eq!(tenants::get(&db, whole(1).id).await.unwrap(), Some(whole(1)));
    assert_eq!(tenants::get(&db, tenant(2).id).await.unwrap(), Some(tenant(2)));
    assert_eq!(tenants::get(&db, tenant(3).id).await.unwrap(), None);
    let error = written!(db, |tx| tenants::create(&mut tx, &tenant(2))).unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "workspace" }), "{error:?}");
}

/// All of them for the installation, and for a person the ones she works in.
pub async fn workspaces_are_paged_newest_first(db: Database) {
    have_users(&db, [1, 2]).await;
    have_tenants(&db, 1..=4).await;
    for number in [1, 3, 4] {
        written!(db, |tx| users::set_role(&mut tx, tenant(number).id, id(1), "viewer", at(2))).unwrap();
    }
    let ids = async |of_user: Option<u32>, after: Option<Uuid>| {
        let page = tenants::list(&db, of_user.map(id), &Page { limit: 2, after }).await.unwrap();
        (page.rows.into_iter().map(|tenant| tenant.id.0).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(ids(None, None).await, (vec![id(4), id(3)], Some(id(3))));
    assert_eq!(ids(None, Some(id(3))).await, (vec![id(2), id(1)], Some(id(1))));
    assert_eq!(ids(None, Some(id(1))).await, (vec![TenantId::DEFAULT.0], None));
    assert_eq!(ids(Some(1), None).await, (vec![id(4), id(3)], Some(id(3))));
    assert_eq!(ids(Some(1), Some(id(3))).await, (vec![id(1)], None));
    assert_eq!(ids(Some(2), None).await, (vec![], None));
}

/// What is named is changed, `null` clears, and the instances learn of it.
pub async fn a_workspace_is_changed_in_the_version_that_was_read(db: Database) {
    written!(db, |tx| tenants::create(&mut tx, &whole(1))).unwrap();
    let known = directory::version(&db).await.unwrap();
    let change = TenantChange { name: Change::Set("New".into()), description: Change::Clear, ..Default::default() };
    let (before, after) = written!(db, |tx| tenants::change(&mut tx, whole(1).id, &change, Some(1), at(5))).unwrap();
    let expected = Tenant { name: "New".into(), description: None, version: 2, updated_at: at(5), ..whole(1) };
    assert_eq!((before, &after), (whole(1), &expected));
    assert_eq!(tenants::get(&db, after.id).await.unwrap().as_ref(), Some(&after));
    assert!(directory::version(&db).await.unwrap() > known);
    let clear = TenantChange {
        opening_hours: Change::Clear,
        retention: Change::Clear,
        redaction: Change::Clear,
        max_calls: Change::Clear,
        ..Default::default()
    };
    let (_, after) = written!(db, |tx| tenants::change(&mut tx, after.id, &clear, None, at(6))).unwrap();
    let expected = Tenant { name: "New".into(), version: 3, updated_at: at(6), ..tenant(1) };
    assert_eq!(tenants::get(&db, after.id).await.unwrap(), Some(expected));
    let whole_again = TenantChange {
        opening_hours: Change::Set(whole(1).opening_hours.unwrap()),
        retention: Change::Set(whole(1).retention),
        redaction: Change::Set(RedactionLevel::All),
        max_calls: Change::Set(3),
        time_zone: Change::Set("Asia/Tokyo".into()),
        ..Default::default()
    };
    let (_, after) = written!(db, |tx| tenants::change(&mut tx, after.id, &whole_again, Some(3), at(7))).unwrap();
    assert_eq!(tenants::get(&db, after.id).await.unwrap().as_ref(), Some(&after));
    assert_eq!((after.max_calls, after.time_zone.as_str(), after.opening_hours), (Some(3), "Asia/Tokyo", whole(1).opening_hours));
    let error = written!(db, |tx| tenants::change(&mut tx, after.id, &clear, Some(1), at(8))).unwrap_err();
    assert!(matches!(error, StoreError::Changed { what: "workspace" }), "{error:?}");
    let error = written!(db, |tx| tenants::change(&mut tx, tenant(9).id, &clear, None, at(8))).unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "workspace" }), "{error:?}");
    for (change, named) in [
        (TenantChange { name: Change::Clear, ..Default::default() }, "name"),
        (TenantChange { time_zone: Change::Clear, ..Default::default() }, "time_zone"),
    ] {
        let error = written!(db, |tx| tenants::change(&mut tx, after.id, &change, None, at(8))).unwrap_err();
        assert!(matches!(error, StoreError::Needed { what } if what == named), "{error:?}");
    }
}

/// A workspace that has calls stays until they are gone, and the default one for ever.
pub async fn only_an_unused_workspace_is_removed(db: Database) {
    have_users(&db, [1]).await;
    have_tenants(&db, [1, 2]).await;
    written!(db, |tx| users::set_role(&mut tx, tenant(2).id, id(1), "owner", at(2))).unwrap();
    let call = CallRecord { tenant: tenant(1).id, ..super::record(1) };
    SqlRecords::new(db.clone()).open_call(&call).await.unwrap();
    for workspace in [TenantId::DEFAULT, tenant(1).id] {
        let error = written!(db, |tx| tenants::remove(&mut tx, workspace, None)).unwrap_err();
        assert!(matches!(error, StoreError::InUse { what: "workspace" }), "{error:?}");
    }
    let error = written!(db, |tx| tenants::remove(&mut tx, tenant(2).id, Some(7))).unwrap_err();
    assert!(matches!(error, StoreError::Changed { what: "workspace" }), "{error:?}");
    let known = directory::version(&db).await.unwrap();
    assert_eq!(written!(db, |tx| tenants::remove(&mut tx, tenant(2).id, Some(1))).unwrap(), Some(tenant(2)));
    assert_eq!(written!(db, |tx| tenants::remove(&mut tx, tenant(2).id, None)).unwrap(), None);
    assert!(directory::version(&db).await.unwrap() > known);
    assert_eq!(users::memberships(&db, id(1)).await.unwrap(), []);
    assert_eq!(tenants::get(&db, tenant(1).id).await.unwrap(), Some(tenant(1)));
}
