//! A real PostgreSQL server of a test's own, in a directory that is gone when the test is over, however it ended.
//!
//! The tests of one process share the server of [`PostgresServer::shared`], each with a database in it. A runner that gives every test a process
//! starts one for each (about a second): there, many stories are better one test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// A server that does not start within this time does not start.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Another program may take the free port between our asking for it and the server's: then it is tried again.
const PORT_TRIES: u32 = 5;
/// Said when there is no server to start.
const MISSING: &str = "PostgreSQL's server programs (initdb, postgres) are not installed: install the Debian package postgresql";

/// Keeps the server, and obeys: `start`, `stop` (cleanly), `crash`. At the end of its orders, which is the end of the test's process too, it
/// stops the server and removes the directory.
const KEEPER: &str = r#"
while read -r order; do
  case "$order" in
    start) "$1/postgres" -D "$2/data" >>"$2/log" 2>&1 & ;;
    stop) kill -INT $!; wait $! ;;
    crash) kill -QUIT $!; wait $! ;;
  esac
  echo "$order"
done
[ -n "$!" ] && kill -QUIT $! 2>/dev/null
wait
rm -rf "$2"
"#;

/// A running PostgreSQL server with a password, on a port of the loopback address.
pub struct PostgresServer {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    databases: AtomicU32,
}

impl PostgresServer {
    const USER: &'static str = "app";
    /// Only this machine can reach the server, and it holds nothing; with a password the whole way of signing in is used.
    const PASSWORD: &'static str = "a p@ss/word";

    /// Starts a server. The error says what to install when there is none.
    pub async fn start() -> Result<Self> {
        spawn_blocking(Self::start_blocking).await?
    }

    /// The server that all tests of this process share; started by the first that asks.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Makes an empty database and returns its address: `postgres://...`.
    pub async fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", Self::USER, &name]).env("PGPASSWORD", Self::PASSWORD);
        spawn_blocking(move || run(&mut create)).await??;
        Ok(self.url(&name))
    }

    /// The port, for a proxy before the server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database by its name.
    pub fn url(&self, database: &str) -> String {
        let mut password = String::new();
        for byte in Self::PASSWORD.bytes() {
            if byte.is_ascii_alphanumeric() {
                password.push(byte.into());
            } else {
                // Writing to a string does not fail.
                let _ = write!(password, "%{byte:02X}");
            }
        }
        format!("postgres://{}:{password}@127.0.0.1:{}/{database}", Self::USER, self.port)
    }

    /// Stops the server; connections are cut. Returns when it is gone.
    pub async fn stop(&mut self) -> Result<()> {
        tokio::task::block_in_place(|| self.order("stop"))
    }

    /// Ends the server as a crash would. Returns when it is gone.
    pub async fn crash(&mut self) -> Result<()> {
        tokio::task::block_in_place(|| self.order("crash"))
    }

    /// Starts it again, on the same port with the same data. Returns when it can be used.
    pub async fn start_again(&mut self) -> Result<()> {
        tokio::task::block_in_place(|| self.serve())
    }

    fn start_blocking() -> Result<Self> {
        let programs = programs()?;
        let owner = Owner::find()?;
        let directory = tempfile::Builder::new().prefix("voicenoob-postgres-").tempdir()?.keep();
        let made = owner.give(&directory).and_then(|()| init(&programs, &directory, &owner));
        if let Err(error) = made {
            std::fs::remove_dir_all(&directory)?;
            return Err(error);
        }
        let mut keeper = owner
            .command("sh")
            .args(["-c", KEEPER, "keeper"])
            .args([&programs, &directory])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let orders = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().context("the keeper has no output")?);
        let mut server = Self { programs, directory, port: 0, keeper, orders, answers, databases: AtomicU32::new(0) };
        for _ in 0..PORT_TRIES {
            server.port = free_port()?;
            server.configure()?;
            match server.serve() {
                Ok(()) => return Ok(server),
                Err(error) if error.to_string().contains("Address already in use") => {}
                Err(error) => return Err(error),
            }
        }
        bail!("no free port for PostgreSQL in {PORT_TRIES} tries")
    }

    /// What a server that lasts for one test need not do: survive a power cut, hold much in memory, or count on strong passwords.
    fn configure(&self) -> Result<()> {
        let settings = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nsynchronous_commit = off\n\
             full_page_writes = off\nshared_buffers = 16MB\nmax_connections = 60\nautovacuum = off\n",
            self.port
        );
        Ok(std::fs::write(self.directory.join("data/postgresql.conf"), settings)?)
    }

    fn serve(&mut self) -> Result<()> {
        let log = self.directory.join("log");
        let seen = std::fs::metadata(&log).map_or(0, |log| log.len());
        self.order("start")?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let said = std::fs::read(&log).unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(usize::try_from(seen)?..).unwrap_or_default()).into_owned();
            if said.contains("database system is ready to accept connections") {
                return Ok(());
            }
            // Programs that come while it recovers are told so.
            let failed = said.lines().any(|line| line.contains("FATAL") && !line.contains("the database system is"));
            ensure!(!failed && Instant::now() < deadline, "PostgreSQL did not start: {said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Gives an order and waits until it is carried out.
    fn order(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the keeper takes no more orders")?;
        writeln!(orders, "{order}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(answer.trim() == order, "the keeper of PostgreSQL has ended");
        Ok(())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nobody is left to hear that it failed.
        let _ = self.keeper.wait();
    }
}

/// Whose the server is: PostgreSQL refuses to run as root.
enum Owner {
    Ourselves,
    Postgres { uid: u32, gid: u32 },
}

impl Owner {
    const NAME: &'static str = "postgres";

    fn find() -> Result<Self> {
        let number = |arguments: &[&str]| -> Result<u32> { Ok(run(Command::new("id").args(arguments))?.trim().parse()?) };
        if number(&["-u"])? != 0 {
            return Ok(Self::Ourselves);
        }
        let (uid, gid) = (number(&["-u", Self::NAME]).context(MISSING)?, number(&["-g", Self::NAME]).context(MISSING)?);
        Ok(Self::Postgres { uid, gid })
    }

    fn give(&self, path: &Path) -> Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Postgres { uid, gid } => Ok(chown(path, Some(*uid), Some(*gid))?),
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Postgres { .. } => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
                command
            }
        }
    }
}

/// MD5 passwords: SCRAM's 4,096 rounds in a debug build take longer than all else a test does.
fn init(programs: &Path, directory: &Path, owner: &Owner) -> Result<()> {
    let password = directory.join("password");
    std::fs::write(&password, PostgresServer::PASSWORD)?;
    owner.give(&password)?;
    let mut init = owner.command(programs.join("initdb"));
    init.args(["-U", PostgresServer::USER, "--auth=md5", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
        .arg("--pwfile")
        .arg(&password)
        .arg("-D")
        .arg(directory.join("data"))
        .current_dir("/");
    run(&mut init).map(drop)
}

/// Where Debian keeps the server programs (the newest of them), or where `pg_config` says.
fn programs() -> Result<PathBuf> {
    let works = |directory: &PathBuf| run(Command::new(directory.join("initdb")).arg("--version")).is_ok();
    let version = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let listed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = listed.map(|entry| entry.path()).filter(|path| version(path).is_some()).collect();
    versions.sort_by_key(version);
    let told = run(Command::new("pg_config").arg("--bindir")).ok().map(|text| PathBuf::from(text.trim()));
    versions.into_iter().rev().map(|path| path.join("bin")).chain(told).find(works).context(MISSING)
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Runs a program to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String> {
    let name = format!("{:?}", command.get_program());
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
