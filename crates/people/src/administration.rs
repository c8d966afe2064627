//! What people change about others, and whom they may.

use call::{TenantId, Timestamp};
use store::Transaction;
use store::sessions::Session;
use store::users::User;
use uuid::Uuid;

use crate::events::Event;
use crate::sessions::role_of;
use crate::{Client, People, PeopleError, Permission, Principal, Role};

/// What an act on somebody reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What they are in the caller's workspace.
    Workspace,
    /// Their account, with which they sign in everywhere: who can set its password has all they have.
    Account,
}

/// Somebody who is acted on.
pub(crate) struct Subject {
    pub(crate) user: User,
    /// What they are in the caller's workspace.
    pub(crate) role: Option<Role>,
}

const LAST_OWNER: PeopleError = PeopleError::Last { of: "owner of the workspace" };
const ABOVE: PeopleError = PeopleError::NotAllowed { why: "only owners act on owners and make them" };
const ELSEWHERE: PeopleError =
    PeopleError::NotAllowed { why: "this account reaches beyond your workspace; a system administrator can do it, or the person" };
const NO_WORKSPACE: PeopleError = PeopleError::NotAllowed { why: "this needs a workspace; switch to one first" };

/// True for somebody who acts on their own account.
pub(crate) fn is_own(caller: &Principal, user: Uuid) -> bool {
    caller.user() == Some(user)
}

/// The workspace the caller acts in.
pub(crate) fn workspace(caller: &Principal) -> Result<TenantId, PeopleError> {
    caller.tenant.ok_or(NO_WORKSPACE)
}

/// The highest role the caller may give or act on. API keys have none of their own: they act as administrators at most.
pub(crate) fn rank(caller: &Principal) -> Role {
    if caller.may(Permission::SystemAdmin) { Role::Owner } else { caller.role.unwrap_or(Role::Admin) }
}

/// Ok when the caller may give this role, or act on who has it.
pub(crate) fn not_above(caller: &Principal, role: Option<Role>) -> Result<(), PeopleError> {
    if role.is_some_and(|role| role > rank(caller)) { Err(ABOVE) } else { Ok(()) }
}

/// Ok when the caller has the permission, or administers all accounts.
pub(crate) fn needs(caller: &Principal, permission: Permission) -> Result<(), PeopleError> {
    if caller.may(permission) || caller.may(Permission::SystemAdmin) {
        return Ok(());
    }
    Err(PeopleError::NotAllowed { why: "your role or key does not have the permission for this" })
}

impl People {
    /// Somebody the caller may act on in this way. Who is not of the caller's workspace looks like nobody.
    pub(crate) async fn subject(
        &self,
        caller: &Principal,
        user: Uuid,
        permission: Permission,
        reach: Reach,
    ) -> Result<Subject, PeopleError> {
        const MISSING: PeopleError = PeopleError::Missing { what: "person" };
        needs(caller, permission)?;
        let everywhere = caller.may(Permission::SystemAdmin);
        let member = match caller.tenant {
            Some(tenant) => store::users::member(&self.0.db, tenant, user).await?,
            None => None,
        };
        let subject = match member {
            Some(member) => Subject { role: Some(role_of(&member.role)?), user: member.user },
            None if everywhere => Subject { user: store::users::get(&self.0.db, user).await?.ok_or(MISSING)?, role: None },
            None => return Err(MISSING),
        };
        not_above(caller, subject.role)?;
        if reach == Reach::Account && !everywhere {
            let of = store::users::memberships(&self.0.db, user).await?;
            if subject.user.system_admin || of.iter().any(|one| Some(one.tenant) != caller.tenant) {
                return Err(ELSEWHERE);
            }
        }
        Ok(subject)
    }

    /// Gives a member of the caller's workspace another role; ends their sessions there. The role before.
    pub async fn set_role(&self, caller: &Principal, user: Uuid, role: Role, client: &Client, now: Timestamp) -> Result<Role, PeopleError> {
        let tenant = workspace(caller)?;
        let subject = self.subject(caller, user, Permission::UserUpdate, Reach::Workspace).await?;
        let Some(former) = subject.role else { return Err(PeopleError::Missing { what: "person" }) };
        not_above(caller, Some(role))?;
        let sessions = self.sessions_here(user, tenant, caller.session(), now).await?;
        let mut tx = self.0.db.begin().await?;
        // What stood there a moment ago may not stand there any more.
        let before = store::users::set_role(&mut tx, tenant, user, role.as_str(), now).await?;
        if before.as_deref() != Some(former.as_str()) {
            return Err(PeopleError::Store(store::StoreError::Changed { what: "role" }));
        }
        if former == Role::Owner && role != Role::Owner && store::users::owners(&mut tx, tenant).await? == 0 {
            return Err(LAST_OWNER);
        }
        end_all(&mut tx, &sessions, "role changed", now).await?;
        let event = Event::by(caller, "user.role", "user", Some(user)).change(&former, &role);
        event.with("from", former.as_str()).with("to", role.as_str()).commit(tx, client, now).await?;
        self.forget();
        Ok(former)
    }

    /// Takes a member out of the caller's workspace, or lets the caller leave it; ends their sessions there. Their account stays.
    pub async fn remove_member(&self, caller: &Principal, user: Uuid, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        let tenant = workspace(caller)?;
        if !is_own(caller, user) {
            self.subject(caller, user, Permission::UserDelete, Reach::Workspace).await?;
        }
        let sessions = self.sessions_here(user, tenant, None, now).await?;
        let mut tx = self.0.db.begin().await?;
        let former = store::users::leave(&mut tx, tenant, user).await?.ok_or(PeopleError::Missing { what: "person" })?;
        let former = role_of(&former)?;
        if !is_own(caller, user) {
            not_above(caller, Some(former))?;
        }
        if former == Role::Owner && store::users::owners(&mut tx, tenant).await? == 0 {
            return Err(LAST_OWNER);
        }
        end_all(&mut tx, &sessions, "taken out of the workspace", now).await?;
        let event = Event::by(caller, "user.leave", "user", Some(user)).with("role", former.as_str());
        event.commit(tx, client, now).await?;
        self.forget();
        Ok(())
    }

    /// Removes an account with all that belongs to it; for system administrators, and not their own.
    pub async fn remove_person(&self, caller: &Principal, user: Uuid, client: &Client, now: Timestamp) -> Result<User, PeopleError> {
        needs(caller, Permission::SystemAdmin)?;
        if is_own(caller, user) {
            return Err(PeopleError::NotAllowed { why: "nobody removes their own account; another system administrator can" });
        }
        let owned = self.owned_by(user).await?;
        let mut tx = self.0.db.begin().await?;
        // Keys point at their maker no more once the account is gone, so they end first.
        store::api_keys::revoke_of(&mut tx, user, now).await?;
        let removed = store::users::remove(&mut tx, user).await?.ok_or(PeopleError::Missing { what: "person" })?;
        still_owned(&mut tx, &owned).await?;
        Event::by(caller, "user.delete", "user", Some(user)).commit(tx, client, now).await?;
        self.forget();
        Ok(removed)
    }

    /// The workspaces somebody owns, always in the same order.
    pub(crate) async fn owned_by(&self, user: Uuid) -> Result<Vec<TenantId>, PeopleError> {
        let of = store::users::memberships(&self.0.db, user).await?;
        let mut owned: Vec<_> = of.into_iter().filter(|one| one.role == Role::Owner.as_str()).map(|one| one.tenant).collect();
        owned.sort_unstable();
        Ok(owned)
    }

    async fn sessions_here(&self, user: Uuid, tenant: TenantId, except: Option<Uuid>, now: Timestamp) -> Result<Vec<Session>, PeopleError> {
        let mut sessions = store::sessions::of_user(&self.0.db, user, now).await?;
        sessions.retain(|session| session.tenant == Some(tenant) && Some(session.id) != except);
        Ok(sessions)
    }
}

/// Ok when each of these workspaces has an owner still.
pub(crate) async fn still_owned(tx: &mut Transaction, tenants: &[TenantId]) -> Result<(), PeopleError> {
    for tenant in tenants {
        if store::users::owners(tx, *tenant).await? == 0 {
            return Err(LAST_OWNER);
        }
    }
    Ok(())
}

async fn end_all(tx: &mut Transaction, sessions: &[Session], because: &str, now: Timestamp) -> Result<(), PeopleError> {
    for session in sessions {
        store::sessions::revoke(tx, session.id, Some(session.user_id), because, now).await?;
    }
    Ok(())
}
