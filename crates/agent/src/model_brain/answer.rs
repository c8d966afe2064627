//! One answer of a model, from the request to its end.

use std::sync::Arc;

use call::Meter;
use futures_util::future::BoxFuture;
use models::{AnswerEvent, AnswerStream, ChatRequest, LanguageModel, ModelError, Stop, ToolCall};
use tokio::time::{Instant, timeout_at};

use super::sentences::Splitter;
use super::{Broken, Limits};

/// Most text of one answer, bytes; what is beyond is not said.
const MAX_TEXT: usize = 16 * 1024;
/// Most wishes of one answer.
const MAX_CALLS: usize = 16;

/// An answer under way. Dropped, it is cancelled.
pub(super) struct Answer {
    stage: Stage,
    splitter: Splitter,
    due: Instant,
    limits: Limits,
    read: usize,
    calls: Vec<ToolCall>,
    /// Words of it were handed out.
    pub(super) spoke: bool,
}

enum Stage {
    Asking(BoxFuture<'static, Result<AnswerStream, ModelError>>),
    Reading { stream: AnswerStream, begun: bool },
    Over,
}

/// What came of it.
pub(super) enum Piece {
    /// Sentences as the model wrote them; perhaps none.
    Words(Vec<String>),
    /// All of it: the last words, and what it wants.
    Over(Option<String>, Vec<ToolCall>),
}

impl Answer {
    pub(super) fn ask(model: Arc<dyn LanguageModel>, request: ChatRequest, meter: Meter, language: &str, limits: Limits) -> Self {
        let asking = Box::pin(async move { model.answer(request, &meter).await });
        let (splitter, due) = (Splitter::new(language), Instant::now() + limits.first);
        Self { stage: Stage::Asking(asking), splitter, due, limits, read: 0, calls: Vec::new(), spoke: false }
    }

    /// The next piece; waits for ever after the last. May be dropped and called again without loss.
    pub(super) async fn next(&mut self) -> Result<Piece, Broken> {
        let (first, stall) = (Broken::Late(self.limits.first), Broken::Stalled(self.limits.stall));
        match &mut self.stage {
            Stage::Over => std::future::pending().await,
            Stage::Asking(asking) => {
                let stream = timeout_at(self.due, asking).await.map_err(|_| first)??;
                self.stage = Stage::Reading { stream, begun: false };
                Ok(Piece::Words(Vec::new()))
            }
            Stage::Reading { stream, begun } => {
                let late = if *begun { stall } else { first };
                let event = timeout_at(self.due, stream.recv()).await.map_err(|_| late)?.ok_or(Broken::Cut)??;
                *begun = true;
                self.due = Instant::now() + self.limits.stall;
                Ok(self.event(event))
            }
        }
    }

    fn event(&mut self, event: AnswerEvent) -> Piece {
        match event {
            AnswerEvent::Text(text) if self.read + text.len() <= MAX_TEXT => {
                self.read += text.len();
                Piece::Words(self.splitter.push(&text))
            }
            AnswerEvent::Call(call) if self.calls.len() < MAX_CALLS => {
                self.calls.push(call);
                Piece::Words(Vec::new())
            }
            AnswerEvent::Text(_) | AnswerEvent::Call(_) => self.over(),
            // What the vendor kept back is missing at the end; what was said before it stands.
            AnswerEvent::Done(Stop::Finished | Stop::Tools | Stop::Length | Stop::Filtered) => self.over(),
        }
    }

    fn over(&mut self) -> Piece {
        self.stage = Stage::Over;
        Piece::Over(self.splitter.finish(), std::mem::take(&mut self.calls))
    }
}
