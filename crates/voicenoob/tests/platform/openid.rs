//! Signing in with an account of somewhere else: by a real provider, through the running server, and in a browser.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, ensure};
use call::Timestamp;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::openid::OpenIdProvider;
use totp_rs::Totp;

use crate::roles::house::{House, PASSWORD, is};
use crate::sign_in::browse;

/// Seconds of a step of the second factor.
const STEP: u64 = 30;

/// A server that knows a provider.
struct Desk {
    house: House,
    provider: OpenIdProvider,
}

/// A sign-in that was begun: the provider's page, and the browser's cookie.
struct Begun {
    url: String,
    cookie: String,
}

impl Desk {
    /// People of `hotel.example` get accounts when they come.
    async fn open() -> Result<Self> {
        // Where the provider sends browsers back to is agreed on before either runs.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("http://127.0.0.1:{port}");
        let provider = OpenIdProvider::start(&format!("{address}/sign-in/openid")).await?;
        let house = House::open(&[
            ("PORT", &port.to_string()),
            ("PUBLIC_URL", &address),
            ("OPENID_ISSUER", provider.issuer()),
            ("OPENID_CLIENT_ID", "confidential"),
            ("OPENID_CLIENT_SECRET", provider.secret()),
            ("OPENID_DOMAINS", "hotel.example"),
            ("OPENID_ROLE", "operator"),
            ("OPENID_NAME", "Hotel Mail"),
        ])
        .await?;
        Ok(Self { house, provider })
    }

    async fn is(&mut self, sub: &str, email: &str, verified: bool) -> Result<()> {
        self.provider.set(json!({ "person": { "sub": sub, "email": email, "email_verified": verified, "name": "Kim Doe" } })).await
    }

    async fn begin(&self) -> Result<Begun> {
        let answer = self.house.with_token("").request(Method::POST, "/api/v1/auth/openid/begin")?.send().await?;
        let cookie = answer.headers().get(SET_COOKIE).context("no cookie binds the sign-in")?.to_str()?.to_owned();
        ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let body: Value = answer.error_for_status()?.json().await?;
        Ok(Begun { url: body["url"].as_str().context("no url")?.to_owned(), cookie })
    }

    /// Gives the server what came back, as the console's page does.
    async fn finish(&self, returned: &BTreeMap<String, String>, begun: &Begun) -> Result<(StatusCode, Value)> {
        let known = |name: &String| ["code", "state", "iss", "error"].contains(&name.as_str());
        let returned: BTreeMap<_, _> = returned.iter().filter(|(name, _)| known(name)).collect();
        let request = self.house.with_token("").request(Method::POST, "/api/v1/auth/openid/finish")?;
        let answer = request.header(COOKIE, &begun.cookie).json(&returned).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// The whole way, as a program.
    async fn signs_in(&self) -> Result<(StatusCode, Value)> {
        let begun = self.begin().await?;
        self.finish(&self.provider.browse(&begun.url).await?, &begun).await
    }

    async fn is_refused(&self, what: &str) -> Result<()> {
        let told = is(self.signs_in().await?, 403, what)?;
        ensure!(told["detail"].as_str().is_some_and(|detail| detail.contains("ask an administrator to be invited")), "{what}: {told}");
        Ok(())
    }

    async fn members(&self) -> Result<usize> {
        Ok(self.house.ann.get("/api/v1/users").await?["items"].as_array().context("no list")?.len())
    }
}

fn code(url: &Value, steps: u64) -> Result<String> {
    let now = u64::try_from(Timestamp::now().as_second())?;
    Ok(Totp::from_url(url.as_str().context("no url")?)?.generate(now + steps * STEP).to_string())
}

#[tokio::test]
async fn who_the_provider_vouches_for_comes_in_as_themselves_and_nobody_else_does() -> Result<()> {
    let mut desk = Desk::open().await?;
    let bob = desk.house.joins(&desk.house.ann, "bob@hotel.example", "viewer").await?;

    desk.is("stranger", "stranger@elsewhere.example", true).await?;
    desk.is_refused("somebody of a domain that is not let in").await?;
    desk.is("mallory", "bob@hotel.example", false).await?;
    desk.is_refused("somebody who only says that this is their address").await?;
    assert_eq!(desk.members().await?, 2, "nobody was made");

    desk.is("anna", "anna@hotel.example", true).await?;
    let first = is(desk.signs_in().await?, 200, "a new person of the domain")?;
    let again = is(desk.signs_in().await?, 200, "the same person again")?;
    assert_eq!(first["account"]["id"], again["account"]["id"]);
    assert_eq!(first["account"]["has_password"], false);
    let token = first["access_token"].as_str().context("no token")?;
    assert_eq!(desk.house.with_token(token).get("/api/v1/auth/me").await?["role"], "operator");

    desk.is("bob-there", "bob@hotel.example", true).await?;
    let tied = is(desk.signs_in().await?, 200, "an account with the verified address")?;
    assert_eq!(tied["account"]["id"], json!(bob.id));
    assert!(desk.house.signed_in(&bob.email).await.is_ok(), "the password works as before");
    desk.is("another", "bob@hotel.example", true).await?;
    desk.is_refused("another identity with the address of an account that has one").await?;

    desk.is("bob-there", "bob.moved@elsewhere.example", false).await?;
    let moved = is(desk.signs_in().await?, 200, "an identity that is known, whatever its address is now")?;
    assert_eq!(moved["account"]["id"], json!(bob.id));
    let off = json!({ "active": false });
    is(desk.house.ann.send(Method::PATCH, &format!("/api/v1/users/{}", bob.id), Some(&off)).await?, 200, "switching off")?;
    desk.is_refused("somebody who was switched off").await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_provider_too() -> Result<()> {
    let mut desk = Desk::open().await?;
    let bob = desk.house.joins(&desk.house.ann, "bob@hotel.example", "viewer").await?;
    let setup = bob.client.post("/api/v1/auth/totp", &json!({ "password": PASSWORD })).await?;
    bob.client.post("/api/v1/auth/totp/confirm", &json!({ "code": code(&setup["url"], 0)? })).await?;
    desk.is("bob", "bob@hotel.example", true).await?;
    let half = is(desk.signs_in().await?, 202, "the first step")?;
    ensure!(half.get("access_token").is_none(), "{half}");
    let step = json!({ "ticket": half["ticket"], "code": code(&setup["url"], 1)? });
    let whole = desk.house.with_token("").post("/api/v1/auth/second-factor", &step).await?;
    assert_eq!(whole["account"]["id"], json!(bob.id));
    Ok(())
}

#[tokio::test]
async fn what_the_provider_sent_back_works_once_and_only_where_it_was_asked_for() -> Result<()> {
    let desk = Desk::open().await?;
    let begun = desk.begin().await?;
    let returned = desk.provider.browse(&begun.url).await?;
    is(desk.finish(&returned, &begun).await?, 200, "the way as it is meant")?;
    is(desk.finish(&returned, &begun).await?, 401, "the same answer again")?;

    let (mine, theirs) = (desk.begin().await?, desk.begin().await?);
    let (sent, other) = (desk.provider.browse(&mine.url).await?, desk.provider.browse(&theirs.url).await?);
    is(desk.finish(&sent, &theirs).await?, 401, "in another browser")?;
    let mut mixed = desk.provider.browse(&desk.begin().await?.url).await?;
    mixed.insert("state".into(), other["state"].clone());
    is(desk.finish(&mixed, &theirs).await?, 401, "somebody's code with another's state")?;
    is(desk.finish(&other, &theirs).await?, 401, "a state that was spent on a wrong code")?;

    let begun = desk.begin().await?;
    let mut returned = desk.provider.browse(&begun.url).await?;
    returned.insert("iss".into(), "http://127.0.0.1:1".into());
    is(desk.finish(&returned, &begun).await?, 401, "an answer of another issuer").map(drop)
}

#[tokio::test]
async fn with_the_provider_away_one_is_told_so_and_passwords_work() -> Result<()> {
    let mut desk = Desk::open().await?;
    desk.provider.set(json!({ "refuses": true })).await?;
    is(desk.signs_in().await?, 401, "a provider that says no")?;
    desk.provider.set(json!({ "refuses": false })).await?;
    let begun = desk.begin().await?;
    let returned = desk.provider.browse(&begun.url).await?;
    let Desk { house, provider } = desk;
    provider.stop().await?;
    let request = house.with_token("").request(Method::POST, "/api/v1/auth/openid/finish")?;
    let answer = request.header(COOKIE, &begun.cookie).json(&returned).send().await?;
    assert!(answer.headers().contains_key("retry-after"));
    let told = is((answer.status(), answer.json().await?), 503, "a provider that went away on the way")?;
    assert_eq!(told["code"], "openid_provider", "{told}");
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("sign in with a password")), "{told}");
    let bob = house.joins(&house.ann, "bob@hotel.example", "viewer").await?;
    house.signed_in(&bob.email).await.map(drop)
}

#[tokio::test]
async fn the_button_leads_to_the_provider_and_back_into_the_console() -> Result<()> {
    let mut desk = Desk::open().await?;
    desk.is("anna", "anna@hotel.example", true).await?;
    let verdict = browse("doors.mjs", &desk.house.server, &["--openid", "Hotel Mail"]).await?;
    ensure!(verdict["done"] == json!(["openid"]), "{verdict}");
    assert_eq!(desk.members().await?, 2, "the administrator, and who came by the provider");
    Ok(())
}
