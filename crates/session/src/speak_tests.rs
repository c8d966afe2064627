//! Keys stand in line with words, and are heard.

use audio::dtmf::Detector;
use audio::playout::Due;

use super::*;

#[test]
fn keys_are_played_in_their_place_and_their_mark_follows_them() {
    let phrases = speech::phrases::Phrases::new(None, None, 1024);
    let mut speaker =
        Speaker::new(phrases.for_call(call::Meter::default()), &agent::AgentDefinition::echo(), 8000, Pace::TALK, Ledger::default());
    speaker.press(audio::dtmf::tones("12w#", 8000).unwrap());
    let (mut now, mut ear, mut keys, mut marks) = (Instant::now(), Detector::new(8000), String::new(), 0);
    while !speaker.is_done() {
        while let Some(due) = speaker.playout.poll(now) {
            match due {
                Due::Audio(pcm) => keys.extend(ear.push(pcm)),
                Due::Mark(name) => marks += u32::from(speaker.ledger.reached(&name)),
            }
        }
        now += Duration::from_millis(20);
    }
    assert_eq!((keys.as_str(), marks), ("12#", 1));
    assert_eq!(speaker.ledger.finish(), Heard { text: String::new(), complete: true }, "keys are no words");
}
