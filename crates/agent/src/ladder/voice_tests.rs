//! Stories of a model that hears the caller and speaks by itself, and of who goes on when it fails.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use models::{ModelError, SpeechToSpeech, VoiceConfig, VoiceEvent, VoiceSession};
use outbound::Fault;
use tokio::sync::mpsc;

use super::tests::{Ladder, ladder_with, open, rung};
use super::*;
use crate::model_brain::tests::{Line, NOW, Scripted};

/// A model whose sessions answer by a script, and note what they are told.
struct Singer {
    script: Mutex<VecDeque<Vec<VoiceEvent>>>,
    noted: Arc<Mutex<Vec<String>>>,
    opened: Mutex<Vec<VoiceConfig>>,
}

struct Song {
    script: VecDeque<Vec<VoiceEvent>>,
    noted: Arc<Mutex<Vec<String>>>,
    events: (mpsc::UnboundedSender<VoiceEvent>, mpsc::UnboundedReceiver<VoiceEvent>),
}

impl Singer {
    fn new(script: impl IntoIterator<Item = Vec<VoiceEvent>>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { script, noted: Arc::default(), opened: Mutex::default() })
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

#[async_trait]
impl SpeechToSpeech for Singer {
    fn service(&self) -> &'static str {
        "singer"
    }

    fn model(&self) -> &str {
        "song"
    }

    fn has_voice(&self, _: &str) -> bool {
        false
    }

    async fn open(&self, config: VoiceConfig) -> Result<Box<dyn VoiceSession>, ModelError> {
        self.opened.lock().unwrap().push(config);
        let script = std::mem::take(&mut *self.script.lock().unwrap());
        Ok(Box::new(Song { script, noted: Arc::clone(&self.noted), events: mpsc::unbounded_channel() }))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Song {
    fn note(&self, what: String) {
        self.noted.lock().unwrap().push(what);
    }

    fn answer(&mut self) {
        self.script.pop_front().into_iter().flatten().for_each(|event| self.events.0.send(event).unwrap());
    }
}

#[async_trait]
impl VoiceSession for Song {
    fn start(&mut self) {
        self.note("start".into());
    }

    fn push(&mut self, pcm: &[i16]) {
        self.note(format!("{} samples", pcm.len()));
    }

    fn finish(&mut self) {
        self.note("finish".into());
        self.answer();
    }

    fn cancel(&mut self) {
        self.note("cancel".into());
    }

    fn interrupt(&mut self, heard_ms: u32) {
        self.note(format!("cut at {heard_ms}"));
        while self.events.1.try_recv().is_ok() {}
    }

    fn tell(&mut self, text: &str, answer: bool) {
        self.note(format!("told {text} {answer}"));
        if answer {
            self.answer();
        }
    }

    fn tool_answered(&mut self, id: &str, result: &Value) {
        self.note(format!("{id} answered {result}"));
        self.answer();
    }

    fn tool_dropped(&mut self, id: &str) {
        self.note(format!("{id} dropped"));
    }

    async fn next(&mut self) -> VoiceEvent {
        self.events.1.recv().await.unwrap()
    }
}

fn says(words: &str) -> Vec<VoiceEvent> {
    vec![VoiceEvent::AgentText(words.into()), VoiceEvent::Audio(Arc::from([1_i16; 160])), VoiceEvent::Answered { tools: false }]
}

fn heard(words: &str, mut then: Vec<VoiceEvent>) -> Vec<VoiceEvent> {
    then.insert(0, VoiceEvent::CallerText(words.into()));
    then
}

fn wishes(name: &str, arguments: Value) -> Vec<VoiceEvent> {
    let call = ToolCall { id: format!("{name}_1"), name: name.into(), arguments: arguments.to_string() };
    vec![VoiceEvent::Call(call), VoiceEvent::Answered { tools: true }]
}

fn failed() -> VoiceEvent {
    VoiceEvent::Failed(ModelError::service("singer")(Fault::Cut("the line is cut".into())))
}

fn singing(singer: &Arc<Singer>, words: &Arc<Scripted>) -> Ladder {
    let voice = VoiceRung { model: Arc::clone(singer) as _, voice: None, open: Arc::new(|| true) };
    ladder_with(vec![rung(words, &open())], |brain| brain.speaking(vec![voice], 8000))
}

/// The caller speaks, and it is answered by its sound.
async fn speaks(ladder: &mut Ladder) -> Vec<String> {
    begins(ladder).await;
    ladder.call.brain.listen(CallerSound::Piece(&[0; 80]));
    ladder.call.brain.listen(CallerSound::Over);
    ladder.call.outputs().await
}

/// A session that was opened meanwhile is there when the caller begins to speak.
async fn begins(ladder: &mut Ladder) {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    ladder.call.brain.listen(CallerSound::Begins);
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_heard_and_answered_by_sound_and_all_of_it_is_remembered() {
    let (singer, words) = (Singer::new([heard("Have you rooms?", says(" Yes, we have."))]), Scripted::new([vec![Line::Say("Ten euros.")]]));
    let mut ladder = singing(&singer, &words);
    assert_eq!(ladder.call.tell(BrainInput::Started).await, ["Harbour View Hotel, hello!", "(listens)"]);
    assert_eq!(speaks(&mut ladder).await, ["caller: Have you rooms?", "~ Yes, we have.", "~160", "~.", "(listens)"]);
    let told = "told [You have just said to the caller: \"Harbour View Hotel, hello!\"] false";
    assert_eq!(singer.noted(), [told, "start", "80 samples", "finish"]);
    ladder.call.brain.handle(BrainInput::Heard { text: "half your looms".into(), confidence: 0.6 }, NOW);
    // It is gone, and one of words goes on with what was said.
    ladder.call.brain.voices = None;
    ladder.call.brain.talk.leave_live();
    assert_eq!(ladder.call.heard("how much").await, ["Ten euros.", "(listens)"]);
    assert_eq!(
        words.last(),
        [
            "caller: [The call begins.]",
            "agent: Harbour View Hotel, hello!",
            "caller: Have you rooms?",
            "agent: Yes, we have.",
            "caller: how much"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_effect_waits_for_the_words_of_the_caller_and_a_yes_in_them() {
    let book = json!({ "nights": 2 });
    let script = [
        heard("Two nights please.", wishes("book", book.clone())),
        says("Two nights, is that right?"),
        // The words come after the wish.
        [wishes("book", book.clone()), vec![VoiceEvent::CallerText("Yes, please.".into())]].concat(),
        says("It is booked."),
    ];
    let (singer, words) = (Singer::new(script), Scripted::new([]));
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    let said = speaks(&mut ladder).await;
    assert_eq!(said, ["caller: Two nights please.", "~Two nights, is that right?", "~160", "~.", "(listens)"]);
    assert!(singer.noted().iter().any(|note| note.starts_with("book_1 answered") && note.contains("confirm_first")));
    let said = speaks(&mut ladder).await;
    assert_eq!(said, ["caller: Yes, please.", "#1 book {\"nights\":2}"]);
    let said = ladder.call.ok(1, json!({ "code": "A1" })).await;
    assert_eq!(said, ["~It is booked.", "~160", "~.", "(listens)"]);
    assert!(singer.noted().iter().any(|note| note.contains("A1")));
}

#[tokio::test(start_paused = true)]
async fn without_the_words_of_the_caller_there_is_no_effect() {
    let book = json!({ "nights": 2 });
    let asked = [wishes("book", book.clone()), says("Two nights, is that right?"), wishes("book", book), says("Say yes or no, please.")];
    let singer = Singer::new(asked);
    let mut ladder = singing(&singer, &Scripted::new([]));
    ladder.call.tell(BrainInput::Started).await;
    speaks(&mut ladder).await;
    assert_eq!(speaks(&mut ladder).await, ["~Say yes or no, please.", "~160", "~.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn when_it_fails_in_its_answer_a_model_of_words_goes_on_in_the_same_turn() {
    let broken = vec![
        VoiceEvent::CallerText("Rooms?".into()),
        VoiceEvent::AgentText("We have".into()),
        VoiceEvent::Audio(Arc::from([1_i16; 160])),
        failed(),
    ];
    let (singer, words) = (Singer::new([broken]), Scripted::new([vec![Line::Say("Two rooms are free.")]]));
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    let said = speaks(&mut ladder).await;
    assert_eq!(said, ["caller: Rooms?", "~We have", "~160", "~.", "Two rooms are free.", "(listens)"]);
    assert_eq!(
        words.last()[3..],
        ["agent: We have", "caller: [You were cut off after these words. Go on from there, without saying them again.]"]
    );
    // The ears are later than that.
    ladder.call.brain.handle(BrainInput::Heard { text: "rooms".into(), confidence: 0.9 }, NOW);
    assert_eq!((words.asked(), ladder.call.outputs().await), (1, vec![]));
    assert_eq!(ladder.changes(), ["failed scripted/script"]);
}

#[tokio::test(start_paused = true)]
async fn when_it_fails_before_it_wrote_down_what_the_caller_said_the_ears_know_it() {
    let (singer, words) = (Singer::new([vec![failed()]]), Scripted::new([vec![Line::Say("Two rooms are free.")]]));
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    assert_eq!(speaks(&mut ladder).await, Vec::<String>::new(), "the words are awaited");
    assert_eq!(ladder.call.heard("have you rooms").await, ["Two rooms are free.", "(listens)"]);
    assert!(words.last().contains(&"caller: have you rooms".to_owned()), "{:?}", words.last());
}

#[tokio::test(start_paused = true)]
async fn it_is_back_after_a_while_and_knows_what_was_said_meanwhile() {
    let (singer, words) = (Singer::new([vec![failed()]]), Scripted::new([vec![Line::Say("Two rooms.")], vec![Line::Say("Ten euros.")]]));
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    speaks(&mut ladder).await;
    ladder.call.heard("rooms").await;
    begins(&mut ladder).await;
    assert!(!ladder.call.brain.listens(), "not at once");
    tokio::time::advance(UP_AFTER + Duration::from_secs(1)).await;
    *singer.script.lock().unwrap() = [heard("Thank you.", says("You are welcome."))].into();
    // One utterance later: nobody waits for a session to open.
    begins(&mut ladder).await;
    assert_eq!(ladder.call.heard("how much").await, ["Ten euros.", "(listens)"]);
    singer.noted();
    assert_eq!(speaks(&mut ladder).await, ["caller: Thank you.", "~You are welcome.", "~160", "~.", "(listens)"]);
    let noted = singer.noted();
    assert!(noted[..2] == ["told how much false", "told [You have just said to the caller: \"Ten euros.\"] false"], "{noted:?}");
    assert_eq!(ladder.changes(), ["failed scripted/script", "back singer/song"]);
}

#[tokio::test(start_paused = true)]
async fn who_interrupts_is_told_of_and_what_was_wished_before_is_dropped() {
    let mut goodbye = [vec![VoiceEvent::AgentText("Goodbye then.".into())], wishes("end_call", json!({}))].concat();
    // Its end is still to come.
    goodbye.pop();
    let singer = Singer::new([heard("That is all.", goodbye), heard("Wait!", says("Yes?"))]);
    let mut ladder = singing(&singer, &Scripted::new([]));
    ladder.call.tell(BrainInput::Started).await;
    begins(&mut ladder).await;
    ladder.call.brain.listen(CallerSound::Over);
    assert!(matches!(ladder.call.brain.next().await, BrainOutput::CallerSaid(_)));
    assert!(matches!(ladder.call.brain.next().await, BrainOutput::Words(_)));
    // The wish was taken, and is not granted before the words are out.
    assert!(ladder.call.brain.next().now_or_never().is_none());
    singer.noted();
    ladder.call.brain.handle(BrainInput::Interrupted { heard: "Goodbye".into(), sound_ms: 300 }, NOW);
    assert_eq!(speaks(&mut ladder).await, ["caller: Wait!", "~Yes?", "~160", "~.", "(listens)"]);
    assert_eq!(singer.noted(), ["cut at 300", "end_call_1 dropped", "start", "80 samples", "finish"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_holds_up_the_answer_for_too_long_is_given_up_and_a_model_of_words_answers() {
    let singer = Singer::new([heard("Look, please.", wishes("look", json!({ "nights": 1 })))]);
    let words = Scripted::new([vec![Line::Say("That takes too long today.")]]);
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    assert_eq!(speaks(&mut ladder).await, ["caller: Look, please.", "#1 look {\"nights\":1}"]);
    ladder.call.brain.handle(BrainInput::Heard { text: "look please".into(), confidence: 0.9 }, NOW);
    assert_eq!(ladder.call.tell(BrainInput::Stalled).await, ["That takes too long today.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_on_calling_tools_that_are_none_is_given_up_like_any_other_that_fails() {
    let none = || wishes("fly", json!({}));
    let singer = Singer::new([heard("Rooms?", none()), none(), none()]);
    let words = Scripted::new([vec![Line::Say("Two rooms are free.")]]);
    let mut ladder = singing(&singer, &words);
    ladder.call.tell(BrainInput::Started).await;
    assert_eq!(speaks(&mut ladder).await, ["caller: Rooms?", "Two rooms are free.", "(listens)"]);
    assert!(!ladder.call.brain.listens());
    assert_eq!((words.asked(), ladder.changes()), (1, vec!["failed scripted/script".to_owned()]));
}

/// Only a model that hears: below it stands the dialogue.
fn singing_alone(singer: &Arc<Singer>) -> Ladder {
    let voice = VoiceRung { model: Arc::clone(singer) as _, voice: None, open: Arc::new(|| true) };
    ladder_with(Vec::new(), |brain| brain.speaking(vec![voice], 8000))
}

#[tokio::test(start_paused = true)]
async fn an_effect_whose_model_is_gone_is_told_by_the_dialogue() {
    let book = json!({ "nights": 2 });
    let script = [
        heard("Two nights please.", wishes("book", book.clone())),
        says("Two nights, is that right?"),
        [vec![VoiceEvent::CallerText("Yes, please.".into())], wishes("book", book), vec![failed()]].concat(),
    ];
    let singer = Singer::new(script);
    let mut ladder = singing_alone(&singer);
    ladder.call.tell(BrainInput::Started).await;
    speaks(&mut ladder).await;
    let said = speaks(&mut ladder).await;
    assert_eq!(said, ["caller: Yes, please.", "#1 book {\"nights\":2}"]);
    let said = ladder.call.ok(1, json!({ "code": "A1" })).await;
    assert_eq!(said.last().map(String::as_str), Some("(listens)"), "{said:?}");
    assert!(said[0].contains("done") || said.iter().any(|line| line == &ladder.call.brain.talk.persona.texts.done), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_taken_up_again_asks_for_the_effect_again_under_its_old_key() {
    let book = json!({ "nights": 2 });
    let script = [
        heard("Two nights please.", wishes("book", book.clone())),
        says("Two nights, is that right?"),
        [vec![VoiceEvent::CallerText("Yes, please.".into())], wishes("book", book)].concat(),
    ];
    let mut ladder = singing_alone(&Singer::new(script));
    ladder.call.tell(BrainInput::Started).await;
    speaks(&mut ladder).await;
    speaks(&mut ladder).await;
    let (snapshot, persona) = (ladder.call.brain.snapshot(), Arc::clone(&ladder.call.brain.talk.persona));
    let again = LadderBrain::resume(Vec::new(), super::tests::flow(), persona, Meter::default(), Arc::new(|_| {}), snapshot).unwrap();
    let mut again = crate::model_brain::tests::Talking { brain: again };
    let said = again.tell(BrainInput::Resumed { missed: false }).await;
    assert_eq!(said.last().map(String::as_str), Some("#1 book {\"nights\":2}"), "{said:?}");
    let said = again.ok(1, json!({ "code": "A1" })).await;
    assert!(said.contains(&again.brain.talk.persona.texts.done), "{said:?}");
}
