//! One number that counts the changes of agents, numbers and workspaces: an instance that holds them looks here to see that they are old.

use crate::{Database, StoreError, Transaction, query};

crate::statements! {
    VERSION = "SELECT version FROM directory_version WHERE one = 1";
    BUMP = "UPDATE directory_version SET version = version + 1 WHERE one = 1";
}

/// How many changes there were.
pub async fn version(db: &Database) -> Result<i64, StoreError> {
    let read: Result<(i64,), _> = query(VERSION).one(db.readers()).await;
    read.map(|(version,)| version).map_err(StoreError::while_doing("read the version of the directory"))
}

/// Counts one more; it stands when the transaction does.
pub async fn bump(tx: &mut Transaction) -> Result<(), StoreError> {
    let done = query(BUMP).execute(&mut **tx).await;
    done.map(drop).map_err(StoreError::while_doing("count a change of the directory"))
}
