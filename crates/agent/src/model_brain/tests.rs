//! Stories at the brain's boundary, with a model that follows a script.

mod properties;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;
use flow::{Exit, ToolOutcome, TransferWhy};
use jiff::civil::{DateTime, date};
use models::{AnswerEvent, AnswerStream, ChatRequest, LanguageModel, Message, ModelError, Stop, ToolCall};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::{Control, Tool, ToolAnswer, ToolContext, ToolSpec, Toolbox};

/// A model that says what its script says, answer after answer, then nothing, and remembers what it was asked.
pub(crate) struct Scripted {
    pub(crate) script: Mutex<VecDeque<Vec<Line>>>,
    pub(crate) asked: Mutex<Vec<ChatRequest>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Line {
    Say(&'static str),
    Call(&'static str, Value),
    Raw(&'static str, &'static str),
    Fail,
    Hang,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Vec<Line>>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The messages of the last request, short.
    pub(crate) fn last(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let short = |message: &Message| match message {
            Message::Caller { text } => format!("caller: {text}"),
            Message::Agent { text, calls } if calls.is_empty() => format!("agent: {text}"),
            Message::Agent { text, calls } => {
                format!("agent: {text} -> {}", calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>().join(","))
            }
            Message::Tool { content, .. } => format!("tool: {content}"),
        };
        asked.last().unwrap().messages.iter().map(short).collect()
    }
}

#[async_trait]
impl LanguageModel for Scripted {
    fn service(&self) -> &'static str {
        "scripted"
    }

    fn model(&self) -> &str {
        "script"
    }

    async fn answer(&self, request: ChatRequest, _: &Meter) -> Result<AnswerStream, ModelError> {
        self.asked.lock().unwrap().push(request);
        let lines = self.script.lock().unwrap().pop_front().unwrap_or_default();
        let (sender, stream) = mpsc::channel(64);
        let number = self.asked();
        tokio::spawn(async move {
            let mut stop = Stop::Finished;
            for (at, line) in lines.into_iter().enumerate() {
                let call = |name: &str, arguments: String| ToolCall { id: format!("{number}.{at}"), name: name.into(), arguments };
                let event = match line {
                    Line::Say(text) => Ok(AnswerEvent::Text(text.into())),
                    Line::Call(name, arguments) => {
                        stop = Stop::Tools;
                        Ok(AnswerEvent::Call(call(name, arguments.to_string())))
                    }
                    Line::Raw(name, arguments) => Ok(AnswerEvent::Call(call(name, arguments.to_owned()))),
                    Line::Fail => Err(ModelError::NoAnswer { model: "scripted", why: "script" }),
                    Line::Hang => return sender.closed().await,
                };
                let failed = event.is_err();
                if sender.send(event).await.is_err() || failed {
                    return;
                }
            }
            let _ = sender.send(Ok(AnswerEvent::Done(stop))).await;
        });
        Ok(stream)
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

/// A tool that does nothing by itself: the stories answer for it.
pub(crate) struct Named(pub(crate) &'static str, pub(crate) bool);

#[async_trait]
impl Tool for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn spec(&self) -> Option<ToolSpec> {
        let nights = json!({ "nights": { "type": "integer", "minimum": 1 }, "arrival": { "type": "string" } });
        Some(crate::builtin::spec(self.0, "For stories.", nights, &["nights"]))
    }

    fn effects(&self) -> bool {
        self.1
    }

    async fn call(&self, _: &ToolContext, _: &Value) -> ToolAnswer {
        ToolAnswer::Failed("a story calls no tool".into())
    }
}

pub(crate) fn persona() -> Arc<Persona> {
    let mut toolbox = Toolbox::new();
    toolbox.add(Arc::new(Named("look", false)));
    toolbox.add(Arc::new(Named("book", true)));
    let people = [Destination { name: "front desk".into(), number: "+12025550143".into() }];
    let controls = Control::chosen(["end_call", "transfer_call", "send_dtmf"], &people);
    Arc::new(Persona {
        name: "hotel".into(),
        language: "en-US".into(),
        time_zone: "Europe/Lisbon".into(),
        prompt: Some("You work at the Harbour View Hotel.".into()),
        greeting: Some("Harbour View Hotel, hello!".into()),
        tools: Arc::new(ToolSet::new(&toolbox, ["look", "book"], &controls).unwrap()),
        texts: Texts::of("en-US"),
        temperature: None,
        max_tokens: 500,
        caller_known: true,
        max_silences: 3,
        limits: Limits::default(),
    })
}

pub(crate) const NOW: DateTime = date(2027, 1, 14).at(15, 30, 0, 0);

/// A call with a brain: what comes out until it waits.
pub(crate) struct Talking<B> {
    pub(crate) brain: B,
}

impl<B: Brain> Talking<B> {
    pub(crate) async fn tell(&mut self, input: BrainInput) -> Vec<String> {
        self.brain.handle(input, NOW);
        self.outputs().await
    }

    pub(crate) async fn heard(&mut self, text: &str) -> Vec<String> {
        self.tell(BrainInput::Heard { text: text.into(), confidence: 0.9 }).await
    }

    pub(crate) async fn ok(&mut self, id: u32, fields: Value) -> Vec<String> {
        self.tell(BrainInput::ToolAnswered { id, outcome: ToolOutcome::Ok(fields) }).await
    }

    pub(crate) async fn outputs(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        // Longer than any limit of an answer: what has not come then will not come.
        while let Ok(output) = tokio::time::timeout(Duration::from_secs(20), self.brain.next()).await {
            let end = matches!(output, BrainOutput::Listen { .. } | BrainOutput::End(_));
            all.push(match output {
                BrainOutput::Say { text, interruptible: true } => text,
                BrainOutput::Say { text, .. } => format!("! {text}"),
                BrainOutput::Listen { .. } => "(listens)".into(),
                BrainOutput::CallTool { id, tool, arguments } => format!("#{id} {tool} {arguments}"),
                BrainOutput::Dtmf { digits } => format!("keys {digits}"),
                BrainOutput::Sound(pcm) => format!("~{}", pcm.len()),
                BrainOutput::Words(text) => format!("~{text}"),
                BrainOutput::SoundOver => "~.".into(),
                BrainOutput::CallerSaid(text) => format!("caller: {text}"),
                BrainOutput::End(Exit::Transfer { to }) => format!("(to {to})"),
                BrainOutput::End(exit) => format!("({exit:?})"),
            });
            if end {
                break;
            }
        }
        all
    }
}

fn talking(model: &Arc<Scripted>) -> Talking<ModelBrain> {
    Talking { brain: ModelBrain::new(Arc::clone(model) as _, persona(), Meter::default()) }
}

use Line::{Call, Fail, Hang, Raw, Say};

#[tokio::test(start_paused = true)]
async fn an_answer_is_said_sentence_by_sentence() {
    let model = Scripted::new([vec![Say("We are open. **Br"), Say("eakfast** is at 7.30 a.m. every day 🙂. Any"), Say("thing else?")]]);
    let mut call = talking(&model);
    assert_eq!(call.tell(BrainInput::Started).await, ["Harbour View Hotel, hello!", "(listens)"]);
    assert_eq!(
        call.heard("when is breakfast [now]").await,
        ["We are open.", "Breakfast is at 7.30 a.m. every day.", "Anything else?", "(listens)"]
    );
    assert_eq!(model.last(), ["caller: [The call begins.]", "agent: Harbour View Hotel, hello!", "caller: when is breakfast  now "]);
    let system = model.asked.lock().unwrap()[0].system.clone();
    for known in ["English (United States)", "Europe/Lisbon", "Thursday, January 14, 2027, 15:30", "You work at the Harbour View Hotel."] {
        assert!(system.contains(known), "{known}");
    }
    assert!(!system.contains("breakfast"), "a caller's words are no instructions");
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_and_its_answer_is_told() {
    let model = Scripted::new([
        vec![Say("One moment."), Call("look", json!({ "nights": 2 })), Call("look", json!({ "nights": 3 }))],
        vec![Say("Both are free.")],
    ]);
    let mut call = talking(&model);
    assert_eq!(call.heard("two or three nights").await, ["One moment.", r#"#1 look {"nights":2}"#, r#"#2 look {"nights":3}"#]);
    assert_eq!(call.ok(2, json!({ "free": 1 })).await, [""; 0], "one is still at work");
    assert_eq!(call.ok(1, json!({ "free": 2 })).await, ["Both are free.", "(listens)"]);
    let told = model.last();
    assert_eq!(told[1], "agent: One moment. -> look,look");
    assert_eq!(told[2], r#"tool: {"result":{"free":2},"status":"ok"}"#, "in the order they were asked for");
}

#[tokio::test(start_paused = true)]
async fn an_effect_is_read_back_and_done_after_a_yes_with_the_same_arguments() {
    let book = || Call("book", json!({ "nights": 2, "arrival": "2027-01-20" }));
    let model = Scripted::new([vec![book()], vec![Say("Two nights from Wednesday?")], vec![book()], vec![Say("Booked.")]]);
    let mut call = talking(&model);
    assert_eq!(call.heard("book it please yes").await, ["Two nights from Wednesday?", "(listens)"]);
    let told = model.last().pop().unwrap();
    assert!(told.contains("confirm_first") && told.contains("Wednesday, January 20, 2027"), "{told}");
    assert_eq!(call.heard("yes please").await, [r#"#1 book {"arrival":"2027-01-20","nights":2}"#]);
    assert_eq!(call.ok(1, json!({ "code": "4711" })).await, ["Booked.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_calls_tools_wrongly_is_told_twice_and_then_given_up() {
    let model = Scripted::new([
        vec![Call("dance", json!({}))],
        vec![Raw("look", "{nights")],
        vec![Call("look", json!({ "nights": "two" }))],
        vec![Say("Hello again.")],
    ]);
    let mut call = talking(&model);
    assert_eq!(call.heard("hello").await, ["I'm sorry, that did not work just now.", "(listens)"]);
    let told = model.last();
    assert!(told[2].contains("there is no tool called \\\"dance\\\"") && told[4].contains("not a JSON object"), "{told:?}");
    assert_eq!(call.heard("hello").await, ["Hello again.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_five_rounds_of_tools_end_in_words() {
    let model = Scripted::new((0..6).map(|_| vec![Call("look", json!({ "nights": 1 }))]));
    let mut call = talking(&model);
    assert_eq!(call.heard("hello").await, [r#"#1 look {"nights":1}"#]);
    for id in 1..5 {
        assert_eq!(call.ok(id, json!({})).await, [format!("#{} look {{\"nights\":1}}", id + 1)]);
    }
    assert_eq!(call.ok(5, json!({})).await, ["I'm sorry, that did not work just now.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn words_that_come_while_the_model_thinks_are_answered_with_those_before() {
    let model = Scripted::new([vec![Hang], vec![Say("A double room.")]]);
    let mut call = talking(&model);
    call.brain.handle(BrainInput::Heard { text: "i need a room".into(), confidence: 0.9 }, NOW);
    assert!(tokio::time::timeout(Duration::from_millis(100), call.brain.next()).await.is_err());
    assert_eq!(call.heard("a double one").await, ["A double room.", "(listens)"]);
    assert_eq!(model.last(), ["caller: i need a room\na double one"]);
}

#[tokio::test(start_paused = true)]
async fn words_that_come_while_a_tool_works_wait_for_its_answer() {
    let model = Scripted::new([vec![Call("look", json!({ "nights": 1 }))], vec![Say("Free.")]]);
    let mut call = talking(&model);
    call.heard("one night").await;
    assert_eq!(call.heard("are you there").await, [""; 0]);
    assert_eq!(call.ok(1, json!({})).await, ["Free.", "(listens)"]);
    assert_eq!(model.last().last().unwrap(), "caller: are you there");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_heard_is_not_remembered_as_said() {
    let model = Scripted::new([vec![Say("It costs ten euros. It has a view of the sea. And"), Hang], vec![Say("Ten euros.")]]);
    let mut call = talking(&model);
    call.brain.handle(BrainInput::Heard { text: "how much".into(), confidence: 0.9 }, NOW);
    for _ in 0..2 {
        call.brain.next().await;
    }
    call.tell(BrainInput::Interrupted { heard: "It costs ten".into(), sound_ms: 0 }).await;
    call.heard("how much").await;
    assert_eq!(model.last(), ["caller: how much", "agent: It costs ten…", "caller: how much"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_last_turn_was_heard() {
    let model = Scripted::new([vec![Say("Hello.")]]);
    let mut call = talking(&model);
    call.tell(BrainInput::Started).await;
    call.tell(BrainInput::Silence { count: 1 }).await;
    call.tell(BrainInput::Interrupted { heard: "Are you".into(), sound_ms: 0 }).await;
    call.heard("yes i am").await;
    assert_eq!(model.last()[1], "agent: Harbour View Hotel, hello! Are you…");
}

#[tokio::test(start_paused = true)]
async fn a_yes_into_a_read_back_that_was_hardly_heard_is_none() {
    let book = || Call("book", json!({ "nights": 2 }));
    let read_back = "So that is a double room for two nights from Wednesday?";
    let model = Scripted::new([vec![book()], vec![Say(read_back)], vec![book()], vec![Say("Two nights, is that right?")]]);
    let mut call = talking(&model);
    call.heard("book it").await;
    call.tell(BrainInput::Interrupted { heard: "So that".into(), sound_ms: 0 }).await;
    assert_eq!(call.heard("yes").await, ["Two nights, is that right?", "(listens)"], "it is read back again");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_and_is_put_through_after_words() {
    for (script, expected) in [
        (vec![Say("Bye!"), Call("end_call", json!({}))], vec!["Bye!", "(Goodbye)"]),
        (vec![Call("end_call", json!({ "reason": "done" }))], vec!["! Thank you for calling. Goodbye!", "(Goodbye)"]),
        (
            vec![Call("transfer_call", json!({ "destination": "front desk" }))],
            vec!["! One moment please, I will put you through.", "(to +12025550143)"],
        ),
    ] {
        let mut call = talking(&Scripted::new([script]));
        assert_eq!(call.heard("bye").await, expected);
        let stored = call.brain.snapshot();
        let mut again = Talking { brain: ModelBrain::resume(Scripted::new([]), persona(), Meter::default(), stored).unwrap() };
        assert_eq!(again.tell(BrainInput::Resumed { missed: true }).await, expected[1..], "what had ended ends again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_whom_nobody_took_is_told_so_and_the_model_goes_on() {
    let mut call = talking(&Scripted::new([vec![Call("transfer_call", json!({ "destination": "front desk" }))]]));
    call.heard("a person please").await;
    let model = Scripted::new([vec![Say("Shall I take a message?")]]);
    let stored = call.brain.snapshot();
    let mut again = Talking { brain: ModelBrain::resume(model.clone(), persona(), Meter::default(), stored).unwrap() };
    let said = again.tell(BrainInput::TransferFailed { why: TransferWhy::Busy }).await;
    assert_eq!(said, ["I'm sorry, nobody could be reached just now.", "Shall I take a message?", "(listens)"]);
    let mut third = Talking { brain: ModelBrain::resume(model, persona(), Meter::default(), again.brain.snapshot()).unwrap() };
    let resumed = third.tell(BrainInput::Resumed { missed: false }).await;
    assert_eq!(resumed, ["Sorry, we were cut off for a moment.", "Shall I take a message?", "(listens)"], "nobody is dialled again");
}

#[tokio::test(start_paused = true)]
async fn a_person_is_tried_twice_and_then_the_model_is_told_that_nobody_is_called_again() {
    let put_through = || vec![Call("transfer_call", json!({ "destination": "front desk" }))];
    let model = Scripted::new([put_through(), vec![Say("A message?")], put_through(), vec![Say("A message?")], put_through()]);
    let mut call = talking(&model);
    for _ in 0..2 {
        assert_eq!(call.heard("a person please").await.last().unwrap(), "(to +12025550143)");
        call.tell(BrainInput::TransferFailed { why: TransferWhy::NoAnswer }).await;
    }
    let said = call.heard("a person please").await;
    assert!(said.iter().all(|text| !text.starts_with("(to ")), "{said:?}");
    assert!(model.last().iter().any(|message| message.contains("nobody is called again")), "{:?}", model.last());
}

#[tokio::test(start_paused = true)]
async fn keys_are_pressed_and_heard_of_and_a_card_is_not() {
    let model = Scripted::new([
        vec![Call("send_dtmf", json!({ "digits": "1w2#" }))],
        vec![Say("Pressed.")],
        vec![Say("Thanks.")],
        vec![Say("Oh.")],
    ]);
    let mut call = talking(&model);
    assert_eq!(call.heard("press one").await, ["keys 1w2#", "Pressed.", "(listens)"]);
    for (keys, told) in [
        ("12", "caller: [The caller pressed the keys 1 2.]"),
        ("4111111111111111", "caller: [The caller keyed the number of a payment card. It was not kept.]"),
    ] {
        keys.chars().for_each(|key| call.brain.handle(BrainInput::Key(key), NOW));
        call.tell(BrainInput::KeysDone).await;
        assert_eq!(model.last().last().unwrap(), told);
    }
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_a_call_need_no_model() {
    for (input, words) in [
        (BrainInput::TimeIsUp, "! I'm sorry, our time is up. Please call again. Goodbye!"),
        (BrainInput::Closing, "! We are sorry, our service is being restarted. We will call you back. Goodbye!"),
    ] {
        let mut call = talking(&Scripted::new([vec![Hang]]));
        call.brain.handle(BrainInput::Heard { text: "hello".into(), confidence: 0.9 }, NOW);
        assert_eq!(call.tell(input).await, [words, "(Goodbye)"]);
    }
    let mut call = talking(&Scripted::new([]));
    assert_eq!(call.tell(BrainInput::Silence { count: 1 }).await, ["Are you still there?", "(listens)"]);
    assert_eq!(call.tell(BrainInput::Silence { count: 3 }).await[1], "(Silence)");
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_given_up_unless_it_changes_something() {
    let model = Scripted::new([vec![Call("look", json!({ "nights": 1 }))]]);
    let mut call = talking(&model);
    call.heard("one night").await;
    let sorry = "I'm sorry, that takes too long. Could you say it once more?";
    assert_eq!(call.tell(BrainInput::Stalled).await, [sorry, "(listens)"]);
    assert_eq!(call.ok(1, json!({})).await, [""; 0], "nobody waits for it any more");
    let book = || Call("book", json!({ "nights": 2 }));
    let mut call = talking(&Scripted::new([vec![book()], vec![Say("Two nights?")], vec![book()], vec![Say("Booked.")]]));
    call.heard("book two nights").await;
    call.heard("yes").await;
    assert_eq!(call.tell(BrainInput::Stalled).await, ["Sorry to keep you waiting."]);
    assert_eq!(call.ok(1, json!({})).await, ["Booked.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_or_is_silent_is_apologised_for() {
    for script in [vec![Fail], vec![Hang], vec![], vec![Say("😀")]] {
        let mut call = talking(&Scripted::new([script]));
        assert_eq!(call.heard("hello").await, ["I'm sorry, that did not work just now.", "(listens)"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_taken_up_again_goes_on_where_it_stood() {
    let model =
        Scripted::new([vec![Call("book", json!({ "nights": 2 }))], vec![Say("Two nights?")], vec![Call("book", json!({ "nights": 2 }))]]);
    let mut call = talking(&model);
    call.heard("book two nights").await;
    let mut again =
        Talking { brain: ModelBrain::resume(Arc::clone(&model) as _, persona(), Meter::default(), call.brain.snapshot()).unwrap() };
    // A brain that never greeted has nothing to go on with but its greeting.
    again.brain.0.state.started = true;
    assert_eq!(
        again.tell(BrainInput::Resumed { missed: true }).await,
        ["Sorry, we were cut off for a moment.", "Two nights?", "(listens)"]
    );
    assert_eq!(again.heard("yes").await, [r#"#1 book {"nights":2}"#]);
    let next = Scripted::new([vec![Say("Done.")]]);
    let mut third =
        Talking { brain: ModelBrain::resume(Arc::clone(&next) as _, persona(), Meter::default(), again.brain.snapshot()).unwrap() };
    let called = third.tell(BrainInput::Resumed { missed: false }).await;
    assert_eq!(called, ["Sorry, we were cut off for a moment.", r#"#1 book {"nights":2}"#], "the same id: it happens once");
    assert_eq!(third.ok(1, json!({})).await, ["Done.", "(listens)"]);
}
