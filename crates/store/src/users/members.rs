//! Who works in which workspace, and as what.

use call::{TenantId, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::{User, UserRow, columns};
use crate::{Database, Page, Paged, StoreError, Transaction, query};

crate::statements! {
    MEMBERS = concat!("SELECT ", columns!(), ", role, since FROM users \
        JOIN (SELECT user_id, role, created_at AS since FROM memberships WHERE tenant_id = $1 AND user_id < $2) AS m ON m.user_id = id \
        ORDER BY m.user_id DESC LIMIT $3");
    MEMBER = concat!("SELECT ", columns!(), ", role, since FROM users \
        JOIN (SELECT user_id, role, created_at AS since FROM memberships WHERE tenant_id = $1 AND user_id = $2) AS m ON m.user_id = id");
    MEMBERSHIPS = "SELECT tenant_id, name, role FROM memberships JOIN tenants ON id = tenant_id WHERE user_id = $1 ORDER BY tenant_id DESC LIMIT $2";
    ROLE = "SELECT role FROM memberships WHERE tenant_id = $1 AND user_id = $2";
    JOIN = "INSERT INTO memberships (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, user_id) DO NOTHING";
    /// Changes nothing; whoever else wants to write this row waits until our transaction is over.
    HOLD = "UPDATE memberships SET role = role WHERE tenant_id = $1 AND user_id = $2";
    SET_ROLE = "UPDATE memberships SET role = $1 WHERE tenant_id = $2 AND user_id = $3";
    LEAVE = "DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2 RETURNING role";
    OWNERS = "SELECT COUNT(*) FROM memberships JOIN users ON id = user_id WHERE tenant_id = $1 AND role = 'owner' AND active";
}

/// An account in a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The account.
    pub user: User,
    /// What it is there.
    pub role: String,
    /// Since when.
    pub since: Timestamp,
}

/// A workspace of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The workspace.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// What the account is there.
    pub role: String,
}

/// Most workspaces of one account that [`memberships`] gives; [`crate::tenants::list`] has pages.
pub const MAX_MEMBERSHIPS: u32 = 1_000;

#[derive(FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    user: UserRow,
    role: String,
    since: jiff_sqlx::Timestamp,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self { user: row.user.into(), role: row.role, since: row.since.to_jiff() }
    }
}

/// Who works in a workspace.
pub async fn members(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<Member>, StoreError> {
    let read = query(MEMBERS).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Vec<MemberRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list the members of a workspace"))?;
    Ok(page.of(rows.into_iter().map(Member::from).collect(), |member: &Member| member.user.id))
}

/// One of them.
pub async fn member(db: &Database, tenant: TenantId, user: Uuid) -> Result<Option<Member>, StoreError> {
    let row: Result<Option<MemberRow>, _> = query(MEMBER).bind(tenant.0).bind(user).optional(db.readers()).await;
    Ok(row.map_err(StoreError::while_doing("read a member of a workspace"))?.map(Member::from))
}

/// The workspaces of an account, the newest first, at most [`MAX_MEMBERSHIPS`].
pub async fn memberships(db: &Database, user: Uuid) -> Result<Vec<Membership>, StoreError> {
    let read = query(MEMBERSHIPS).bind(user).bind(MAX_MEMBERSHIPS);
    let rows: Vec<(Uuid, String, String)> =
        read.all(db.readers()).await.map_err(StoreError::while_doing("list the workspaces of an account"))?;
    Ok(rows.into_iter().map(|(tenant, tenant_name, role)| Membership { tenant: TenantId(tenant), tenant_name, role }).collect())
}

/// Gives an account a role in a workspace, and says which it had there.
///
/// Errors: [`StoreError::Missing`] when the account or the workspace is not there.
pub async fn set_role(
    tx: &mut Transaction,
    tenant: TenantId,
    user: Uuid,
    role: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let doing = || StoreError::while_storing("store a role", "user or workspace");
    let join = query(JOIN).bind(tenant.0).bind(user).bind(role).bind(now);
    if join.execute(&mut **tx).await.map_err(doing())? == 1 {
        return Ok(None);
    }
    // Two changes at once: the later sees the role that the earlier gave, because it writes before it reads.
    let hold = query(HOLD).bind(tenant.0).bind(user);
    hold.execute(&mut **tx).await.map_err(doing())?;
    let former: Option<(String,)> = query(ROLE).bind(tenant.0).bind(user).optional(&mut **tx).await.map_err(doing())?;
    query(SET_ROLE).bind(role).bind(tenant.0).bind(user).execute(&mut **tx).await.map_err(doing())?;
    Ok(former.map(|(role,)| role))
}

/// Takes an account out of a workspace, and says what it was there.
pub async fn leave(tx: &mut Transaction, tenant: TenantId, user: Uuid) -> Result<Option<String>, StoreError> {
    let left: Result<Option<(String,)>, _> = query(LEAVE).bind(tenant.0).bind(user).optional(&mut **tx).await;
    Ok(left.map_err(StoreError::while_doing("take an account out of a workspace"))?.map(|(role,)| role))
}

/// How many active accounts own a workspace. Until the transaction ends, others that ask wait: what is decided by the answer holds.
pub async fn owners(tx: &mut Transaction, tenant: TenantId) -> Result<u64, StoreError> {
    tx.alone(&format!("owners:{}", tenant.0)).await?;
    let counted: Result<(i64,), _> = query(OWNERS).bind(tenant.0).one(&mut **tx).await;
    let (owners,) = counted.map_err(StoreError::while_doing("count the owners of a workspace"))?;
    Ok(owners.unsigned_abs())
}
