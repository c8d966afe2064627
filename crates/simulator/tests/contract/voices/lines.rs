//! What is logged.

use std::io;
use std::sync::{Arc, Mutex};

use simulator::{Behaviour, Trouble};

use super::{Case, Scene, TEXT, WORD};

/// Everything that is logged on this thread, which is all of a test.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Listens as long as what is given back lives.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

pub(crate) async fn what_is_said_is_in_no_log_line_and_no_error(case: &Case) {
    let lines = Lines::default();
    let listening = lines.listen();
    let mut printed = String::new();
    let troubles = [
        Trouble::Cut { after: 2 },
        Trouble::Stall { after: 0 },
        Trouble::Malformed { after: 0 },
        Trouble::WrongKey,
        Trouble::Unavailable { status: 500 },
    ];
    for trouble in [None].into_iter().chain(troubles.map(Some)) {
        let scene = Scene::behaving(case, Behaviour { trouble, ..Behaviour::default() }).await;
        let (_, error) = scene.said(TEXT, 8000).await;
        assert_eq!(error.is_some(), trouble.is_some());
        printed += &format!("{error:?} {}", error.as_ref().map(ToString::to_string).unwrap_or_default());
    }
    tracing::warn!("the subscriber listens");
    drop(listening);
    assert!(lines.text().contains("the subscriber listens"));
    assert!(!lines.text().contains(WORD) && !printed.contains(WORD), "{printed}\n{}", lines.text());
}
