//! People and programs that work all the time, and keep account of what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use testkit::ApiClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::LONG;

/// A request is answered within the program's limit of 10 s; the rest is for a machine that is busy with other tests.
const ANSWERED: Duration = Duration::from_secs(12);
/// After the database is back, everybody has got work done again within this time.
const RECOVERED: Duration = Duration::from_secs(8);
/// How many times everybody gets something done before it is said to work.
const ENOUGH: u64 = 3;
/// Most pages of the list of keys.
const PAGES: u32 = 100;
/// Between two requests of one client.
const PACE: Duration = Duration::from_millis(50);

/// What the clients were told.
#[derive(Default)]
pub(super) struct Told {
    /// Names of API keys whose making was answered with 201, and their ids.
    pub(super) made: Vec<(String, String)>,
    /// The telephone number's id with its last name, and how often the change of a name was seen to have happened.
    pub(super) numbers: BTreeMap<String, (String, u64)>,
    /// Answers that should not be.
    pub(super) wrong: Vec<String>,
}

/// What one client has met so far.
#[derive(Default)]
struct Met {
    done: AtomicU64,
    refused: AtomicU64,
}

/// Several clients at work.
pub(super) struct Office {
    told: Arc<Mutex<Told>>,
    met: Vec<Arc<Met>>,
    work: JoinSet<Result<()>>,
    open: watch::Sender<bool>,
}

impl Office {
    /// Two who read, two who make API keys, one who changes a telephone number.
    pub(super) async fn open(ann: &ApiClient) -> Result<Self> {
        let number = ann.post("/api/v1/phone-numbers", &json!({ "number": "+4930123456", "carrier": "twilio", "name": "0" })).await?;
        let number = number["id"].as_str().context("no id")?.to_owned();
        let mut office = Self { told: Arc::default(), met: Vec::new(), work: JoinSet::new(), open: watch::channel(true).0 };
        for path in ["/api/v1/calls?limit=5", "/api/v1/agents"] {
            let client = office.client(ann);
            office.work.spawn(async move { client.reads(path).await });
        }
        for who in ["kim", "lee"] {
            let client = office.client(ann);
            office.work.spawn(async move { client.makes(who).await });
        }
        let client = office.client(ann);
        office.work.spawn(async move { client.changes(&number).await });
        Ok(office)
    }

    fn client(&mut self, ann: &ApiClient) -> Client {
        let met = Arc::<Met>::default();
        self.met.push(Arc::clone(&met));
        Client { api: ann.clone(), met, told: Arc::clone(&self.told), open: self.open.subscribe() }
    }

    /// Everybody gets something done, soon.
    pub(super) async fn works(&mut self, when: &str) -> Result<()> {
        self.grown(when, RECOVERED, ENOUGH, |met| &met.done).await
    }

    /// Everybody is told that it cannot be done now.
    pub(super) async fn is_refused(&mut self, when: &str) -> Result<()> {
        self.grown(when, LONG, 1, |met| &met.refused).await
    }

    async fn grown(&mut self, when: &str, limit: Duration, by: u64, count: impl Fn(&Met) -> &AtomicU64) -> Result<()> {
        let met = self.met.clone();
        let now = || met.iter().map(|met| count(met).load(Relaxed)).collect::<Vec<_>>();
        let (begun, before) = (Instant::now(), now());
        let mut look = interval(Duration::from_millis(10));
        while now().iter().zip(&before).any(|(now, before)| now - before < by) {
            look.tick().await;
            if let Some(ended) = self.work.try_join_next() {
                ended?.with_context(|| format!("{when}: somebody cannot go on"))?;
            }
            ensure!(begun.elapsed() < limit, "{when}: {before:?} is only {:?} after {limit:?}; {:?}", now(), noted(&self.told).wrong);
        }
        Ok(())
    }

    /// Everybody finishes what they are at.
    pub(super) async fn close(mut self) -> Result<Told> {
        self.open.send_replace(false);
        while let Some(done) = tokio::time::timeout(LONG, self.work.join_next()).await.context("somebody never finishes")? {
            done??;
        }
        Ok(std::mem::take(&mut *noted(&self.told)))
    }
}

/// Who failed while they held it has said so.
fn noted(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Client {
    api: ApiClient,
    met: Arc<Met>,
    told: Arc<Mutex<Told>>,
    open: watch::Receiver<bool>,
}

impl Client {
    async fn reads(self, path: &str) -> Result<()> {
        let mut pace = interval(PACE);
        while *self.open.borrow() {
            pace.tick().await;
            self.done(self.asked(self.api.request(Method::GET, path)?).await?.is_some());
        }
        Ok(())
    }

    /// Each is repeated under its key until it is said to be there.
    async fn makes(self, who: &str) -> Result<()> {
        for count in 0.. {
            let name = format!("{who} {count}");
            if !*self.open.borrow() {
                break;
            }
            let made = self.until_answered(|| {
                let request = self.api.request(Method::POST, "/api/v1/api-keys")?.header("Idempotency-Key", name.replace(' ', "-"));
                Ok(request.json(&json!({ "name": name, "scopes": ["call:view"] })))
            });
            let (_, made) = made.await?;
            // What became of it is known, but not its id: that stands in the list.
            let id = match made["api_key"]["id"].as_str() {
                Some(id) => id.to_owned(),
                None => self.looked_up(&name).await?,
            };
            noted(&self.told).made.push((name, id));
            self.done(true);
        }
        Ok(())
    }

    async fn looked_up(&self, name: &str) -> Result<String> {
        let (mut path, mut pages) = (String::from("/api/v1/api-keys?limit=200"), 0);
        while pages < PAGES {
            let (_, page) = self.until_answered(|| self.api.request(Method::GET, &path)).await?;
            let found = page["items"].as_array().and_then(|keys| keys.iter().find(|key| key["name"] == name));
            if let Some(id) = found.and_then(|key| key["id"].as_str()) {
                return Ok(id.to_owned());
            }
            let next = page["next"].as_str().with_context(|| format!("{name} is said to be there, and is not"))?;
            (path, pages) = (format!("/api/v1/api-keys?limit=200&after={next}"), pages + 1);
        }
        bail!("{name} is not in the list")
    }

    /// Reads a version, changes that one, and after an error looks what has become of it.
    async fn changes(self, id: &str) -> Result<()> {
        let path = format!("/api/v1/phone-numbers/{id}");
        let (mut changes, mut name) = (0, String::from("0"));
        for count in 1.. {
            if !*self.open.borrow() {
                break;
            }
            let (tag, before) = self.until_answered(|| self.api.request(Method::GET, &path)).await?;
            ensure!(before["name"] == name, "{before} should be {name}");
            let wished = count.to_string();
            let change = self.api.request(Method::PATCH, &path)?.header(header::IF_MATCH, &tag).json(&json!({ "name": wished }));
            let said = self.asked(change).await?;
            let (now, after) = self.until_answered(|| self.api.request(Method::GET, &path)).await?;
            ensure!(after["name"] == wished || (after["name"] == name && said.is_none() && now == tag), "{said:?}, and now it is {after}");
            if after["name"] == wished {
                (changes, name) = (changes + 1, wished);
            }
            self.done(said.is_some());
        }
        noted(&self.told).numbers.insert(id.to_owned(), (name, changes));
        Ok(())
    }

    fn done(&self, done: bool) {
        self.met.done.fetch_add(done.into(), Relaxed);
    }

    async fn until_answered(&self, request: impl Fn() -> Result<RequestBuilder>) -> Result<(String, Value)> {
        let (mut pace, since) = (interval(PACE), Instant::now());
        loop {
            pace.tick().await;
            if let Some(answer) = self.asked(request()?).await? {
                return Ok(answer);
            }
            if since.elapsed() > 2 * LONG {
                bail!("never answered: {:?}", noted(&self.told).wrong);
            }
        }
    }

    /// The ETag and the body; none when it cannot be done now. Every other answer is noted.
    async fn asked(&self, request: RequestBuilder) -> Result<Option<(String, Value)>> {
        let begun = Instant::now();
        let answer = request.timeout(2 * ANSWERED).send().await.context("no answer at all")?;
        let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().path().to_owned());
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let text = answer.text().await.context("no whole answer")?;
        let (took, body) = (begun.elapsed(), serde_json::from_str::<Value>(&text).unwrap_or_default());
        let later = status == StatusCode::SERVICE_UNAVAILABLE || body["code"] == "idempotency_running";
        let told = header(header::RETRY_AFTER).parse::<u64>().is_ok() && header(header::CONTENT_TYPE) == "application/problem+json";
        let known = status.is_success() || body["code"] == "idempotency_answer_lost";
        if took > ANSWERED || !(known || (later && told && body["request_id"].is_string())) {
            noted(&self.told).wrong.push(format!("{url}: {status} after {took:?}: {text}"));
        }
        self.met.refused.fetch_add(later.into(), Relaxed);
        Ok(known.then(|| (header(header::ETAG), body)))
    }
}
