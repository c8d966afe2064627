//! Conversations from the first word to the last, without a socket: a sentence is said, recognised, and given to the dialogue.

use std::sync::Arc;

use anyhow::Context;
use flow::{Dialogue, Exit, Flow, Input, Output};
use jiff::civil::{DateTime, date};
use serde::Serialize;

use super::caller::{Caller, Task, Tasks};
use super::desk::{Books, CALLER, Desk};
use super::telephone::Telephone;

/// Sentences of the caller in one conversation; whoever needs more has not been served.
const MOST_TURNS: u32 = 20;
/// Today, for the dialogue.
const NOW: DateTime = date(2027, 1, 14).at(12, 0, 0, 0);
/// Picks the agent's variants, the same in every run.
const SEED: u64 = 1;

/// How the caller's words reach the dialogue.
pub(super) enum Ear<'a> {
    /// As they are: what the dialogue can do when it hears everything.
    Typed,
    /// Spoken by this voice, and recognised.
    Spoken(&'a mut Telephone, &'a str),
}

/// How one task went.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    pub(super) task: String,
    pub(super) success: bool,
    /// Something was done that nobody wanted.
    pub(super) harm: bool,
    pub(super) turns: u32,
    pub(super) why: String,
    pub(super) lines: Vec<String>,
}

/// Reads the tasks.
pub(super) fn load() -> anyhow::Result<Vec<Task>> {
    Ok(toml::from_str::<Tasks>(include_str!("tasks.toml")).context("tasks.toml")?.tasks)
}

/// Plays one task to its end.
pub(super) async fn play(task: &Task, flow: &Arc<Flow>, mut ear: Ear<'_>) -> anyhow::Result<Done> {
    let desk = Desk::open(task).await?;
    let code = desk.code.clone();
    let mut scene = Scene {
        desk,
        dialogue: Dialogue::new(Arc::clone(flow), SEED, Some(CALLER.to_owned())),
        agent: String::new(),
        all: String::new(),
        lines: Vec::new(),
        state: String::new(),
        exit: None,
    };
    let mut caller = Caller::new(task, code.as_deref());
    let (mut turns, mut why) = (0, "the caller was done");
    scene.tell(Input::Started).await;
    while scene.exit.is_none() {
        let Some(words) = caller.reply(&scene.agent, &scene.state) else {
            if scene.state != "main" {
                why = "the caller was asked something that does not belong to the task";
            }
            break;
        };
        if turns == MOST_TURNS {
            why = "it took too long";
            break;
        }
        turns += 1;
        let (heard, confidence) = match &mut ear {
            Ear::Typed => (words.clone(), 1.0),
            Ear::Spoken(telephone, voice) => {
                let heard = telephone.say(voice, &words, &scene.state).await?;
                (heard.transcript.text, heard.transcript.confidence)
            }
        };
        scene.lines.push(format!("caller: {words} | heard: {heard} ({confidence:.2}) | state: {}", scene.state));
        let meant = scene.answer_to(words, confidence);
        scene.tell(if heard.is_empty() { Input::NotUnderstood } else { Input::Heard { text: heard, confidence } }).await;
        caller.was_taken_for(meant == scene.agent);
    }
    scene.judge(task, turns, why).await
}

struct Scene {
    desk: Desk,
    dialogue: Dialogue,
    /// What the agent said since the caller's last words.
    agent: String,
    all: String,
    lines: Vec<String>,
    state: String,
    exit: Option<Exit>,
}

impl Scene {
    /// Gives the dialogue an input, and does what it asks for until it listens or ends.
    async fn tell(&mut self, input: Input) {
        self.agent.clear();
        self.dialogue.handle(input, NOW);
        while let Some(output) = self.dialogue.poll_output() {
            match output {
                Output::Say { text, .. } => {
                    self.lines.push(format!("agent: {text}"));
                    for log in [&mut self.agent, &mut self.all] {
                        log.push_str(&text);
                        log.push(' ');
                    }
                }
                Output::Listen { state, .. } => self.state = state,
                Output::CallTool { id, tool, arguments } => {
                    let outcome = self.desk.call(id, &tool, &arguments).await;
                    self.lines.push(format!("tool: {tool} {arguments}"));
                    self.dialogue.handle(Input::ToolAnswered { id, outcome }, NOW);
                }
                Output::Dtmf { .. } | Output::Sound(_) | Output::Words(_) | Output::SoundOver | Output::CallerSaid(_) => {}
                Output::End(exit) => self.exit = Some(exit),
            }
        }
    }

    /// What the agent would say now if it had heard every word, and were as sure of them.
    fn answer_to(&self, text: String, confidence: f32) -> String {
        let mut twin = self.dialogue.clone();
        twin.handle(Input::Heard { text, confidence }, NOW);
        let mut said = String::new();
        while let Some(output) = twin.poll_output() {
            if let Output::Say { text, .. } = output {
                said.push_str(&text);
                said.push(' ');
            }
        }
        said
    }

    async fn judge(self, task: &Task, turns: u32, why: &str) -> anyhow::Result<Done> {
        let books = self.desk.books(&task.books).await?;
        let unsaid = task.said.iter().find(|words| !self.all.contains(*words));
        let transferred = matches!(self.exit, Some(Exit::Transfer { .. }));
        let fault = match (books, unsaid) {
            (Books::Wrong, _) => Some("the hotel's books are wrong".to_owned()),
            (Books::Unchanged, _) => Some("nothing was done".to_owned()),
            (Books::Right, Some(words)) => Some(format!("the caller was not told {words:?}")),
            (Books::Right, None) if transferred != task.transferred => {
                Some("the caller was put through, or was not, against the task".to_owned())
            }
            (Books::Right, None) => None,
        };
        Ok(Done {
            task: task.name.clone(),
            success: fault.is_none(),
            harm: books == Books::Wrong,
            turns,
            why: fault.map_or_else(String::new, |fault| format!("{fault} ({why})")),
            lines: self.lines,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_who_is_heard_perfectly_is_served_in_every_task() {
        let flow = Arc::new(super::super::flow().unwrap());
        let tasks = load().unwrap();
        assert!(tasks.len() >= 10);
        for task in tasks {
            let done = play(&task, &flow, Ear::Typed).await.unwrap();
            assert!(done.success, "{}: {}\n{}", done.task, done.why, done.lines.join("\n"));
        }
    }
}
