//! Signing in with a real OpenID provider: the whole way, and every way it must not go.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use call::TenantId;
use jiff::{SignedDuration, Timestamp};
use people::{Begun, Identity, OpenId, OpenIdError, OpenIdSettings, Returned, Role};
use privacy::{Pii, Secret};
use reqwest::Url;
use resilience::{Guard, Service};
use secrets::{KeyFile, digest};
use serde_json::json;
use store::Database;
use store::tickets::{self, TicketKind};
use testkit::openid::OpenIdProvider;

const REDIRECT_URL: &str = "https://voice.example/sign-in/openid";

fn guard() -> Guard {
    Guard::new(Service::OpenId, Service::OpenId.policy())
}

/// Where somebody signs in: a provider, our side of it, and what we keep.
struct Desk {
    provider: OpenIdProvider,
    openid: OpenId,
    db: Database,
    sealer: KeyFile,
    now: Timestamp,
}

impl Desk {
    async fn open() -> Self {
        let provider = OpenIdProvider::start(REDIRECT_URL).await.unwrap();
        let openid = OpenId::new(settings(&provider, "confidential"), guard()).unwrap();
        let sealer = KeyFile::from_text(&Secret::from(format!("k1:{}", "A".repeat(43)))).unwrap();
        Self { provider, openid, db: Database::in_memory().await.unwrap(), sealer, now: Timestamp::now() }
    }

    fn client(&mut self, name: &str) {
        self.openid = OpenId::new(settings(&self.provider, name), guard()).unwrap();
    }

    async fn begin(&self) -> Begun {
        self.openid.begin(&self.db, &self.sealer, self.now).await.unwrap()
    }

    /// The person's part: follows the address, and comes back with what the provider gave along.
    async fn browse(&self, page: &str) -> Returned {
        let mut given = self.provider.browse(page).await.unwrap();
        let mut secret = |name: &str| given.remove(name).map(Secret::from);
        let (code, state) = (secret("code"), secret("state"));
        Returned { code, state, iss: given.remove("iss"), error: given.remove("error") }
    }

    async fn finish(&self, returned: &Returned, begun: &Begun) -> Result<Identity, OpenIdError> {
        self.finish_at(returned, begun, self.now).await
    }

    async fn finish_at(&self, returned: &Returned, begun: &Begun, at: Timestamp) -> Result<Identity, OpenIdError> {
        self.openid.finish(&self.db, &self.sealer, returned, &begun.binding, at).await
    }

    /// The whole way.
    async fn sign_in(&self) -> Result<Identity, OpenIdError> {
        let begun = self.begin().await;
        self.finish(&self.browse(&begun.url).await, &begun).await
    }
}

fn settings(provider: &OpenIdProvider, client: &str) -> OpenIdSettings {
    OpenIdSettings {
        issuer: provider.issuer().to_owned(),
        client_id: client.to_owned(),
        client_secret: (client != "public").then(|| Secret::from(provider.secret().to_owned())),
        redirect_url: REDIRECT_URL.to_owned(),
        allowed_domains: vec!["Hotel.example".to_owned()],
        default_role: Role::Viewer,
        tenant: TenantId::DEFAULT,
        name: "the hotel's accounts".to_owned(),
    }
}

/// The page with one parameter replaced.
fn tampered(page: &str, name: &str, value: &str) -> String {
    let mut url = Url::parse(page).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert!(pairs.iter().any(|(other, _)| other == name), "{name} is not in {page}");
    let replaced = pairs.into_iter().map(|(other, old)| if other == name { (other, value.to_owned()) } else { (other, old) });
    url.query_pairs_mut().clear().extend_pairs(replaced).finish();
    url.into()
}

fn parameter(page: &str, name: &str) -> String {
    Url::parse(page).unwrap().query_pairs().find(|(other, _)| other == name).unwrap().1.into_owned()
}

fn refusal(outcome: Result<Identity, OpenIdError>) -> &'static str {
    match outcome.unwrap_err() {
        OpenIdError::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

fn denial(outcome: Result<Identity, OpenIdError>) -> String {
    match outcome.unwrap_err() {
        OpenIdError::Denied { code } => code,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unknown(outcome: Result<Identity, OpenIdError>) {
    assert!(matches!(outcome, Err(OpenIdError::UnknownState)), "{outcome:?}");
}

#[tokio::test]
async fn a_person_signs_in_through_every_kind_of_client() {
    let mut desk = Desk::open().await;
    let anna = Identity {
        issuer: desk.provider.issuer().to_owned(),
        subject: "anna".to_owned(),
        email: Some(Pii::new("anna@hotel.example".to_owned())),
        email_verified: true,
        name: Some(Pii::new("Anna Berg".to_owned())),
    };
    for client in ["confidential", "posting", "public", "elliptic", "edwards"] {
        desk.client(client);
        assert_eq!(desk.sign_in().await.unwrap(), anna, "{client}");
    }
    assert!(desk.openid.may_create(&anna));
    assert!(!format!("{anna:?} {:?}", desk.openid.settings()).contains("hotel.example\""), "an address is not printed");
}

#[tokio::test]
async fn the_provider_is_asked_for_its_addresses_once_and_for_the_person_only_if_the_token_does_not_say() {
    let mut desk = Desk::open().await;
    desk.sign_in().await.unwrap();
    assert_eq!(desk.provider.requests("/me").await.unwrap(), 1);
    desk.provider.set(json!({ "claimsInToken": true })).await.unwrap();
    let anna = desk.sign_in().await.unwrap();
    assert_eq!(anna.email, Some(Pii::new("anna@hotel.example".to_owned())));
    assert_eq!(desk.provider.requests("/me").await.unwrap(), 1);
    assert_eq!(desk.provider.requests("/.well-known/openid-configuration").await.unwrap(), 1);
    assert_eq!(desk.provider.requests("/jwks").await.unwrap(), 1);
    desk.now += SignedDuration::from_mins(61);
    desk.begin().await;
    assert_eq!(desk.provider.requests("/.well-known/openid-configuration").await.unwrap(), 2, "an hour later it may have moved");
}

#[tokio::test]
async fn an_address_the_provider_has_not_seen_proves_nothing() {
    let mut desk = Desk::open().await;
    for (person, may_create) in [
        (json!({ "sub": "b", "email": "bert@hotel.example", "email_verified": false }), false),
        (json!({ "sub": "b", "email": "bert@hotel.example" }), false),
        (json!({ "sub": "b", "email": "bert@evil.example", "email_verified": true }), false),
        (json!({ "sub": "b", "email": "bert@hotel.example.evil.example", "email_verified": true }), false),
        (json!({ "sub": "b", "email": "bert@evil.example@hotel.example", "email_verified": true }), false),
        (json!({ "sub": "b", "name": "Bert" }), false),
        (json!({ "sub": "b", "email": "bert@HOTEL.example", "email_verified": true }), true),
    ] {
        desk.provider.set(json!({ "person": person })).await.unwrap();
        let bert = desk.sign_in().await.unwrap();
        assert_eq!(bert.subject, "b");
        assert_eq!(desk.openid.may_create(&bert), may_create, "{person}");
        let verified = person["email_verified"] == true && person["email"].as_str().is_some_and(|email| email.matches('@').count() == 1);
        assert_eq!(bert.email_verified, verified, "{person}");
    }
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_refused() {
    let desk = Desk::open().await;
    let begun = desk.begin().await;
    let returned = desk.browse(&tampered(&begun.url, "nonce", "another")).await;
    assert_eq!(refusal(desk.finish(&returned, &begun).await), "its ID token is of another sign-in (nonce)");
}

#[tokio::test]
async fn a_code_is_good_only_for_who_began() {
    let desk = Desk::open().await;
    let begun = desk.begin().await;
    let returned = desk.browse(&tampered(&begun.url, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")).await;
    assert_eq!(denial(desk.finish(&returned, &begun).await), "invalid_grant");

    let (mine, theirs) = (desk.begin().await, desk.begin().await);
    let (own, stolen) = (desk.browse(&mine.url).await, desk.browse(&theirs.url).await);
    let injected = Returned { code: stolen.code.clone(), ..own };
    assert_eq!(denial(desk.finish(&injected, &mine).await), "invalid_grant");
}

#[tokio::test]
async fn a_way_back_works_once() {
    let desk = Desk::open().await;
    let begun = desk.begin().await;
    let returned = desk.browse(&begun.url).await;
    desk.finish(&returned, &begun).await.unwrap();
    unknown(desk.finish(&returned, &begun).await);

    let again = desk.begin().await;
    let fresh = desk.browse(&again.url).await;
    let used_code = Returned { code: returned.code, ..fresh };
    assert_eq!(denial(desk.finish(&used_code, &again).await), "invalid_grant", "the provider's own rule");
}

#[tokio::test]
async fn a_sign_in_ends_in_the_browser_it_was_begun_in() {
    let desk = Desk::open().await;
    let (begun, other) = (desk.begin().await, desk.begin().await);
    let returned = desk.browse(&begun.url).await;
    unknown(desk.finish(&returned, &other).await);
    unknown(desk.finish(&returned, &begun).await);

    let made_up = |state: &str| Returned { state: Some(Secret::from(state.to_owned())), ..returned.clone() };
    for state in ["", "x", &"x".repeat(100_000)] {
        unknown(desk.finish(&made_up(state), &other).await);
    }
    unknown(desk.finish(&Returned { state: None, ..returned.clone() }, &other).await);
}

#[tokio::test]
async fn a_sign_in_ends_in_time() {
    let mut desk = Desk::open().await;
    let begun = desk.begin().await;
    assert_eq!(begun.ends_at, desk.now + people::SIGN_IN_LIMIT);
    let returned = desk.browse(&begun.url).await;
    unknown(desk.finish_at(&returned, &begun, begun.ends_at).await);

    desk.provider.set(json!({ "idTokenSeconds": 60 })).await.unwrap();
    let minutes = SignedDuration::from_mins(5);
    for at in [desk.now + minutes, desk.now - minutes] {
        let begun = desk.begin().await;
        let returned = desk.browse(&begun.url).await;
        assert_eq!(refusal(desk.finish_at(&returned, &begun, at).await), "its ID token has expired, or our clock is wrong", "{at}");
    }
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let desk = Desk::open().await;
    for iss in [Some("https://evil.example".to_owned()), Some(format!("{}/", desk.provider.issuer())), None] {
        let begun = desk.begin().await;
        let returned = Returned { iss, ..desk.browse(&begun.url).await };
        assert_eq!(refusal(desk.finish(&returned, &begun).await), "it is of another issuer");
    }

    let issuer = desk.provider.issuer().replace("127.0.0.1", "localhost");
    let misnamed = OpenId::new(OpenIdSettings { issuer, ..settings(&desk.provider, "confidential") }, guard()).unwrap();
    let refused = misnamed.begin(&desk.db, &desk.sealer, desk.now).await.unwrap_err();
    assert!(matches!(&refused, OpenIdError::Provider { why, .. } if why.contains("issuer")), "{refused}");

    let begun = desk.begin().await;
    let returned = desk.browse(&begun.url).await;
    unknown(misnamed.finish(&desk.db, &desk.sealer, &returned, &begun.binding, desk.now).await);
}

#[tokio::test]
async fn a_signature_that_is_not_the_providers_own_is_refused() {
    let mut desk = Desk::open().await;
    desk.client("shared");
    assert_eq!(refusal(desk.sign_in().await), "its ID token is signed in a way that is not taken");
}

#[tokio::test]
async fn new_keys_of_the_provider_are_found_but_not_asked_for_all_the_time() {
    let mut desk = Desk::open().await;
    desk.sign_in().await.unwrap();
    desk.provider.rotate_keys().await.unwrap();
    desk.sign_in().await.unwrap();
    assert_eq!(desk.provider.requests("/jwks").await.unwrap(), 2);
    desk.sign_in().await.unwrap();
    assert_eq!(desk.provider.requests("/jwks").await.unwrap(), 2, "they are kept");

    desk.provider.rotate_keys().await.unwrap();
    assert_eq!(refusal(desk.sign_in().await), "its ID token is signed with a key it does not show");
    assert_eq!(desk.provider.requests("/jwks").await.unwrap(), 2, "not twice in a minute");
    desk.now += SignedDuration::from_secs(61);
    desk.sign_in().await.unwrap();
    assert_eq!(desk.provider.requests("/jwks").await.unwrap(), 3);
}

#[tokio::test]
async fn a_person_may_say_no() {
    let mut desk = Desk::open().await;
    desk.provider.set(json!({ "refuses": true })).await.unwrap();
    assert_eq!(denial(desk.sign_in().await), "access_denied");
}

#[tokio::test]
async fn what_is_kept_on_the_way_is_sealed() {
    let desk = Desk::open().await;
    let begun = desk.begin().await;
    let (state, nonce) = (parameter(&begun.url, "state"), parameter(&begun.url, "nonce"));
    assert_eq!(parameter(&begun.url, "code_challenge_method"), "S256");
    assert_eq!(parameter(&begun.url, "scope"), "openid email profile");
    let ticket = tickets::look(&desk.db, &digest(&state), TicketKind::OpenId, desk.now).await.unwrap().unwrap();
    let carried = ticket.carries.to_string();
    assert!(carried.len() > 200 && !carried.contains(&nonce) && !carried.contains(&state), "{carried}");
}

#[tokio::test]
async fn a_provider_that_is_away_or_does_not_know_us_is_named() {
    let mut desk = Desk::open().await;
    let wrong = Secret::from("wrong".to_owned());
    let mistaken = OpenIdSettings { client_secret: Some(wrong), ..settings(&desk.provider, "confidential") };
    desk.openid = OpenId::new(mistaken, guard()).unwrap();
    let refused = desk.sign_in().await.unwrap_err();
    assert!(matches!(&refused, OpenIdError::Provider { why, .. } if why.contains("invalid_client")), "{refused}");

    let Desk { provider, db, sealer, now, .. } = desk;
    let openid = OpenId::new(settings(&provider, "confidential"), guard()).unwrap();
    let issuer = provider.issuer().to_owned();
    provider.stop().await.unwrap();
    let away = openid.begin(&db, &sealer, now).await.unwrap_err();
    assert!(matches!(&away, OpenIdError::Provider { issuer: named, .. } if *named == issuer), "{away}");
}
