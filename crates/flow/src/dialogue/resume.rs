//! Going on after a break: the line was cut, or the process died, and a new one has the snapshot.

use super::Dialogue;
use super::say::Extra;
use crate::vocabulary::Output;

impl Dialogue {
    /// Says that there was a break, then what the caller missed or the open question; a tool that was being called is called again under the
    /// same id, so that whoever keeps ids with effects does nothing twice.
    pub(super) fn resumed(&mut self, missed: bool) {
        if !self.state.started {
            return self.started();
        }
        let said = std::mem::take(&mut self.state.turn);
        self.state.keys.clear();
        self.state.starred = false;
        let flow = self.flow.clone();
        let bridge = self.fill(flow.prompts.get("resumed"), &Extra::default()).unwrap_or_default();
        if !bridge.is_empty() {
            // Not part of the turn: who asks for it to be repeated wants the question.
            self.out.push_back(Output::Say { text: bridge, interruptible: true });
        }
        // By keys alone no read-back can be answered; but an effect that was confirmed must be known before anything else is said.
        if self.state.keypad_only && self.state.pending.as_ref().is_none_or(|pending| pending.query.is_some()) {
            return self.menu_instead();
        }
        if missed {
            said.into_iter().for_each(|text| self.say_text(text));
        }
        match self.state.pending.clone() {
            Some(pending) => self.out.push_back(Output::CallTool { id: pending.id, tool: pending.tool, arguments: pending.arguments }),
            None if missed && !self.state.turn.is_empty() => self.listen(self.state.asked.clone()),
            None => self.ask(self.state.asked.clone(), false),
        }
    }

    /// Gives up what is under way for the key menu.
    pub(super) fn menu_instead(&mut self) {
        self.state.tasks.clear();
        self.state.pending = None;
        self.state.remembered = None;
        self.keypad_menu();
    }
}
