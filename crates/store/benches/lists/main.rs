//! How long a page of each list takes, with 10,000 people and 1,000,000 calls on a real PostgreSQL, or with 100,000 calls in a file.
//!
//! `cargo bench -p store --bench lists -- [--sqlite] [--calls N] [--people N] [--runs N]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark: it fails by panicking, and prints its table")]

mod pages;
mod timing;

use std::time::Instant;

use resilience::{Guard, Service};
use store::{Database, PoolSettings, contract, query};
use testkit::postgres::PostgresServer;

use self::timing::{LIMIT, Measured, table};

/// What is asked for on the command line.
struct Options {
    sqlite: bool,
    calls: u32,
    people: u32,
    runs: usize,
}

impl Options {
    fn read() -> Self {
        // Cargo adds `--bench`.
        let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
        let number = |name: &str| words.iter().position(|word| word == name).map(|at| words[at + 1].parse().unwrap());
        let sqlite = words.iter().any(|word| word == "--sqlite");
        let calls = number("--calls").unwrap_or(if sqlite { 100_000 } else { 1_000_000 });
        Self { sqlite, calls, people: number("--people").unwrap_or(10_000), runs: number("--runs").unwrap_or(200) as usize }
    }
}

#[tokio::main]
async fn main() {
    let options = Options::read();
    if options.sqlite {
        let place = tempfile::tempdir().unwrap();
        let db = Database::open(place.path()).await.unwrap();
        filled(&db, &options).await;
        let measured = pages::measure(&db, options.calls, options.runs).await;
        report("SQLite", &[("p50 ms", "p99 ms", &measured)]);
    } else {
        on_server(&options).await;
    }
}

/// Twice: with plans for the values at hand, as the store asks for them, and as PostgreSQL does without being asked.
async fn on_server(options: &Options) {
    let server = PostgresServer::start().await.unwrap();
    let url = server.database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    // One connection: what is set on it stays.
    let db = Database::connect_with(&url, PoolSettings::of(1), Guard::new(Service::Database, Service::Database.policy())).await.unwrap();
    filled(&db, options).await;
    // What PostgreSQL's own housekeeping does after an hour; it is switched off in this server.
    query("SET statement_timeout = 0").execute(db.writer()).await.unwrap();
    query("VACUUM").execute(db.writer()).await.unwrap();
    let custom = pages::measure(&db, options.calls, options.runs).await;
    query("SET plan_cache_mode = 'auto'").execute(db.writer()).await.unwrap();
    let auto = pages::measure(&db, options.calls, options.runs).await;
    report("PostgreSQL", &[("p50 ms", "p99 ms", &custom), ("auto plan p50", "auto plan p99", &auto)]);
}

async fn filled(db: &Database, options: &Options) {
    let begun = Instant::now();
    contract::fill(db, options.people, options.calls).await;
    contract::fill_rest(db, options.people, options.calls).await;
    println!("{} people, {} calls in {:.0} s\n", options.people, options.calls, begun.elapsed().as_secs_f64());
}

fn report(database: &str, columns: &[(&str, &str, &[Measured])]) {
    println!("{database}\n\n{}", table(columns, LIMIT));
}
