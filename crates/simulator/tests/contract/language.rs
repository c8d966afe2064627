//! The contract of every language model: the stories, told once for all adapters.

mod faults;
mod logs;

use std::sync::Arc;
use std::time::Duration;

use call::{Meter, Unit};
use models::{AnswerEvent, AnswerStream, ChatRequest, LanguageModel, Message, ModelError, Stop, ToolCall, ToolSpec};
use resilience::{BreakerPolicy, Guard, Policy, Service};
use serde_json::json;
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Seen, Simulator, Vendor};
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::faults::*;
pub(crate) use self::logs::*;

/// How long a story may take on a busy machine before it has failed.
const LIMIT: Duration = Duration::from_secs(10);
/// A dropped stream is gone at the vendor by then.
const GONE: Duration = Duration::from_millis(200);

/// One adapter: who it is, and how it is made.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) vendor: Vendor,
    pub(crate) service: Service,
    pub(crate) make: fn(&Making<'_>) -> Arc<dyn LanguageModel>,
}

/// What an adapter is made with.
pub(crate) struct Making<'a> {
    pub(crate) url: String,
    pub(crate) key: &'a str,
    pub(crate) first: Duration,
    pub(crate) stall: Duration,
    pub(crate) guard: Guard,
}

/// A simulator, and an adapter that talks to it.
pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) vendor: Vendor,
    pub(crate) guard: Guard,
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) meter: Meter,
}

impl Scene {
    /// On a good day; limits long enough for a busy machine.
    pub(crate) async fn new(case: &Case) -> Self {
        Self::with(case, Simulator::quick().await.unwrap(), "a-key", Duration::from_secs(5))
    }

    /// With a behaviour, and limits that a test can wait for.
    pub(crate) async fn behaving(case: &Case, behaviour: Behaviour, limit: Duration) -> Self {
        let simulator = Simulator::quick().await.unwrap();
        simulator.behave(case.vendor, behaviour);
        Self::with(case, simulator, "a-key", limit)
    }

    /// With a limit for the first word, and one between words.
    pub(crate) async fn patient(case: &Case, behaviour: Behaviour, first: Duration, stall: Duration) -> Self {
        let simulator = Simulator::quick().await.unwrap();
        simulator.behave(case.vendor, behaviour);
        Self::made(case, simulator, "a-key", (first, stall))
    }

    pub(crate) fn with(case: &Case, simulator: Simulator, key: &str, limit: Duration) -> Self {
        Self::made(case, simulator, key, (limit, limit))
    }

    fn made(case: &Case, simulator: Simulator, key: &str, (first, stall): (Duration, Duration)) -> Self {
        let policy = case.service.policy();
        let breaker = BreakerPolicy { open_for: Duration::from_millis(100), slow: None, ..policy.breaker };
        let guard = Guard::new(case.service, Policy { breaker, ..policy });
        let making = Making { url: simulator.url(case.vendor), key, first, stall, guard: guard.clone() };
        let model = (case.make)(&making);
        Self { simulator, vendor: case.vendor, guard, model, meter: Meter::new() }
    }

    pub(crate) async fn ask(&self, request: ChatRequest) -> Result<AnswerStream, ModelError> {
        self.model.answer(request, &self.meter).await
    }

    /// All events, and the error that ended them.
    pub(crate) async fn whole(&self, request: ChatRequest) -> (Vec<AnswerEvent>, Option<ModelError>) {
        match self.ask(request).await {
            Ok(stream) => drain(stream).await,
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.simulator.seen(self.vendor)
    }

    /// Polls until what is seen is so.
    pub(crate) async fn until(&self, limit: Duration, so: impl Fn(Seen) -> bool) {
        let deadline = Instant::now() + limit;
        while !so(self.seen()) {
            assert!(Instant::now() < deadline, "after {limit:?}: {:?}", self.seen());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) async fn drain(mut stream: AnswerStream) -> (Vec<AnswerEvent>, Option<ModelError>) {
    let mut events = Vec::new();
    while let Some(event) = timeout(LIMIT, stream.recv()).await.unwrap() {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

pub(crate) fn caller(text: &str) -> Message {
    Message::Caller { text: text.into() }
}

pub(crate) fn asking(messages: Vec<Message>) -> ChatRequest {
    let parameters = json!({ "type": "object", "properties": { "nights": { "type": "integer" } } });
    let tool = |name: &str| ToolSpec { name: name.into(), description: "Does it.".into(), parameters: parameters.clone() };
    let tools = Arc::new([tool("check_availability"), tool("end_call")]);
    ChatRequest { system: "You are the hotel.".into(), messages, tools, temperature: Some(0.7), max_tokens: 200 }
}

pub(crate) fn text(events: &[AnswerEvent]) -> String {
    events.iter().filter_map(|event| if let AnswerEvent::Text(text) = event { Some(text.as_str()) } else { None }).collect()
}

pub(crate) fn calls(events: &[AnswerEvent]) -> Vec<ToolCall> {
    events.iter().filter_map(|event| if let AnswerEvent::Call(call) = event { Some(call.clone()) } else { None }).collect()
}

fn used(meter: &Meter, unit: Unit) -> u64 {
    meter.usage().iter().filter(|line| line.unit == unit).map(|line| line.amount).sum()
}

pub(crate) async fn a_question_is_answered_word_by_word_and_its_tokens_are_counted(case: &Case) {
    let scene = Scene::new(case).await;
    let (events, error) = scene.whole(asking(vec![caller("When is breakfast?")])).await;
    assert_eq!(error, None);
    assert_eq!(text(&events), "Breakfast is served from seven to ten, in the room next to the lobby.");
    assert!(events.len() > 10 && events.last() == Some(&AnswerEvent::Done(Stop::Finished)), "{events:?}");
    // Four words of the system and three of the caller; fourteen of the answer.
    assert_eq!((used(&scene.meter, Unit::InputTokens), used(&scene.meter, Unit::OutputTokens)), (7, 14));
    assert!(scene.meter.usage().iter().all(|line| line.service == case.service.as_str() && line.model == scene.model.model()));
    assert_eq!(scene.uncounted(), 0);
    scene.until(LIMIT, |seen| seen == Seen { requests: 1, ..Seen::default() }).await;
    assert_eq!((scene.guard.view().counts.answered, scene.guard.view().counts.failed), (1, 0));
}

pub(crate) async fn a_tool_is_wished_for_and_its_answer_is_told(case: &Case) {
    let scene = Scene::new(case).await;
    let mut messages =
        vec![Message::Agent { text: "Hotel Miramar, good day.".into(), calls: vec![] }, caller("I would like"), caller("a room")];
    let (events, error) = scene.whole(asking(messages.clone())).await;
    assert_eq!((error, events.last()), (None, Some(&AnswerEvent::Done(Stop::Tools))));
    let [wish] = calls(&events).try_into().unwrap();
    assert_eq!(wish.name, "check_availability");
    let arguments: serde_json::Value = serde_json::from_str(&wish.arguments).unwrap();
    assert_eq!(arguments["nights"], 2);

    let answer = Message::Tool { id: wish.id.clone(), name: wish.name.clone(), content: "{\"free\":2}".into() };
    messages.push(Message::Agent { text: text(&events), calls: vec![wish] });
    // The caller spoke while it was looked up.
    messages.extend([caller("Are you there?"), answer]);
    let (events, error) = scene.whole(asking(messages[..messages.len() - 1].to_vec())).await;
    assert_eq!((error, events.is_empty()), (None, false), "an answer that is missing does not end the call");
    messages.swap(4, 5);
    let (events, error) = scene.whole(asking(messages[..5].to_vec())).await;
    assert_eq!((text(&events).as_str(), error), ("Yes, we have a room for you. Shall I book it?", None));
}

pub(crate) async fn arguments_are_handed_on_as_they_are(case: &Case) {
    let script = "[[line]]\ntool = \"end_call\"\nraw_arguments = '{\"reason\": \"bye'\n";
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let (mouth, ears, mind) = (Mouth::Hum, Ears::script(vec![]), Mind::parse(script).unwrap());
    let simulator = Simulator::start(Config { address: local, riva: local, mouth, ears, mind }).await.unwrap();
    let scene = Scene::with(case, simulator, "a-key", LIMIT);
    let (events, error) = scene.whole(asking(vec![caller("Goodbye.")])).await;
    assert_eq!((error, calls(&events)[0].arguments.as_str()), (None, "{\"reason\": \"bye"));
    // And such a wish can stand in the conversation that follows.
    let wish = calls(&events).remove(0);
    let told = Message::Tool { id: wish.id.clone(), name: wish.name.clone(), content: "{\"error\":\"no JSON\"}".into() };
    let (_, error) = scene.whole(asking(vec![caller("Goodbye."), Message::Agent { text: String::new(), calls: vec![wish] }, told])).await;
    assert_eq!(error, None);
}

pub(crate) async fn the_longest_answer_is_kept_to(case: &Case) {
    let scene = Scene::new(case).await;
    let (events, error) = scene.whole(ChatRequest { max_tokens: 3, ..asking(vec![caller("breakfast?")]) }).await;
    assert_eq!((text(&events).as_str(), error, events.last()), ("Breakfast is served", None, Some(&AnswerEvent::Done(Stop::Length))));
}

pub(crate) async fn a_check_asks_for_one_word(case: &Case) {
    let scene = Scene::new(case).await;
    scene.model.check().await.unwrap();
    assert_eq!(scene.seen().requests, 1);
    let script = "[[line]]\nsay = \"No.\"\n";
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let (mouth, ears, mind) = (Mouth::Hum, Ears::script(vec![]), Mind::parse(script).unwrap());
    let simulator = Simulator::start(Config { address: local, riva: local, mouth, ears, mind }).await.unwrap();
    let scene = Scene::with(case, simulator, "a-key", LIMIT);
    assert_eq!(scene.model.check().await, Err(ModelError::CheckFailed { model: case.service.as_str() }));
}

pub(crate) async fn a_dropped_answer_is_gone_at_the_vendor_at_once(case: &Case) {
    let slow = Behaviour { tokens_per_second: 5.0, ..Behaviour::default() };
    let scene = Scene::behaving(case, slow, LIMIT).await;
    let mut stream = scene.ask(asking(vec![caller("breakfast?")])).await.unwrap();
    assert!(matches!(stream.recv().await, Some(Ok(AnswerEvent::Text(_)))));
    assert_eq!(scene.seen().open, 1);
    drop(stream);
    scene.until(GONE, |seen| seen.open == 0 && seen.cancelled == 1).await;
    scene.uncounted_is(1).await;
    assert_eq!(scene.guard.view().counts.failed, 0, "that the caller spoke is no fault of the vendor");
    assert_eq!(scene.guard.view().in_use, 0);
}

pub(crate) async fn a_question_that_is_taken_back_is_gone_at_the_vendor_at_once(case: &Case) {
    let slow = Behaviour { first_ms: 60_000, ..Behaviour::default() };
    let scene = Scene::behaving(case, slow, LIMIT).await;
    let asked = scene.ask(asking(vec![caller("breakfast?")]));
    tokio::select! {
        _ = asked => panic!("nothing was answered"),
        () = scene.until(LIMIT, |seen| seen.open == 1) => {}
    }
    scene.until(GONE, |seen| seen.open == 0 && seen.cancelled == 1).await;
    assert_eq!((scene.guard.view().counts.ignored, scene.guard.view().in_use), (1, 0));
    assert_eq!(scene.uncounted(), 1, "it was asked");
}

impl Scene {
    /// Answers whose tokens were not told.
    pub(crate) fn uncounted(&self) -> u64 {
        used(&self.meter, Unit::Uncounted)
    }

    pub(crate) async fn uncounted_is(&self, wanted: u64) {
        let deadline = Instant::now() + LIMIT;
        while self.uncounted() != wanted {
            assert!(Instant::now() < deadline, "{} answers are uncounted", self.uncounted());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Tells every story for an adapter, under its own name.
macro_rules! stories {
    ($case:expr) => {
        crate::language::stories!($case;
            a_question_is_answered_word_by_word_and_its_tokens_are_counted,
            a_tool_is_wished_for_and_its_answer_is_told,
            arguments_are_handed_on_as_they_are,
            the_longest_answer_is_kept_to,
            a_check_asks_for_one_word,
            a_dropped_answer_is_gone_at_the_vendor_at_once,
            a_question_that_is_taken_back_is_gone_at_the_vendor_at_once,
            an_answer_that_stops_is_given_up_after_the_limit,
            an_answer_that_breaks_off_is_an_error_and_nothing_is_made_up_for_the_bill,
            a_vendor_that_takes_no_key_says_so,
            too_many_requests_pause_the_road_and_do_not_open_the_breaker,
            a_vendor_out_of_order_is_told_apart,
            nonsense_in_the_answer_ends_it,
            an_error_within_the_answer_ends_it,
            a_late_first_word_is_given_up_at_our_limit,
            a_vendor_that_says_nothing_is_given_up_at_our_limit,
            signs_of_life_are_no_first_word,
            the_first_word_has_its_own_limit,
            a_request_that_is_wrong_is_refused_and_says_nothing_about_the_vendor,
            the_breaker_opens_and_a_check_closes_it_again,
            what_callers_say_is_in_no_log_line_and_no_error
        );
    };
    ($case:expr; $($story:ident),*) => {
        $(
            #[tokio::test]
            async fn $story() {
                crate::language::$story(&$case).await;
            }
        )*
    };
}

pub(crate) use stories;
