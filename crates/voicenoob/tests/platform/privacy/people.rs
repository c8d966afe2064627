//! What people do with accounts and the API: well, badly, and with their secrets in all the wrong places.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{ADMINISTRATOR, ApiClient};
use totp_rs::Totp;

use super::canary::{Canary, card};
use super::stage::Stage;

const GUEST: (&str, &str) = ("Wilhelmina.Quickbeam@canary-hotel.example", "a canary sings 4 passwords");
const GUEST_NAME: &str = "Wilhelmina Quickbeam";

/// Where an account's mail address and name are kept.
const ACCOUNT: &[&str] = &["db:users.", "db:tickets.carries", "file:voicenoob."];

/// Everybody does everything.
pub(crate) async fn all(stage: &mut Stage) -> Result<ApiClient> {
    first_administrator(stage)?;
    let admin = stage.server.administrator().await?;
    stage.secret("the administrator's password", ADMINISTRATOR.1);
    stage.secret("the administrator's access token", admin.token());
    stage.secret("the administrator's refresh token", admin.refresh_token().context("no refresh token")?);
    stage.canaries.push(Canary::personal("a mail address", GUEST.0, ACCOUNT));
    stage.canaries.push(Canary::personal("an account's name", GUEST_NAME, ACCOUNT));
    let guest = invited(stage, &admin).await?;
    second_factor(stage).await?;
    keys(stage, &admin).await?;
    malformed(stage, &admin).await?;
    misplaced(stage, &admin).await?;
    refused(stage, &admin, &guest).await?;
    Ok(admin)
}

/// The link is told to whoever started the program, and to nobody else.
fn first_administrator(stage: &mut Stage) -> Result<()> {
    let said = std::fs::read_to_string(stage.output().join("stdout"))?;
    let (_, link) = said.split_once("/first-admin#").context("no link for the first administrator")?;
    let ticket = link.split_whitespace().next().context("no ticket")?;
    stage.canaries.push(Canary { may: &["stdout"], is_kept: true, ..Canary::secret("the first administrator's link", ticket) });
    Ok(())
}

/// Invited, with a key that makes it happen once, and signed in, as a program and as a browser.
async fn invited(stage: &mut Stage, admin: &ApiClient) -> Result<ApiClient> {
    const KEY: &str = "idempotency-canary-81f0c3";
    stage.secret("an idempotency key", KEY);
    let wanted = json!({ "email": GUEST.0, "role": "viewer", "name": GUEST_NAME });
    let mut tickets = Vec::new();
    for _ in 0..2 {
        let asked = admin.request(Method::POST, "/api/v1/users")?.header("idempotency-key", KEY).json(&wanted);
        tickets.push(asked.send().await?.error_for_status()?.json::<Value>().await?);
    }
    ensure!(tickets[0] == tickets[1], "the answer is kept for its key");
    let other = admin.request(Method::POST, "/api/v1/users")?.header("idempotency-key", KEY);
    stage.refused(422, other.json(&json!({ "email": "else@example.com", "role": "viewer", "name": GUEST_NAME }))).await?;
    let ticket = stage.secret_of("an invitation", &tickets[0], "ticket")?;
    stage.secret("a guest's password", GUEST.1);
    let accepted = json!({ "ticket": ticket, "name": GUEST_NAME, "password": GUEST.1 });
    let answer = stage.request(Method::POST, "/api/v1/auth/invitations/accept")?.json(&accepted).send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    let signed_in = stage.sign_in(GUEST.0, GUEST.1).await?;
    browser(stage).await?;
    let token = signed_in["access_token"].as_str().context("no token")?;
    let refreshed = stage.request(Method::POST, "/api/v1/auth/refresh")?.json(&json!({ "refresh_token": signed_in["refresh_token"] }));
    let refreshed: Value = refreshed.send().await?.error_for_status()?.json().await?;
    stage.secret_of("the next refresh token", &refreshed, "refresh_token")?;
    Ok(ApiClient::with_token(stage.server.http(), stage.server.url(), token))
}

async fn browser(stage: &mut Stage) -> Result<()> {
    let agent = "Quickbeam-Browser/canary";
    stage.canaries.push(Canary::personal("a user agent", agent, &["db:sessions.user_agent", "file:voicenoob."]));
    let body = json!({ "email": GUEST.0, "password": GUEST.1, "cookie": true });
    let asked = stage.request(Method::POST, "/api/v1/auth/login")?.header("user-agent", agent).json(&body);
    let answer = asked.send().await?.error_for_status()?;
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).context("no cookie")?;
    let value = cookie.split(['=', ';']).nth(1).context("no value in the cookie")?.to_owned();
    stage.secret("a browser's cookie", &value);
    Ok(())
}

/// Set up, used, used wrongly; a reset of the password in between.
async fn second_factor(stage: &mut Stage) -> Result<()> {
    let signed_in = stage.sign_in(GUEST.0, GUEST.1).await?;
    let guest = ApiClient::with_token(stage.server.http(), stage.server.url(), signed_in["access_token"].as_str().context("token")?);
    let setup = guest.post("/api/v1/auth/totp", &json!({ "password": GUEST.1 })).await?;
    let url = setup["url"].as_str().context("no address for the app")?;
    stage.secret_of("a second factor", &setup, "secret")?;
    let plain = Totp::from_url(url)?;
    let confirmed = guest.post("/api/v1/auth/totp/confirm", &json!({ "code": plain.generate_current().to_string() })).await?;
    let codes = confirmed["recovery_codes"].as_array().context("no recovery codes")?;
    for code in codes.iter().filter_map(Value::as_str) {
        stage.secret("a recovery code", code);
    }
    let ticket = stage.sign_in(GUEST.0, GUEST.1).await?;
    let wrong = json!({ "ticket": ticket["ticket"], "code": "canary-code-not-one" });
    stage.secret("a wrong code", "canary-code-not-one");
    let asked = stage.request(Method::POST, "/api/v1/auth/second-factor")?;
    stage.refused(422, asked.json(&wrong)).await?;
    let right = json!({ "ticket": ticket["ticket"], "code": codes[0] });
    let answer: Value =
        stage.request(Method::POST, "/api/v1/auth/second-factor")?.json(&right).send().await?.error_for_status()?.json().await?;
    stage.secret_of("an access token after two factors", &answer, "access_token")?;
    Ok(())
}

async fn keys(stage: &mut Stage, admin: &ApiClient) -> Result<()> {
    let wanted = json!({ "name": "Reports", "scopes": ["call:view"] });
    let asked = admin.request(Method::POST, "/api/v1/api-keys")?.header("idempotency-key", "one-key").json(&wanted);
    let made: Value = asked.send().await?.error_for_status()?.json().await?;
    let key = stage.secret_of("an API key", &made, "key")?;
    ApiClient::with_token(stage.server.http(), stage.server.url(), &key).get("/api/v1/calls").await?;
    let vendor = "sk-canary-provider-key-5e884898da28047151d0e56f8dc62927";
    stage.secret("a provider's key", vendor);
    let (status, answer) = admin.send(Method::PUT, "/api/v1/settings/providers/openai", Some(&json!({ "value": vendor }))).await?;
    ensure!(status.is_success() && !answer.to_string().contains(vendor), "{status} {answer}");
    let users = admin.get("/api/v1/users").await?;
    let guest = users["items"].as_array().and_then(|users| users.iter().find(|user| user["email"] == GUEST.0)).context("no guest")?;
    let reset = admin.post(&format!("/api/v1/users/{}/password-reset", guest["id"].as_str().context("id")?), &json!({})).await?;
    let ticket = stage.secret_of("a link for a new password", &reset, "ticket")?;
    let short = json!({ "ticket": ticket, "password": "Canary9!" });
    stage.secret("a password that is too short", "Canary9!");
    let asked = stage.request(Method::POST, "/api/v1/auth/password-reset")?;
    stage.refused(422, asked.json(&short)).await
}

/// Bodies that cannot be read, with secrets in them.
async fn malformed(stage: &mut Stage, admin: &ApiClient) -> Result<()> {
    let (password, name, number) = ("canary in a torn body 1", "Ottoline Fernsby", card("492942057359570"));
    stage.secret("a password in a torn body", password);
    stage.canaries.push(Canary::personal("a name in a body", name, &[]));
    stage.canaries.push(Canary::number("a card in a body", &number, &[]));
    for torn in [
        format!("{{\"email\":\"{}\",\"password\":\"{password}", GUEST.0),
        format!("{{\"email\":\"{}\",\"password\":\"{password}\"]", GUEST.0),
        password.to_owned(),
    ] {
        let asked = stage.request(Method::POST, "/api/v1/auth/login")?.header("content-type", "application/json");
        stage.refused(400, asked.body(torn)).await?;
    }
    let asked = stage.request(Method::POST, "/api/v1/auth/login")?.header("content-type", "text/plain");
    stage.refused(415, asked.body(password)).await?;
    for wrong in [
        json!({ "email": GUEST.0, "password": { "is": password } }),
        json!({ "email": [name], "password": password }),
        json!({ "email": GUEST.0, "password": password, "workspace_id": number }),
        json!({ "email": GUEST.0, "password": password, "cookie": name, "card": number }),
    ] {
        let asked = stage.request(Method::POST, "/api/v1/auth/login")?;
        stage.refused(422, asked.json(&wrong)).await?;
    }
    for (path, wrong) in [
        ("users", json!({ "email": name, "role": "viewer", "name": name })),
        ("users", json!({ "email": "new@example.com", "role": name, "card": number })),
        ("api-keys", json!({ "name": name, "scopes": [name, number], "expires_at": number })),
        ("phone-numbers", json!({ "number": name, "carrier": number, "agent_id": name })),
        ("agents", json!({ "name": name, "voice": name, "language": number, "greeting": [number] })),
        ("privacy/erase", json!({ "phone_number": number, "confirmation": name })),
        ("privacy/export", json!({ "phone_number": name })),
    ] {
        stage.refused(422, admin.request(Method::POST, &format!("/api/v1/{path}"))?.json(&wrong)).await?;
    }
    Ok(())
}

/// Values in paths, queries and headers, where they have no business.
async fn misplaced(stage: &mut Stage, admin: &ApiClient) -> Result<()> {
    const LOST: &str = "lost-canary-4e1243bd22c66e76c2ba9eddc1f91394";
    stage.secret("a value in an address or a header", LOST);
    let name = "Peregrine Oddfellow";
    stage.canaries.push(Canary::personal("a name in an address", name, &[]));
    for path in
        [format!("/api/v1/users/{LOST}"), format!("/api/v1/calls/{LOST}"), format!("/api/v1/{LOST}"), format!("/api/v1/calls/{name}")]
    {
        stage.refused(404, admin.request(Method::GET, &path)?).await?;
    }
    for path in [format!("/nothing/{LOST}"), format!("/webhooks/{name}"), format!("/assets/{LOST}")] {
        stage.refused(404, stage.request(Method::GET, &path)?).await?;
    }
    for query in ["limit", "before", "secret", "status"] {
        stage.refused(422, admin.request(Method::GET, &format!("/api/v1/calls?{query}={LOST}"))?).await?;
    }
    stage.refused(401, stage.request(Method::GET, "/api/v1/calls")?.bearer_auth(LOST)).await?;
    stage.refused(401, stage.request(Method::GET, "/api/v1/calls")?.basic_auth(name, Some(LOST))).await?;
    stage
        .refused(401, stage.request(Method::GET, "/api/v1/calls")?.header("cookie", format!("__Host-session={LOST}; session={LOST}")))
        .await?;
    stage.refused(401, stage.request(Method::GET, "/api/v1/calls")?.bearer_auth(format!("vnk_abcdefgh_{LOST}"))).await?;
    let asked = stage.request(Method::GET, "/health")?.header("x-canary", LOST).header("referer", format!("http://{LOST}.example/"));
    let answer = asked.header("user-agent", name).header("x-request-id", format!("{LOST} {name}")).send().await?;
    ensure!(answer.status().is_success());
    Ok(())
}

/// Who may not, who asks too often, who is not who they say.
async fn refused(stage: &mut Stage, admin: &ApiClient, guest: &ApiClient) -> Result<()> {
    let name = "Thaddeus Blackwood";
    stage.canaries.push(Canary::personal("a name in a request that is refused", name, &[]));
    let wanted = json!({ "email": "thaddeus.blackwood@example.com", "role": "viewer", "name": name });
    stage.canaries.push(Canary::personal("a mail address in a request that is refused", "thaddeus.blackwood@example.com", &[]));
    stage.refused(403, guest.request(Method::POST, "/api/v1/users")?.json(&wanted)).await?;
    stage.refused(403, guest.request(Method::POST, "/api/v1/privacy/export")?.json(&json!({ "phone_number": "+4930901820461" }))).await?;
    stage
        .refused(404, admin.request(Method::PATCH, "/api/v1/users/0190a000-0000-7000-8000-000000000001")?.json(&json!({ "name": name })))
        .await?;
    let password = "guessed canary password 77";
    stage.secret("a guessed password", password);
    loop {
        let body = json!({ "email": "thaddeus.blackwood@example.com", "password": password });
        let answer = stage.request(Method::POST, "/api/v1/auth/login")?.json(&body).send().await?;
        let status = answer.status().as_u16();
        stage.places.add("problem of a sign-in", format!("{:?}", answer.headers()));
        stage.places.add("problem of a sign-in", answer.bytes().await?.to_vec());
        ensure!(status == 401 || status == 429, "{status}");
        if status == 429 {
            return Ok(());
        }
    }
}
