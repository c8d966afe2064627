//! What happens to the conversation while another brain than a model has it, and at the handing over: the next model knows of it.

use flow::Exit;
use jiff::civil::DateTime;
use models::{Message, ToolCall};
use privacy::{Level, redact};

use super::talk::Talk;
use crate::BrainOutput;

impl Talk {
    pub(crate) fn at(&mut self, now: DateTime) {
        self.now = now;
    }

    pub(crate) fn now(&self) -> DateTime {
        self.now
    }

    /// Nothing of the model is under way any more.
    pub(crate) fn hand_over(&mut self) {
        self.drop_answer();
        self.state.consents.clear();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.ended.is_some()
    }

    /// Tools are under way; their answers bring the conversation on.
    pub(crate) fn has_tools_at_work(&self) -> bool {
        !self.state.round.is_empty()
    }

    /// What had ended with a transfer has not ended: nobody was reached.
    pub(crate) fn not_put_through(&mut self) {
        self.state.unreached += 1;
        self.state.ended.take_if(|exit| matches!(exit, Exit::Transfer { .. }));
    }

    /// The agent has said something in this call.
    pub(crate) fn has_spoken(&self) -> bool {
        self.state.history.messages().any(|message| matches!(message, Message::Agent { .. }))
    }

    /// An effect is there of which the caller was told nothing. Asked once.
    pub(crate) fn take_untold_effect(&mut self) -> bool {
        std::mem::take(&mut self.state.untold_effect)
    }

    /// The tool call with this id changes something.
    pub(crate) fn is_effect(&self, id: u32) -> bool {
        self.state.round.iter().any(|slot| slot.is_effect(id))
    }

    /// What waits to be said or done, without thinking.
    pub(crate) fn next_ready(&mut self) -> Option<BrainOutput> {
        let ready = self.ready.pop_front()?;
        self.taken(&ready);
        Some(ready.output)
    }

    /// The call has begun with another's greeting.
    pub(crate) fn begun_by_another(&mut self) {
        self.state.started = true;
    }

    pub(crate) fn heard_by_another(&mut self, text: &str) {
        self.state.turn.clear();
        self.state.history.caller(&redact(text, Level::Cards).replace(['[', ']'], " "));
        self.state.history.trim();
    }

    pub(crate) fn said_by_another(&mut self, text: &str) {
        self.said(text);
    }

    pub(crate) fn done_by_another(&mut self, call: ToolCall, answer: String) {
        self.state.history.tools(vec![(call, answer)]);
    }

    pub(crate) fn ended_by_another(&mut self, exit: Exit) {
        self.state.ended = Some(exit);
    }

    /// The caller has the floor.
    pub(crate) fn turn_over(&mut self) {
        self.state.turn_over = true;
    }

    pub(crate) fn cut(&mut self, heard: &str) {
        self.interrupted(heard, 0);
    }
}
