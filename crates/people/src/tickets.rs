//! Links that work once: the first administrator's, invitations, new passwords.

use call::TenantId;
use jiff::{SignedDuration, Timestamp};
use privacy::{Pii, Secret};
use secrets::{digest, random_token};
use serde::{Deserialize, Serialize};
use store::audit::{Actor, ActorKind};
use store::tickets::{Ticket, TicketKind};
use store::users::{User, email_key};
use store::{StoreError, Transaction};
use uuid::Uuid;

use crate::accounts::{check_email, check_name, take_over};
use crate::administration::{Reach, is_own, needs, not_above, workspace};
use crate::events::Event;
use crate::principal::granted;
use crate::sessions::role_of;
use crate::throttle::{Gate, Guess};
use crate::{Client, People, PeopleError, Permission, Principal, Role};

/// How long the first administrator's link works.
pub const FIRST_ADMIN_LIMIT: SignedDuration = SignedDuration::from_hours(24);
/// How long an invitation works.
pub const INVITATION_LIMIT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a link for a new password works.
pub const RESET_LIMIT: SignedDuration = SignedDuration::from_hours(1);

/// The secret part of a link.
#[derive(Debug)]
pub struct Link {
    /// To be put into the link; shown once.
    pub token: Secret,
    /// It works until then.
    pub ends_at: Timestamp,
}

/// Somebody to be invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whom; accounts are told apart by it.
    pub email: Pii<String>,
    /// Their name, unless they say another.
    pub name: Option<Pii<String>>,
    /// What they will be.
    pub role: Role,
}

/// Somebody who gets an account.
#[derive(Debug)]
pub struct NewPerson {
    /// With it they sign in.
    pub email: Pii<String>,
    /// What others see.
    pub name: Pii<String>,
    /// Their choice.
    pub password: Secret,
}

/// What an invitation's ticket carries.
#[derive(Serialize, Deserialize)]
struct Carried {
    email: Pii<String>,
    name: Option<Pii<String>>,
    role: Role,
    /// The person who invited; none for the operator or a key.
    by: Option<Uuid>,
}

/// An invitation that can be accepted.
struct Open {
    digest: [u8; 32],
    tenant: TenantId,
    carried: Carried,
}

impl People {
    /// A link for the first administrator; earlier ones stop working. None when there are accounts.
    pub async fn first_admin_link(&self, now: Timestamp) -> Result<Option<Link>, PeopleError> {
        if store::users::any(&self.0.db).await? {
            return Ok(None);
        }
        let client = Client::here("start");
        let event = Event::of(Actor { kind: ActorKind::System, id: None }, None, "first_admin.link", "installation", None);
        let mut tx = self.0.db.begin().await?;
        store::tickets::remove_kind(&mut tx, TicketKind::FirstAdmin, None).await?;
        let link = put(&mut tx, TicketKind::FirstAdmin, None, None, &serde_json::json!({}), FIRST_ADMIN_LIMIT, now).await?;
        event.commit(tx, &client, now).await?;
        Ok(Some(link))
    }

    /// Makes the first administrator: with the link's token, or without one for somebody at the machine. Only while there is no account.
    pub async fn create_first_admin(
        &self,
        token: Option<&Secret>,
        person: &NewPerson,
        client: &Client,
        now: Timestamp,
    ) -> Result<User, PeopleError> {
        const THERE: PeopleError =
            PeopleError::NotAllowed { why: "there are accounts already; sign in, or ask an administrator to be invited" };
        let given = token.map(|token| digest(token.expose()));
        if let Some(given) = &given {
            store::tickets::look(&self.0.db, given, TicketKind::FirstAdmin, now).await?.ok_or(PeopleError::LINK)?;
        }
        if store::users::any(&self.0.db).await? {
            return Err(THERE);
        }
        let mut user = self.new_user(&person.email, &person.name, &person.password, "", now).await?;
        user.system_admin = true;
        let mut tx = self.0.db.begin().await?;
        if let Some(given) = &given {
            store::tickets::take(&mut tx, given, TicketKind::FirstAdmin, now).await?.ok_or(PeopleError::LINK)?;
        }
        // Counted alone: whoever was faster owns the first workspace by now.
        if store::users::owners(&mut tx, TenantId::DEFAULT).await? > 0 {
            return Err(THERE);
        }
        store::users::create(&mut tx, &user).await?;
        store::users::set_role(&mut tx, TenantId::DEFAULT, user.id, Role::Owner.as_str(), now).await?;
        store::tickets::remove_kind(&mut tx, TicketKind::FirstAdmin, None).await?;
        Event::by_person(Some(user.id), Some(TenantId::DEFAULT), "user.first_admin").commit(tx, client, now).await?;
        Ok(user)
    }

    /// Invites somebody to the caller's workspace.
    pub async fn invite(&self, caller: &Principal, invitation: &Invitation, client: &Client, now: Timestamp) -> Result<Link, PeopleError> {
        needs(caller, Permission::UserCreate)?;
        not_above(caller, Some(invitation.role))?;
        let tenant = workspace(caller)?;
        check_email(invitation.email.expose())?;
        if let Some(name) = &invitation.name {
            check_name(name.expose())?;
        }
        if let Some(user) = store::users::by_email(&self.0.db, invitation.email.expose()).await? {
            self.not_yet(tenant, user.id).await?;
        }
        let Invitation { email, name, role } = invitation.clone();
        let carries = serde_json::json!(Carried { email, name, role, by: caller.user() });
        let mut tx = self.0.db.begin().await?;
        let link = put(&mut tx, TicketKind::Invitation, None, Some(tenant), &carries, INVITATION_LIMIT, now).await?;
        Event::by(caller, "user.invite", "workspace", Some(tenant.0)).with("role", role.as_str()).commit(tx, client, now).await?;
        Ok(link)
    }

    /// Accepts an invitation. Somebody without an account gets one with this password; somebody who has one gives the password it has: a link alone
    /// gives nobody the account of another.
    pub async fn accept_invitation(
        &self,
        token: &Secret,
        name: Option<&Pii<String>>,
        password: &Secret,
        client: &Client,
        now: Timestamp,
    ) -> Result<User, PeopleError> {
        let open = self.open_invitation(token, now).await?;
        let email = open.carried.email.expose();
        let Some(user) = store::users::by_email(&self.0.db, email).await? else {
            let nameless = PeopleError::Invalid { field: "name", why: "say how you are called" };
            let name = name.or(open.carried.name.as_ref()).ok_or(nameless)?.clone();
            let of = store::tenants::get(&self.0.db, open.tenant).await?.map(|tenant| tenant.name).unwrap_or_default();
            let user = self.new_user(&open.carried.email, &name, password, &of, now).await?;
            return self.join(open, user, true, client, now).await;
        };
        if user.password_hash.is_none() {
            return Err(PeopleError::NotAllowed { why: "this account has no password; sign in as always and accept the invitation then" });
        }
        let place = self.0.passwords.enter()?;
        let gate = Gate::new(Guess::Password, &email_key(email), client.address, now);
        let turn = self.0.turns.wait(&gate).await?;
        let user = self.right_password(&place, &gate, Some(user), password, "user.join", client, now).await?;
        drop(turn);
        self.join(open, user, false, client, now).await
    }

    /// Accepts an invitation as somebody who is signed in, with the e-mail that was invited.
    pub async fn accept_invitation_as(
        &self,
        caller: &Principal,
        token: &Secret,
        client: &Client,
        now: Timestamp,
    ) -> Result<User, PeopleError> {
        let user = self.own(caller).await?;
        let open = self.open_invitation(token, now).await?;
        if email_key(user.email.expose()) != email_key(open.carried.email.expose()) {
            return Err(PeopleError::NotAllowed { why: "this invitation is for another e-mail address; sign in with that one" });
        }
        self.join(open, user, false, client, now).await
    }

    /// A link with which somebody the caller administers chooses a new password. The old one works until then.
    pub async fn start_password_reset(&self, caller: &Principal, user: Uuid, client: &Client, now: Timestamp) -> Result<Link, PeopleError> {
        if is_own(caller, user) {
            return Err(PeopleError::NotAllowed { why: "your own password you change with the one you have" });
        }
        let user = self.subject(caller, user, Permission::UserUpdate, Reach::Account).await?.user;
        let mut tx = self.0.db.begin().await?;
        store::tickets::remove_kind(&mut tx, TicketKind::PasswordReset, Some(user.id)).await?;
        let link = put(&mut tx, TicketKind::PasswordReset, Some(user.id), None, &serde_json::json!({}), RESET_LIMIT, now).await?;
        Event::by(caller, "password.reset_link", "user", Some(user.id)).commit(tx, client, now).await?;
        Ok(link)
    }

    /// Chooses the new password. Ends all sessions; a second factor stays.
    pub async fn reset_password(&self, token: &Secret, password: &Secret, client: &Client, now: Timestamp) -> Result<(), PeopleError> {
        let given = digest(token.expose());
        let shown = store::tickets::look(&self.0.db, &given, TicketKind::PasswordReset, now).await?;
        let id = shown.and_then(|ticket| ticket.user_id).ok_or(PeopleError::LINK)?;
        let user = store::users::get(&self.0.db, id).await?.filter(|user| user.active).ok_or(PeopleError::LINK)?;
        let found = self.judged(password, &user).await?;
        let hash = self.hashed(&self.0.passwords.enter()?, password, found).await?;
        let mut tx = self.0.db.begin().await?;
        store::tickets::take(&mut tx, &given, TicketKind::PasswordReset, now).await?.ok_or(PeopleError::LINK)?;
        take_over(&mut tx, user.id, &hash, None, now).await?;
        Event::by_person(Some(user.id), None, "password.reset").commit(tx, client, now).await?;
        self.forget();
        Ok(())
    }

    /// An account that is not stored yet.
    async fn new_user(
        &self,
        email: &Pii<String>,
        name: &Pii<String>,
        password: &Secret,
        workspace: &str,
        now: Timestamp,
    ) -> Result<User, PeopleError> {
        check_email(email.expose())?;
        check_name(name.expose())?;
        let found = self.judged_by(password, vec![email.expose(), name.expose(), workspace]);
        let hash = self.hashed(&self.0.passwords.enter()?, password, found).await?;
        Ok(User { password_hash: Some(hash), password_changed_at: Some(now), ..blank(email, name, now) })
    }

    /// An invitation whose inviter may still invite.
    async fn open_invitation(&self, token: &Secret, now: Timestamp) -> Result<Open, PeopleError> {
        let digest = digest(token.expose());
        let shown = store::tickets::look(&self.0.db, &digest, TicketKind::Invitation, now).await?.ok_or(PeopleError::LINK)?;
        let tenant = shown.tenant.ok_or(PeopleError::LINK)?;
        let unread = |_| PeopleError::Store(StoreError::corrupt("invitation", "what it carries"));
        let carried: Carried = serde_json::from_value(shown.carries).map_err(unread)?;
        if let Some(by) = carried.by {
            self.may_still_invite(tenant, by, carried.role).await?;
        }
        Ok(Open { digest, tenant, carried })
    }

    async fn may_still_invite(&self, tenant: TenantId, by: Uuid, role: Role) -> Result<(), PeopleError> {
        let inviter = store::users::member(&self.0.db, tenant, by).await?.filter(|member| member.user.active);
        let inviter = inviter.ok_or(PeopleError::LINK)?;
        let of = role_of(&inviter.role)?;
        let permissions = granted(Some(of), inviter.user.system_admin);
        let may = permissions.contains(&Permission::UserCreate) && (role <= of || inviter.user.system_admin);
        if may { Ok(()) } else { Err(PeopleError::LINK) }
    }

    async fn not_yet(&self, tenant: TenantId, user: Uuid) -> Result<(), PeopleError> {
        match store::users::member(&self.0.db, tenant, user).await? {
            None => Ok(()),
            Some(_) => Err(PeopleError::Invalid { field: "email", why: "this person belongs to the workspace already" }),
        }
    }

    async fn join(&self, open: Open, user: User, new: bool, client: &Client, now: Timestamp) -> Result<User, PeopleError> {
        self.not_yet(open.tenant, user.id).await?;
        let mut tx = self.0.db.begin().await?;
        store::tickets::take(&mut tx, &open.digest, TicketKind::Invitation, now).await?.ok_or(PeopleError::LINK)?;
        if new {
            store::users::create(&mut tx, &user).await?;
        }
        store::users::set_role(&mut tx, open.tenant, user.id, open.carried.role.as_str(), now).await?;
        let event = Event::by_person(Some(user.id), Some(open.tenant), "user.join").with("role", open.carried.role.as_str());
        event.with("new", new).with("invited_by", open.carried.by.map(|by| by.to_string())).commit(tx, client, now).await?;
        self.forget();
        Ok(user)
    }
}

/// An account nobody can sign in to yet.
pub(crate) fn blank(email: &Pii<String>, name: &Pii<String>, now: Timestamp) -> User {
    User {
        id: Uuid::now_v7(),
        email: email.expose().trim().to_owned().into(),
        name: name.expose().trim().to_owned().into(),
        password_hash: None,
        password_changed_at: None,
        active: true,
        system_admin: false,
        identity: None,
        totp: None,
        version: 1,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    }
}

async fn put(
    tx: &mut Transaction,
    kind: TicketKind,
    user_id: Option<Uuid>,
    tenant: Option<TenantId>,
    carries: &serde_json::Value,
    life: SignedDuration,
    now: Timestamp,
) -> Result<Link, PeopleError> {
    let token = random_token()?;
    let ends_at = now + life;
    let ticket = Ticket { kind, user_id, tenant, carries: carries.clone(), tries_left: 1, created_at: now, ends_at };
    store::tickets::put(tx, &digest(token.expose()), &ticket).await?;
    Ok(Link { token, ends_at })
}
