//! The worker process: reads requests from standard input, recognises, answers on standard output, and ends when its parent does.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::protocol::{self, Outcome, Request, Response};
use crate::{Decoder, Hypothesis, SphinxError};

/// Dictionaries (agents) kept loaded at once; each brings its own acoustic model, some 15 MB.
const MAX_DECODERS: usize = 3;
/// Language models (dialogue states) kept loaded at once per dictionary; each costs about a megabyte.
const MAX_SEARCHES: usize = 32;

/// Runs the worker until standard input closes, which also happens when the parent is killed. The exit code is a failure only when the pipe breaks.
#[must_use]
pub fn worker_main() -> ExitCode {
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(input: &mut impl io::Read, output: &mut impl io::Write) -> Result<(), SphinxError> {
    let mut loaded = Loaded::default();
    while let Some((request, pcm)) = protocol::read::<Request>(input)? {
        let outcome = match loaded.decode(&request, &pcm) {
            Ok(heard) => Outcome::Heard(heard),
            Err(error @ SphinxError::Library { .. }) => Outcome::NoLibrary(error.to_string()),
            Err(error @ SphinxError::Model { .. }) => Outcome::NoModel(error.to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        protocol::write(output, &Response { id: request.id, outcome }, &[])?;
    }
    Ok(())
}

/// Decoders in order of use, the last used at the end.
#[derive(Default)]
struct Loaded {
    decoders: Vec<Voice>,
}

/// One decoder and its language models, the last used at the end.
struct Voice {
    model: PathBuf,
    dictionary: PathBuf,
    decoder: Decoder,
    searches: Vec<String>,
}

impl Loaded {
    fn decode(&mut self, request: &Request, pcm: &[i16]) -> Result<Option<Hypothesis>, SphinxError> {
        let place = self.decoders.iter().position(|v| v.model == request.model && v.dictionary == request.dictionary);
        let voice = match place {
            Some(place) => self.decoders.remove(place),
            None => {
                if self.decoders.len() >= MAX_DECODERS {
                    self.decoders.remove(0);
                }
                Voice::open(&request.model, &request.dictionary)?
            }
        };
        self.decoders.push(voice);
        match self.decoders.last_mut() {
            Some(voice) => voice.decode(&request.language_model, pcm, request.own_mean),
            None => Ok(None),
        }
    }
}

impl Voice {
    fn open(model: &Path, dictionary: &Path) -> Result<Self, SphinxError> {
        let decoder = Decoder::open(model, dictionary)?;
        Ok(Self { model: model.to_owned(), dictionary: dictionary.to_owned(), decoder, searches: Vec::new() })
    }

    fn decode(&mut self, language_model: &Path, pcm: &[i16], own_mean: bool) -> Result<Option<Hypothesis>, SphinxError> {
        let name = language_model.to_string_lossy().into_owned();
        match self.searches.iter().position(|search| *search == name) {
            Some(place) => {
                self.searches.remove(place);
            }
            None => self.decoder.add_search(&name, language_model)?,
        }
        self.searches.push(name.clone());
        // A request without sound loads the model ahead of the first utterance.
        let heard = if pcm.is_empty() { Ok(None) } else { self.decoder.decode(&name, pcm, own_mean) };
        if self.searches.len() > MAX_SEARCHES {
            let oldest = self.searches.remove(0);
            self.decoder.remove_search(&oldest)?;
        }
        heard
    }
}
