//! The connection to the server: one for all operations, made again when it breaks, and cheap to ask while the server is away.
//!
//! The road through a fault: a broken connection is made again within the operation that found it, once; a server that does not answer is
//! marked as down, and from then on operations fail at once while one task in the background tries to reach it.

mod dial;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use resilience::{Failure, Guard};
use tokio::time::{sleep, timeout};

use super::address::Address;
use dial::Connection;
pub(super) use dial::subscribe;

/// How long an answer may take.
pub(super) const RESPONSE_LIMIT: Duration = Duration::from_millis(500);
/// How long making a connection may take, the sentinels' word included.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_millis(400);
/// How long one operation may take in all.
pub(super) const OPERATION_LIMIT: Duration = Duration::from_millis(950);
/// First and longest pause between two attempts to reach a server that is down.
const PROBE_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Why an operation got no answer, in words without addresses.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server was not reached, or not in time, or cannot serve now.
    Away(String),
    /// It answered, and the answer is a complaint.
    Refused(String),
    /// It does not know the script of this hash.
    UnknownScript,
}

/// The connection. Clones share it.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    address: Address,
    guard: Guard,
    state: Mutex<State>,
    /// Held while a connection is made, so that one is made and not one for each who waits.
    dialling: tokio::sync::Mutex<()>,
}

enum State {
    /// Nobody has asked yet, or the connection broke: the next operation makes it.
    Idle,
    /// In use. The number tells one connection from the next.
    Up(Connection, u64),
    /// Not reachable, for this reason; a task tries in the background.
    Down(String),
}

/// What is sent.
#[derive(Clone, Copy)]
enum Request<'a> {
    One(&'a Cmd),
    All(&'a Pipeline),
}

/// What an error says about the connection.
enum Diagnosis {
    /// The server is there, and refuses this command.
    Healthy,
    /// The connection is gone.
    Broken,
    /// The server hangs, starts, or is not the one to ask.
    Unfit,
}

impl Link {
    pub(super) fn new(address: Address, guard: Guard) -> Self {
        Self(Arc::new(Inner { address, guard, state: Mutex::new(State::Idle), dialling: tokio::sync::Mutex::default() }))
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(super) fn address(&self) -> &Address {
        &self.0.address
    }

    /// Sends a command. `again`: it does no harm when it is done twice, so it is sent once more when the connection broke under it.
    pub(super) async fn run(&self, command: &Cmd, again: bool) -> Result<Value, Fault> {
        self.within_limit(Request::One(command), again).await
    }

    /// Sends commands that only read, in one go; a list of their answers, with complaints among them.
    pub(super) async fn read_all(&self, commands: &Pipeline) -> Result<Value, Fault> {
        self.within_limit(Request::All(commands), true).await
    }

    async fn within_limit(&self, request: Request<'_>, again: bool) -> Result<Value, Fault> {
        let begun = self.0.guard.begin().await.map_err(|rejected| Fault::Away(rejected.to_string()))?;
        match timeout(OPERATION_LIMIT, self.attempt(request, again)).await {
            Ok(Err(Fault::Away(why))) => {
                begun.failed(Failure::Transient);
                Err(Fault::Away(why))
            }
            Ok(done) => {
                begun.answered();
                done
            }
            Err(_) => {
                begun.timed_out();
                Err(Fault::Away(format!("no answer within {} ms", OPERATION_LIMIT.as_millis())))
            }
        }
    }

    async fn attempt(&self, request: Request<'_>, again: bool) -> Result<Value, Fault> {
        let mut tries = if again { 2 } else { 1 };
        loop {
            let (mut connection, serial) = self.connection().await?;
            let fault = match connection.send(request).await {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            tries -= 1;
            match diagnose(&fault) {
                Diagnosis::Healthy if fault.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => return Err(Fault::UnknownScript),
                Diagnosis::Healthy => return Err(Fault::Refused(words(&fault))),
                Diagnosis::Broken => self.broken(serial),
                Diagnosis::Unfit => {
                    self.down(Some(serial), &words(&fault));
                    return Err(Fault::Away(words(&fault)));
                }
            }
            if tries == 0 {
                return Err(Fault::Away(words(&fault)));
            }
        }
    }

    /// The connection, made when there is none.
    async fn connection(&self) -> Result<(Connection, u64), Fault> {
        if let Some(known) = self.known() {
            return known;
        }
        let _dialling = self.0.dialling.lock().await;
        // Somebody else may have made it, or failed to, in the meantime.
        if let Some(known) = self.known() {
            return known;
        }
        match dial::connect(&self.0.address).await {
            Ok(connection) => Ok(self.up(connection)),
            Err(why) => {
                self.down(None, &why);
                Err(Fault::Away(why))
            }
        }
    }

    fn known(&self) -> Option<Result<(Connection, u64), Fault>> {
        match &*self.state() {
            State::Idle => None,
            State::Up(connection, serial) => Some(Ok((connection.clone(), *serial))),
            State::Down(why) => Some(Err(Fault::Away(why.clone()))),
        }
    }

    fn up(&self, connection: Connection) -> (Connection, u64) {
        let serial = next_serial();
        *self.state() = State::Up(connection.clone(), serial);
        (connection, serial)
    }

    /// The connection with this number is gone; a newer one stays.
    fn broken(&self, serial: u64) {
        let mut state = self.state();
        if matches!(*state, State::Up(_, now) if now == serial) {
            *state = State::Idle;
        }
    }

    /// The server is of no use now: fail fast, and try in the background. `serial`: the connection that showed it; a newer one stays.
    fn down(&self, serial: Option<u64>, why: &str) {
        let mut state = self.state();
        let old = match (&*state, serial) {
            (State::Down(_), _) => true,
            (State::Up(_, now), Some(serial)) => *now != serial,
            (State::Up(..), None) => true,
            (State::Idle, _) => false,
        };
        if !old {
            *state = State::Down(why.to_owned());
            tracing::warn!(why, "live state server is not reachable; trying again in the background");
            tokio::spawn(probe(Arc::downgrade(&self.0)));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries until the server answers, or nobody has the link any more.
async fn probe(link: Weak<Inner>) {
    let mut pause = PROBE_PAUSE.0;
    loop {
        // Spread, so that many instances do not come back in step.
        sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(PROBE_PAUSE.1);
        let Some(inner) = link.upgrade() else { return };
        if let Ok(connection) = dial::connect(&inner.address).await {
            Link(inner).up(connection);
            tracing::info!("live state server is reachable again");
            return;
        }
    }
}

fn next_serial() -> u64 {
    static SERIAL: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn diagnose(fault: &RedisError) -> Diagnosis {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    match fault.kind() {
        ErrorKind::Io if fault.is_timeout() => Diagnosis::Unfit,
        ErrorKind::Io | ErrorKind::Parse => Diagnosis::Broken,
        ErrorKind::ClusterConnectionNotFound => Diagnosis::Unfit,
        ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly | TryAgain) => Diagnosis::Unfit,
        // A script that meets a read-only server wraps the server's word into its own.
        _ if ["READONLY", "MISCONF", "NOREPLICAS"].iter().any(|word| words(fault).contains(word)) => Diagnosis::Unfit,
        _ => Diagnosis::Healthy,
    }
}

/// The client's words, shortened; addresses stand in IO errors only, and those are told by their kind.
fn words(fault: &RedisError) -> String {
    /// Most of a complaint that is told.
    const MOST: usize = 200;
    if fault.is_timeout() {
        return format!("no answer within {} ms", RESPONSE_LIMIT.as_millis());
    }
    if fault.is_io_error() {
        return "the connection broke".to_owned();
    }
    let detail = fault.detail().unwrap_or_default();
    let told = format!("{} {detail}", fault.code().unwrap_or_else(|| fault.category()));
    told.trim().chars().take(MOST).collect()
}
