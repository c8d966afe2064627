//! Signing in whom an OpenID provider vouches for.

use call::TenantId;
use jiff::Timestamp;
use store::sessions::SessionKind;
use store::users::User;

use crate::events::Event;
use crate::logins::Arrival;
use crate::openid::{Identity, OpenId};
use crate::tickets::blank;
use crate::{Client, Login, People, PeopleError};

impl People {
    /// Signs in who came back from the provider: the account with this identity; else, for a verified address of an allowed domain, the account with
    /// that address, or a new one.
    pub async fn login_by_identity(
        &self,
        provider: &OpenId,
        identity: &Identity,
        tenant: Option<TenantId>,
        kind: SessionKind,
        client: &Client,
        now: Timestamp,
    ) -> Result<Login, PeopleError> {
        let known = store::users::by_identity(&self.0.db, &identity.issuer, &identity.subject).await?;
        let user = match known {
            Some(user) => Some(user),
            None if provider.may_create(identity) => self.welcome(provider, identity, client, now).await?,
            None => None,
        };
        let id = user.as_ref().map(|user| user.id);
        let Some(user) = user.filter(|user| user.active) else {
            Event::by_person(id, None, "auth.login")
                .with("how", "openid")
                .refused("no account")
                .commit_alone(&self.0.db, client, now)
                .await?;
            return Err(PeopleError::NotAllowed { why: "no account here belongs to this identity; ask an administrator to be invited" });
        };
        self.arrive(Arrival { user, tenant, kind, how: "openid", client, now }, None).await
    }

    /// The account with the verified address, tied to the identity from now on, or a new one. None when it is tied to another.
    async fn welcome(&self, provider: &OpenId, identity: &Identity, client: &Client, now: Timestamp) -> Result<Option<User>, PeopleError> {
        let Some(email) = &identity.email else { return Ok(None) };
        let ids = Some((identity.issuer.as_str(), identity.subject.as_str()));
        match store::users::by_email(&self.0.db, email.expose()).await? {
            Some(user) if user.identity.is_some() || !user.active => Ok(None),
            Some(user) => {
                let mut tx = self.0.db.begin().await?;
                store::users::set_identity(&mut tx, user.id, ids, now).await?;
                Event::by_person(Some(user.id), None, "user.identity").commit(tx, client, now).await?;
                Ok(Some(user))
            }
            None => {
                let settings = provider.settings();
                let mut user = blank(email, identity.name.as_ref().unwrap_or(email), now);
                user.identity = Some((identity.issuer.clone(), identity.subject.clone()));
                let mut tx = self.0.db.begin().await?;
                store::users::create(&mut tx, &user).await?;
                store::users::set_role(&mut tx, settings.tenant, user.id, settings.default_role.as_str(), now).await?;
                let event = Event::by_person(Some(user.id), Some(settings.tenant), "user.create").with("how", "openid");
                event.with("role", settings.default_role.as_str()).commit(tx, client, now).await?;
                Ok(Some(user))
            }
        }
    }
}
