//! voicenoob: AI phone agents in production, in one program. One file per subcommand; this one only tells them apart.

mod audit;
mod backup;
mod bench;
mod calls;
mod check;
mod config;
mod dial;
mod migrate;
mod phrases;
mod secrets_file;
mod serve;
mod settings;
mod simulate;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The end of the program waits no longer for work that cannot be called off.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// AI phone agents in production, in one program.
#[derive(Parser)]
#[command(name = "voicenoob", version, max_term_width = 120)]
struct Cli {
    /// Settings file; without it `voicenoob.toml` in the working directory is read when it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is logged: a level (`info`), or a filter (`session=debug,info`). Default: LOG_LEVEL, or info for `serve` and warn for the rest.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer calls.
    Serve(serve::Args),
    /// Call an agent, as a carrier would connect a caller.
    Dial(dial::Args),
    /// Look into the records of calls.
    Calls(calls::Args),
    /// Bring the database's schema to this program's version.
    Migrate,
    /// Make the first administrator, or a link for somebody who cannot sign in.
    User(user::Args),
    /// Copy the database file, also while the server runs.
    Backup(backup::BackupArgs),
    /// Put a copy in place of the database file, while the server does not run.
    Restore(backup::RestoreArgs),
    /// Prove that the audit trail is whole.
    Audit(audit::Args),
    /// Show and rotate the keys that seal what is stored and sign access tokens.
    Secrets(secrets_file::Args),
    /// Print the settings in effect and where each comes from; secrets are masked.
    Config,
    /// Check that every part of this installation works, by using it; or check an agent's file.
    Check(check::Args),
    /// Measure: media path, recognition.
    Bench(bench::Args),
    /// Simulate the vendors on this machine: demos, load tests and fault tests without keys.
    Simulate(simulate::Args),
    /// Pre-render the phrases that installations without a voice can say.
    #[command(hide = true)]
    Phrases(phrases::Args),
    /// The recogniser's worker process.
    #[command(hide = true)]
    SpeechWorker,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::SpeechWorker) {
        return pocketsphinx::worker_main();
    }
    let code = match run(cli) {
        Ok(code) => code,
        Err(fault) => {
            say_error(&format!("voicenoob: {fault:#}"));
            ExitCode::FAILURE
        }
    };
    telemetry::flush();
    code
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("the program cannot start its threads")?;
    let code = runtime.block_on(command(cli));
    // Blocking work that nobody waits for any more is not waited for here either.
    runtime.shutdown_timeout(EXIT_LIMIT);
    code
}

async fn command(cli: Cli) -> anyhow::Result<ExitCode> {
    // Two TLS providers in one process could not choose; there is one, and it is named here.
    rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(|_| anyhow::anyhow!("a TLS provider was installed twice"))?;
    let quiet =
        !matches!(cli.command, Command::Serve(_)) && std::env::var_os("LOG_LEVEL").is_none() && std::env::var_os("RUST_LOG").is_none();
    let filter = cli.log.as_deref().or(quiet.then_some("warn"));
    telemetry::init(telemetry::LogFormat::Auto, filter)?;
    let settings = || settings::load(cli.config.as_deref());
    match cli.command {
        Command::Serve(args) => serve::run(args, settings()?).await,
        Command::Dial(args) => dial::run(args, &settings()?).await,
        Command::Calls(args) => calls::run(args, &settings()?).await,
        Command::Migrate => migrate::run(&settings()?).await,
        Command::User(args) => user::run(args, &settings()?).await,
        Command::Backup(args) => backup::backup(args, &settings()?).await,
        Command::Restore(args) => backup::restore(args, &settings()?).await,
        Command::Audit(args) => audit::run(args, &settings()?).await,
        Command::Secrets(args) => secrets_file::run(args, &settings()?).await,
        Command::Config => config::run(&settings()?),
        Command::Check(args) => check::run(args, settings()?).await,
        Command::Bench(args) => bench::run(args, &settings()?).await,
        Command::Simulate(args) => simulate::run(args, &settings()?).await,
        Command::Phrases(args) => phrases::run(args).await,
        Command::SpeechWorker => Ok(ExitCode::SUCCESS), // Handled before any of this was set up.
    }
}

/// Prints a line for people.
#[expect(clippy::print_stdout, reason = "the program's answer to a person at a terminal")]
fn say(line: &str) {
    println!("{line}");
}

/// Prints a line about what went wrong.
#[expect(clippy::print_stderr, reason = "the program's answer to a person at a terminal")]
fn say_error(line: &str) {
    eprintln!("{line}");
}
