//! `voicenoob dial`: calls an agent, as a carrier would connect a caller.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use call::{Carrier, PhoneNumber};
use dial::{DialKeys, DialOptions, LineFormat, LiveView, Script, Speech, Step, Url};
use server::settings::Settings;
use speech::TextToSpeech;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};

use crate::{say, say_error};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the caller says, after the agent has finished; repeat for more sentences.
    #[arg(long, value_name = "TEXT")]
    say: Vec<String>,
    /// A WAV file the caller plays, after the sentences.
    #[arg(long, value_name = "FILE")]
    wav: Vec<PathBuf>,
    /// A whole call as a file: what to say, when to interrupt, what to expect (see docs/dial.md).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["say", "wav", "telnyx", "twilio", "to", "from", "agent", "voice", "format", "noise"])]
    script: Option<PathBuf>,
    /// Speak Twilio's dialect (the default).
    #[arg(long, conflicts_with = "telnyx")]
    twilio: bool,
    /// Speak Telnyx's dialect.
    #[arg(long)]
    telnyx: bool,
    /// The called number.
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// The caller's number.
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// The agent to reach, by name or id, whatever the number.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// The caller's voice: slt, rms, awb, kal, or espeak:en-us and the like.
    #[arg(long)]
    voice: Option<String>,
    /// How the audio travels.
    #[arg(long, value_enum, default_value_t = Format::Pcmu)]
    format: Format,
    /// Line noise in dBFS, for instance -50.
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    noise: Option<f32>,
    /// Where the server is; without it, this installation's own address.
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    /// Write the sound of the call: two channels, caller left, agent right.
    #[arg(long, value_name = "FILE")]
    save_wav: Option<PathBuf>,
    /// The whole call may take this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=14_400))]
    timeout: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Mu-law, 8 kHz: both carriers.
    Pcmu,
    /// A-law, 8 kHz: Telnyx.
    Pcma,
    /// Linear, 16 kHz: Telnyx.
    L16,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let server = args.server.clone().map_or_else(|| own_address(settings), Ok)?;
    let script = script(&args)?;
    let keys = DialKeys::load(|name| std::env::var(name).ok(), &settings.data_dir)?;
    let mut options = DialOptions::new(server, keys)?;
    options.public_url = settings.public_url.as_deref().filter(|_| args.server.is_none()).map(Url::parse).transpose()?;
    options.operator_token = settings.operator_token.as_ref().map(|token| token.expose().to_owned());
    options.tts = voice().await;
    options.save_wav = args.save_wav;
    options.observer = LiveView::stdout().observer();
    let hang_up = options.hang_up.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            hang_up.cancel(); // The caller hangs up properly, and the report still comes.
        }
    });
    let report = dial::run(script, options).await?;
    say(&dial::summary(&report));
    for failure in &report.failures {
        say_error(&format!("not as expected: {failure}"));
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn own_address(settings: &Settings) -> anyhow::Result<Url> {
    let host = if settings.host.is_unspecified() { "127.0.0.1".to_owned() } else { settings.host.to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Url::parse(&format!("http://{host}:{}", settings.port)).context("HOST and PORT make no address")
}

fn script(args: &Args) -> anyhow::Result<Script> {
    if let Some(path) = &args.script {
        return Ok(Script::load(path)?);
    }
    if args.say.is_empty() && args.wav.is_empty() {
        bail!("nothing to say: give --say TEXT (repeatable), --wav FILE, or --script FILE");
    }
    let carrier = if args.telnyx { Carrier::Telnyx } else { Carrier::Twilio };
    let mut script = Script::new(carrier).step(Step::wait());
    let said = args.say.iter().map(Speech::words).chain(args.wav.iter().cloned().map(Speech::Wav));
    for speech in said {
        script = script.step(Step::Say { speech, hang_up_after: None }).step(Step::wait());
    }
    script = script.step(Step::HangUp);
    script.agent.clone_from(&args.agent);
    script.noise_dbfs = args.noise;
    script.timeout = Duration::from_secs(args.timeout);
    script.format = match args.format {
        Format::Pcmu => LineFormat::Pcmu,
        Format::Pcma => LineFormat::Pcma,
        Format::L16 => LineFormat::L16,
    };
    if let Some(voice) = &args.voice {
        script.voice.clone_from(voice);
    }
    if let Some(to) = &args.to {
        script.to = PhoneNumber::new(to);
    }
    if let Some(from) = &args.from {
        script.from = PhoneNumber::new(from);
    }
    Ok(script)
}

/// The caller's voice, when this machine has one: a call that plays files needs none.
async fn voice() -> Option<Arc<dyn TextToSpeech>> {
    match LocalSynthesizer::start(LocalSynthesizerConfig::default()).await {
        Ok(voice) => Some(Arc::new(voice)),
        Err(fault) => {
            say_error(&format!("the caller has no voice: {fault}"));
            None
        }
    }
}
