//! `voicenoob bench`: measures this program on this machine, and prints the figures as they come.

mod api;
mod bare;
mod conversation;
mod frames;
mod hearing;
mod live;
mod load;
mod media;
mod place;
mod process;
mod ring;
mod table;
mod turns;

use std::process::ExitCode;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Media path: the echo agent beside a bare echo, many calls over loopback.
    Media(media::Args),
    /// Local speech: what is recognised and understood on telephone audio.
    Hearing(hearing::Args),
    /// Turns: what we add to the time that ears, models and voices take, in many calls at once.
    Turns(turns::Args),
    /// Turn taking: interruptions, murmurs, noises and ends of turns, over real calls.
    Conversation(conversation::Args),
    /// The API: requests with tokens and keys, beside a bare handler that answers the same bytes.
    Api(api::Args),
    /// Live state on Redis: calls are registered, counted and listed.
    Registry(live::Args),
    /// Live state on Redis: callers begin to wait and are taken out.
    Queue(live::Args),
    /// Live state on Redis: permits are taken and given back.
    Admission(live::Args),
    /// The reference of `api`.
    #[command(hide = true)]
    BareApi(api::BareArgs),
    /// The reference of `media`: framing, JSON, base64 and G.711, nothing else.
    #[command(hide = true)]
    BareEcho,
    /// The callers of `media`.
    #[command(hide = true)]
    MediaLoad(load::Args),
}

/// Measures. The exit code says whether it was measured, not whether targets were kept: the tables say that.
pub(crate) async fn run(args: Args, settings: &server::settings::Settings) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Media(args) => media::run(&args).await,
        Command::Turns(args) => turns::run(&args).await,
        Command::Conversation(args) => conversation::run(&args, settings).await,
        Command::Api(args) => api::run(&args).await,
        Command::BareApi(args) => api::run_bare(&args).await,
        Command::Hearing(args) => hearing::run(&args).await,
        Command::Registry(args) => live::run(live::Subject::Registry, &args).await,
        Command::Queue(args) => live::run(live::Subject::Queue, &args).await,
        Command::Admission(args) => live::run(live::Subject::Admission, &args).await,
        // Both own their thread until they end; nothing else runs in their process.
        Command::BareEcho => tokio::task::block_in_place(bare::run),
        Command::MediaLoad(args) => tokio::task::block_in_place(|| load::run(&args)),
    }
}
