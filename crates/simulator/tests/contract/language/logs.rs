//! What is logged.

use std::io;
use std::sync::{Arc, Mutex};

use models::{AnswerEvent, Message, ToolCall};
use simulator::{Behaviour, Trouble};

use super::{Case, LIMIT, Scene, asking, caller, drain};

/// A word that nothing but the caller says.
const WORD: &str = "rhododendron";

/// Everything that is logged on this thread, which is all of a test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn what_callers_say_is_in_no_log_line_and_no_error(case: &Case) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let logged = tracing::subscriber::set_default(subscriber);
    let mut printed = String::new();
    let troubles = [Trouble::Cut { after: 2 }, Trouble::Malformed { after: 1 }, Trouble::Error { after: 1 }, Trouble::WrongKey];
    let wish = ToolCall { id: "w".into(), name: "end_call".into(), arguments: format!("{{\"said\":\"{WORD}\"}}") };
    let told = Message::Tool { id: "w".into(), name: "end_call".into(), content: format!("{{\"heard\":\"{WORD}\"}}") };
    let spoken = vec![caller(WORD), Message::Agent { text: WORD.into(), calls: vec![wish] }, told, caller(WORD)];
    for trouble in [None].into_iter().chain(troubles.map(Some)) {
        let scene = Scene::behaving(case, Behaviour { trouble, ..Behaviour::default() }, LIMIT).await;
        let request = asking(spoken.clone());
        printed += &format!("{request:?}");
        match scene.ask(request).await {
            Ok(stream) => {
                let (events, error) = drain(stream).await;
                // The simulated model says again what it heard: the word did come back.
                assert!(trouble.is_some() || events.iter().any(|event| matches!(event, AnswerEvent::Text(text) if text.contains(WORD))));
                printed += &format!("{events:?} {error:?} {}", error.as_ref().map(ToString::to_string).unwrap_or_default());
            }
            Err(error) => printed += &format!("{error:?} {error}"),
        }
    }
    tracing::warn!("the subscriber listens");
    drop(logged);
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("the subscriber listens"));
    assert!(!lines.contains(WORD) && !printed.contains(WORD), "{printed}\n{lines}");
}
