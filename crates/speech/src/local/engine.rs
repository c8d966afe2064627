//! The two programs that speak, and one run of either.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::SpeechError;

/// The most sound one sentence may make, bytes: 90 s at 22,050 samples a second.
const MAX_WAV: u64 = 90 * 22_050 * 2;

/// A voice of one of the programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Voice {
    /// flite, with the name of a built-in voice.
    Flite(&'static str),
    /// espeak-ng, with the name of a language.
    Espeak(&'static str),
}

/// flite's built-in voices: slt (woman), rms, awb (men), kal, kal16 (small and mechanical).
const FLITE: [&str; 5] = ["slt", "rms", "awb", "kal", "kal16"];
/// espeak-ng's English voices.
const ESPEAK: [&str; 6] = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan"];

impl Voice {
    /// From the name in an agent's file: a flite voice, or `espeak:` and a language.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("espeak:") {
            Some(language) => ESPEAK.into_iter().find(|known| *known == language).map(Self::Espeak),
            None => FLITE.into_iter().find(|known| *known == name).map(Self::Flite),
        }
    }

    /// All names that [`Self::parse`] knows, of the programs that are there.
    pub(super) fn names(flite: bool, espeak: bool) -> Vec<String> {
        let flite = FLITE.iter().filter(|_| flite).map(|name| (*name).to_owned());
        flite.chain(ESPEAK.iter().filter(|_| espeak).map(|name| format!("espeak:{name}"))).collect()
    }

    pub(super) fn engine(&self) -> &'static str {
        match self {
            Self::Flite(_) => "flite",
            Self::Espeak(_) => "espeak-ng",
        }
    }
}

/// The programs' paths.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) flite: PathBuf,
    pub(super) espeak: PathBuf,
    pub(super) deadline: Duration,
}

impl Programs {
    /// Speaks one sentence and returns the WAV.
    pub(super) async fn speak(&self, voice: &Voice, text: &str) -> Result<Vec<u8>, SpeechError> {
        let sound = sound_file()?;
        let into = sound.try_clone().map_err(scratch)?;
        let mut command = match voice {
            Voice::Flite(name) => {
                let mut command = Command::new(&self.flite);
                // flite goes back to fill in the header, which a pipe does not allow: its output is a file without a name.
                command.args(["-voice", name, "-f", "-", "-o", "/dev/stdout"]);
                command
            }
            Voice::Espeak(name) => {
                let mut command = Command::new(&self.espeak);
                command.args(["-v", name, "-z", "--stdin", "--stdout"]);
                command
            }
        };
        let output = self.run(voice.engine(), command.stdout(Stdio::from(into)), text).await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr[..output.stderr.len().min(200)]).into_owned();
            return Err(SpeechError::Crashed { engine: voice.engine(), detail: format!("{} {said}", output.status) });
        }
        read(sound).map_err(scratch)
    }

    /// Whether a program is there and starts.
    pub(super) async fn starts(&self, engine: &'static str) -> Result<(), SpeechError> {
        let program = self.program(engine);
        let mut command = Command::new(program);
        self.run(engine, command.arg("--version").stdout(Stdio::null()), "").await.map(drop)
    }

    fn program(&self, engine: &str) -> &Path {
        if engine == "flite" { &self.flite } else { &self.espeak }
    }

    /// Text goes in by standard input, so no text can be taken for an option.
    async fn run(&self, engine: &'static str, command: &mut Command, text: &str) -> Result<Output, SpeechError> {
        let spawned = command.stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                SpeechError::NotInstalled { engine, package: engine, detail: format!("{}: {error}", self.program(engine).display()) }
            }
            _ => SpeechError::Crashed { engine, detail: error.to_string() },
        })?;
        let input = child.stdin.take();
        let work = async {
            if let Some(mut input) = input {
                // An engine that closes its input early has failed; its exit status says so.
                let _ = input.write_all(text.as_bytes()).await;
            }
            child.wait_with_output().await
        };
        // Dropping the work at the deadline drops the child, which kills it.
        match timeout(self.deadline, work).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(SpeechError::Crashed { engine, detail: error.to_string() }),
            Err(_) => Err(SpeechError::Timeout { engine, after: self.deadline }),
        }
    }
}

/// A file without a name: it is gone when both sides have closed it, whatever happens.
fn sound_file() -> Result<File, SpeechError> {
    tempfile::tempfile().map_err(scratch)
}

fn scratch(source: std::io::Error) -> SpeechError {
    SpeechError::file("use a temporary file in", &std::env::temp_dir())(source)
}

fn read(mut sound: File) -> std::io::Result<Vec<u8>> {
    sound.seek(SeekFrom::Start(0))?;
    let mut wav = Vec::new();
    sound.take(MAX_WAV).read_to_end(&mut wav)?;
    Ok(wav)
}
