//! A real OpenID provider of a test's own (the npm package `oidc-provider`), and a browser that signs in with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Url, redirect};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A provider that has not answered within this time hangs. It makes RSA keys when it starts, on a busy machine in seconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// Pages between the provider's first one and the way back. It takes five.
const MAX_PAGES: u32 = 20;

/// A provider on a free port of loopback that signs everybody in at once as one person. It ends when it is dropped.
///
/// It knows these clients: `confidential` (secret in the header, RS256), `posting` (secret in the body), `public` (no secret), `elliptic` (ES256),
/// `edwards` (EdDSA), `shared` (HS256, which is to be refused).
pub struct OpenIdProvider {
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    issuer: String,
    secret: String,
    redirect_url: String,
}

impl OpenIdProvider {
    /// Starts one whose clients may send people back to this address, where nobody needs to listen.
    pub async fn start(redirect_url: &str) -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let made = here.join("../../target/openid-provider");
        let packages = std::env::var_os("VOICENOOB_OPENID_PACKAGES").map_or(made, PathBuf::from);
        let mut process = Command::new("node")
            .arg(here.join("sdk/openid/provider.mjs"))
            .arg(packages.canonicalize().with_context(|| format!("{} is not there: ./test installs the provider", packages.display()))?)
            .arg(redirect_url)
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start: install the Debian packages nodejs and npm")?;
        let orders = process.stdin.take().context("no input")?;
        let mut answers = BufReader::new(process.stdout.take().context("no output")?).lines();
        let first = next(&mut answers).await?;
        let text = |name: &str| first[name].as_str().map(str::to_owned).context("the provider says neither address nor secret");
        let (issuer, secret) = (text("issuer")?, text("secret")?);
        Ok(Self { process, orders, answers, issuer, secret, redirect_url: redirect_url.to_owned() })
    }

    /// Its address, and its name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The secret of the clients that have one.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Sets what the script's `state` has: `person` (an object of claims), `refuses`, `idTokenSeconds`, `claimsInToken`.
    pub async fn set(&mut self, values: Value) -> Result<()> {
        self.order(&json!({ "do": "set", "values": values })).await.map(drop)
    }

    /// New keys; the former ones are not shown any more.
    pub async fn rotate_keys(&mut self) -> Result<()> {
        self.order(&json!({ "do": "rotate" })).await.map(drop)
    }

    /// How often each path was asked for.
    pub async fn requests(&mut self, path: &str) -> Result<u64> {
        Ok(self.order(&json!({ "do": "requests" })).await?[path].as_u64().unwrap_or_default())
    }

    /// Opens a page of the provider in a browser without any history and follows it to the end. Returns the names and values of the way back.
    pub async fn browse(&self, page: &str) -> Result<BTreeMap<String, String>> {
        let browser = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(ANSWER_LIMIT).build()?;
        let (mut page, mut cookies) = (Url::parse(page)?, BTreeMap::new());
        for _ in 0..MAX_PAGES {
            if page.as_str().starts_with(&self.redirect_url) {
                return Ok(page.query_pairs().into_owned().collect());
            }
            let shown: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = browser.get(page.clone()).header(COOKIE, shown.join("; ")).send().await?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').context("a cookie without a value")?;
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                bail!("the provider shows a page instead of going on ({}): {}", answer.status(), answer.text().await?);
            };
            page = page.join(location.to_str()?)?;
        }
        bail!("the provider leads around in circles")
    }

    /// Ends it. Returns when it is gone.
    pub async fn stop(self) -> Result<()> {
        let Self { mut process, orders, .. } = self;
        drop(orders);
        timeout(ANSWER_LIMIT, process.wait()).await.context("the provider does not end")??;
        Ok(())
    }

    async fn order(&mut self, order: &Value) -> Result<Value> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await?;
        next(&mut self.answers).await
    }
}

async fn next(answers: &mut Lines<BufReader<ChildStdout>>) -> Result<Value> {
    let line = timeout(ANSWER_LIMIT, answers.next_line()).await.context("the provider does not answer")??;
    let line = line.context("the provider has ended; what it said stands above")?;
    ensure!(line.starts_with('{'), "the provider says: {line}");
    Ok(serde_json::from_str(&line)?)
}
