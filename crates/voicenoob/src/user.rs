//! `voicenoob user`: the first administrator, and links for people who cannot sign in.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, bail};
use call::Timestamp;
use clap::Subcommand;
use people::{Client, NewPerson, Principal};
use privacy::{Pii, Secret};
use resilience::Guards;
use server::accounts;
use server::settings::Settings;

use crate::say;

/// A longer password is a mistake.
const LONGEST_INPUT: u64 = 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the first account: administrator of the installation. The password is read from the standard input.
    CreateAdmin {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// What others see.
        #[arg(long, default_value = "Administrator")]
        name: String,
    },
    /// Print a link, good once and for an hour, with which somebody chooses a new password.
    ResetLink {
        /// Whose.
        #[arg(long)]
        email: String,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let database = server::wiring::open_database(settings).await?;
    let people = accounts::open(settings, &database, &Guards::default())?.people;
    let (client, now) = (Client::here("voicenoob user"), Timestamp::now());
    match args.command {
        Command::CreateAdmin { email, name } => {
            let person = NewPerson { email: Pii::new(email), name: Pii::new(name), password: password()? };
            let user = people.create_first_admin(None, &person, &client, now).await?;
            say(&format!("{} may sign in: administrator of the installation, owner of its first workspace.", user.email.expose()));
        }
        Command::ResetLink { email } => {
            let Some(user) = store::users::by_email(&database, &email).await? else {
                bail!("there is no account with this address");
            };
            let link = people.start_password_reset(&Principal::operator(), user.id, &client, now).await?;
            say(&format!("{}/reset#{}", accounts::base(settings), link.token.expose()));
            say(&format!("Good once, until {}.", link.ends_at.strftime("%F %T UTC")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn password() -> anyhow::Result<Secret> {
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        say("Type the password and press Enter. It is shown; to hide it, pipe it in.");
        std::io::stdin().read_line(&mut text).context("cannot read the password")?;
    } else {
        std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text).context("cannot read the password from the standard input")?;
    }
    given(&text)
}

/// Only the end of the line is taken off: a password is used exactly as typed.
fn given(text: &str) -> anyhow::Result<Secret> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        bail!("no password came in: type one, or pipe it in (`printf %s \"$PASSWORD\" | voicenoob user create-admin --email ...`)");
    }
    Ok(Secret::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_exactly_as_typed() {
        assert_eq!(given(" two  words \r\n").unwrap().expose(), " two  words ");
        assert_eq!(given("no end").unwrap().expose(), "no end");
        assert!(given("\n").is_err());
    }
}
