//! The work behind one turn of the model, in a task of its own: it makes the sound and paces it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::plan::Next;
use crate::vendors::talk::Plan;
use crate::{Act, Mouth, Trouble};

/// What is spoken.
const RATE: u32 = 24_000;
/// Sound in one message, milliseconds.
const PIECE_MS: u64 = 100;
/// Steps that wait for the socket.
const AHEAD: usize = 4;

/// What happens in a turn.
pub(super) enum Step {
    /// A `serverContent`.
    Content(Value, u64),
    /// The model is done; the turn goes on until its sound was played.
    Generated,
    /// Tools are called, and the turn waits for them.
    Calls(Vec<(String, Value)>),
    /// The turn is over.
    Complete,
    /// The connection is closed with this code.
    Closed(u16),
    /// Something that is not of the protocol.
    Malformed,
    /// The connection breaks.
    Cut,
}

/// Starts it; dropping the receiver ends the work.
pub(super) fn start(act: Act, mouth: Mouth, plan: Plan, writes: bool) -> mpsc::Receiver<Step> {
    let (steps, taken) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let watch = steps.clone();
        tokio::select! {
            () = speak(act, mouth, plan, writes, steps) => {}
            () = watch.closed() => {}
        }
    });
    taken
}

async fn speak(mut act: Act, mouth: Mouth, plan: Plan, writes: bool, steps: mpsc::Sender<Step>) {
    match act.trouble {
        // Within a session the vendor has no other word for a fault than closing it.
        Some(Trouble::TooMany { .. } | Trouble::Unavailable { .. } | Trouble::WrongKey) => {
            return last(&mut act, &steps, Step::Closed(1011)).await;
        }
        _ => act.wait_first().await,
    }
    let began = Instant::now();
    let Ok(sound) = sound(&mouth, &plan.say).await else { return last(&mut act, &steps, Step::Closed(1011)).await };
    let played = Duration::from_millis(sound.len() as u64 * 1000 / u64::from(RATE));
    let pause = Duration::from_secs_f64(PIECE_MS as f64 / 1000.0 / act.behaviour.pace.max(0.01));
    let mut due = began;
    let mut words = plan.say.split_inclusive(' ').filter(|_| writes);
    let pieces = sound.chunks((u64::from(RATE) * PIECE_MS / 1000) as usize);
    let last_piece = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.enumerate() {
        sleep_until(due).await;
        due += pause;
        let said: String = if index == last_piece { words.by_ref().collect() } else { words.next().unwrap_or_default().to_owned() };
        if !pass(&mut act, &steps).await || !say(&steps, piece, &said).await {
            return;
        }
    }
    if !plan.calls.is_empty() {
        if pass(&mut act, &steps).await {
            last(&mut act, &steps, Step::Calls(plan.calls)).await;
        }
        return;
    }
    if steps.send(Step::Generated).await.is_ok() {
        // The vendor waits until what it said was played.
        sleep(played.saturating_sub(began.elapsed())).await;
        last(&mut act, &steps, Step::Complete).await;
    }
}

async fn say(steps: &mpsc::Sender<Step>, piece: &[i16], words: &str) -> bool {
    let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let part = json!({ "inlineData": { "mimeType": "audio/pcm;rate=24000", "data": STANDARD.encode(bytes) } });
    let millis = piece.len() as u64 * 1000 / u64::from(RATE);
    if steps.send(Step::Content(json!({ "modelTurn": { "parts": [part] } }), millis)).await.is_err() {
        return false;
    }
    words.is_empty() || steps.send(Step::Content(json!({ "outputTranscription": { "text": words } }), 0)).await.is_ok()
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
            last(act, steps, Step::Closed(1011)).await;
            false
        }
    }
}

async fn last(act: &mut Act, steps: &mpsc::Sender<Step>, step: Step) {
    act.complete();
    // Whoever cut it off needs no end.
    let _ = steps.send(step).await;
}

async fn sound(mouth: &Mouth, say: &str) -> Result<Vec<i16>, crate::SimulatorError> {
    if say.is_empty() { Ok(Vec::new()) } else { mouth.say(say, RATE).await }
}
