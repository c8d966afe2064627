//! Scripts played frame by frame, without a line and without a clock.

use super::*;

const FRAME: usize = 160;
const LOUD: [i16; FRAME] = [3000; FRAME];
const QUIET: [i16; FRAME] = [0; FRAME];

/// A director, an ear, and what they did.
struct Stage {
    director: Director,
    ear: Ear,
    now: u64,
    notes: Vec<(u64, Note)>,
    cues: Vec<(u64, Cue)>,
    voiced: Vec<u64>,
}

impl Stage {
    fn new(acts: Vec<Act>) -> Self {
        Self { director: Director::new(acts), ear: Ear::default(), now: 0, notes: vec![], cues: vec![], voiced: vec![] }
    }

    /// Lets `frames` frames pass in which the agent speaks or not.
    fn pass(&mut self, frames: u64, agent_speaks: bool) {
        for _ in 0..frames {
            let _ = self.ear.hear(self.now, if agent_speaks { &LOUD } else { &QUIET }).count();
            let (mut out, mut notes) = (QUIET, Vec::new());
            let cue = self.director.direct(self.now, &self.ear, &mut out, &mut notes);
            self.notes.extend(notes.into_iter().map(|note| (self.now, note)));
            if is_voice(&out) {
                self.voiced.push(self.now);
            }
            if cue != Cue::Go {
                self.cues.push((self.now, cue));
            }
            self.now += 1;
        }
    }
}

fn clip(frames: usize) -> Clip {
    Clip { label: "hello".into(), samples: vec![3000; frames * FRAME].into() }
}

fn speak(frames: usize) -> Act {
    Act::Speak { clip: clip(frames), start: Start::AtOnce, hang_up_at: None }
}

fn listen() -> Act {
    Act::Listen { quiet: 25, timeout: 500 }
}

#[test]
fn the_caller_answers_when_the_agent_has_finished() {
    let mut stage = Stage::new(vec![listen(), speak(3), listen()]);
    stage.pass(10, false);
    stage.pass(20, true);
    stage.pass(40, false);
    assert_eq!(stage.voiced, [55, 56, 57], "25 frames of silence after frame 29");
    assert_eq!(stage.notes, [(55, Note::Says("hello".into())), (57, Note::SpeechOver)]);
    stage.pass(100, false);
    assert!(stage.cues.is_empty(), "what the agent said before is no answer");
    stage.pass(5, true);
    stage.pass(30, false);
    assert_eq!(stage.cues[0], (200, Cue::HangUp), "nothing is left to do: the caller hangs up");
}

#[test]
fn the_caller_interrupts_the_reply_after_the_time_named() {
    let interrupt = Act::Speak { clip: clip(2), start: Start::IntoReply { after: 35, timeout: 100 }, hang_up_at: None };
    let mut stage = Stage::new(vec![interrupt, Act::AwaitEnd { timeout: 1000 }]);
    stage.pass(50, false);
    stage.pass(60, true);
    assert_eq!(stage.voiced, [85, 86]);
}

#[test]
fn an_agent_that_stays_silent_fails_the_script() {
    let mut stage = Stage::new(vec![Act::Listen { quiet: 25, timeout: 100 }, speak(1)]);
    stage.pass(101, false);
    assert_eq!(stage.cues, [(100, Cue::HangUp)]);
    assert!(stage.director.take_failure().is_some_and(|why| why.contains("within 2000 ms")));
    let interrupt = Act::Speak { clip: clip(2), start: Start::IntoReply { after: 1, timeout: 10 }, hang_up_at: None };
    let mut stage = Stage::new(vec![interrupt]);
    stage.pass(11, false);
    assert!(stage.director.take_failure().is_some_and(|why| why.starts_with("interrupt")));
    let mut stage = Stage::new(vec![Act::AwaitEnd { timeout: 10 }]);
    stage.pass(11, false);
    assert!(stage.director.take_failure().is_some_and(|why| why.starts_with("wait_for_end")));
}

#[test]
fn the_caller_hangs_up_in_the_middle_of_a_sentence() {
    let mut stage = Stage::new(vec![Act::Speak { clip: clip(50), start: Start::AtOnce, hang_up_at: Some(20) }, speak(5)]);
    stage.pass(21, false);
    assert_eq!((stage.voiced.len(), stage.cues), (20, vec![(20, Cue::HangUp)]));
}

#[test]
fn keys_are_pressed_one_after_the_other() {
    let mut stage = Stage::new(vec![Act::Press { digits: "1#".into() }, Act::AwaitEnd { timeout: 100 }]);
    stage.pass(50, false);
    assert_eq!(stage.cues, [(0, Cue::Key('1')), (10, Cue::Key('#'))]);
    assert_eq!(stage.notes, [(0, Note::Presses("1#".into()))]);
}

#[test]
fn garbage_is_sent_once_and_silence_lasts() {
    let mut stage = Stage::new(vec![Act::Disturb(Garbage::Json), Act::Pause { frames: 30 }, speak(1)]);
    stage.pass(32, false);
    assert_eq!(stage.cues, [(0, Cue::Disturb(Garbage::Json))]);
    assert_eq!(stage.voiced, [31]);
}

#[test]
fn what_was_left_to_say_is_known() {
    let mut stage = Stage::new(vec![listen(), speak(5)]);
    stage.pass(3, false);
    assert_eq!(stage.director.left_over(), Some("speak"));
    let stage = Stage::new(vec![listen(), Act::HangUp]);
    assert_eq!(stage.director.left_over(), None);
}
