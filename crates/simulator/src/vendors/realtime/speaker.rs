//! The work behind one answer, in a task of its own: it makes the sound and paces it.

use std::time::Duration;

use audio::g711::{encode_alaw, encode_ulaw};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::config::Format;
use crate::plan::Next;
use crate::vendors::talk::Plan;
use crate::{Act, Mouth, Trouble};

/// Sound in one event, milliseconds.
const PIECE_MS: u64 = 100;
/// Steps that wait for the socket.
const AHEAD: usize = 4;

/// What happens in an answer.
pub(super) enum Step {
    /// Words of it.
    Words(String),
    /// Sound: base64, and its milliseconds.
    Sound(String, u64),
    /// What was said is complete.
    Said,
    /// A wish for a tool: name, arguments.
    Call(String, String),
    /// The answer is over, with all of its usage.
    Done,
    /// It failed, with this code.
    Failed(&'static str),
    /// Something that is not of the protocol.
    Malformed,
    /// The connection breaks.
    Cut,
}

/// How an answer is spoken.
pub(super) struct Voice {
    pub(super) mouth: Mouth,
    pub(super) format: Format,
    /// Sound, or words only.
    pub(super) speaks: bool,
}

/// The way of an answer's steps.
pub(super) fn channel() -> (mpsc::Sender<Step>, mpsc::Receiver<Step>) {
    mpsc::channel(AHEAD)
}

/// Starts it. The steps end with one that ends the answer, unless it stalls; dropping the receiver ends the work.
pub(super) fn start(act: Act, voice: Voice, plan: Plan, steps: mpsc::Sender<Step>) {
    tokio::spawn(async move {
        let watch = steps.clone();
        tokio::select! {
            () = speak(act, voice, plan, steps) => {}
            () = watch.closed() => {}
        }
    });
}

async fn speak(mut act: Act, voice: Voice, plan: Plan, steps: mpsc::Sender<Step>) {
    match act.trouble {
        Some(Trouble::TooMany { .. }) => return last(&mut act, &steps, Step::Failed("rate_limit_exceeded")).await,
        Some(Trouble::Unavailable { .. } | Trouble::WrongKey) => return last(&mut act, &steps, Step::Failed("server_error")).await,
        _ => act.wait_first().await,
    }
    let Ok(pieces) = pieces(&voice, &plan.say).await else {
        return last(&mut act, &steps, Step::Failed("server_error")).await;
    };
    let pause = Duration::from_secs_f64(PIECE_MS as f64 / 1000.0 / act.behaviour.pace.max(0.01));
    let mut due = Instant::now();
    for piece in pieces {
        sleep_until(due).await;
        due += pause;
        if !pass(&mut act, &steps).await || steps.send(piece).await.is_err() {
            return;
        }
    }
    if !plan.say.is_empty() && steps.send(Step::Said).await.is_err() {
        return;
    }
    for (name, arguments) in plan.calls {
        if !pass(&mut act, &steps).await || steps.send(Step::Call(name, arguments.to_string())).await.is_err() {
            return;
        }
    }
    last(&mut act, &steps, Step::Done).await;
}

/// Makes the trouble that is due; false when nothing follows it.
async fn pass(act: &mut Act, steps: &mpsc::Sender<Step>) -> bool {
    match act.next() {
        Next::Send => true,
        Next::Malformed => steps.send(Step::Malformed).await.is_ok(),
        Next::Stall => std::future::pending().await,
        Next::Cut => {
            last(act, steps, Step::Cut).await;
            false
        }
        Next::Error => {
            last(act, steps, Step::Failed("server_error")).await;
            false
        }
    }
}

async fn last(act: &mut Act, steps: &mpsc::Sender<Step>, step: Step) {
    act.complete();
    // Whoever cut it off needs no end.
    let _ = steps.send(step).await;
}

/// The sound in pieces, with its words spread over them as the vendor does, a little ahead.
async fn pieces(voice: &Voice, say: &str) -> Result<Vec<Step>, crate::SimulatorError> {
    if say.is_empty() {
        return Ok(Vec::new());
    }
    let mut words = say.split_inclusive(' ').map(|word| Step::Words(word.to_owned()));
    if !voice.speaks {
        return Ok(words.collect());
    }
    let rate = voice.format.rate();
    let sound = voice.mouth.say(say, rate).await?;
    let mut steps = Vec::new();
    for piece in sound.chunks((u64::from(rate) * PIECE_MS / 1000) as usize) {
        steps.extend(words.next());
        steps.push(Step::Sound(coded(piece, voice.format), piece.len() as u64 * 1000 / u64::from(rate)));
    }
    let rest: Vec<Step> = words.collect();
    let end = steps.len().saturating_sub(1);
    drop(steps.splice(end..end, rest));
    Ok(steps)
}

fn coded(pcm: &[i16], format: Format) -> String {
    let mut bytes = Vec::with_capacity(pcm.len() * 2);
    match format {
        Format::Ulaw => encode_ulaw(pcm, &mut bytes),
        Format::Alaw => encode_alaw(pcm, &mut bytes),
        Format::Pcm => bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
    }
    STANDARD.encode(bytes)
}
