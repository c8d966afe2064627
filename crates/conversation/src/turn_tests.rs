//! Stories of who has the floor.

use super::*;

struct Line {
    conversation: Conversation,
    now: Instant,
    seen: Vec<Action>,
}

impl Line {
    fn open(rules: TurnTaking) -> Self {
        let now = crate::now();
        Self { conversation: Conversation::new(rules, now), now, seen: Vec::new() }
    }

    /// Lets the caller speak or be quiet for a while, in frames of 20 ms, with timers running.
    fn hear(&mut self, voice: bool, ms: u64) -> &mut Self {
        for _ in 0..ms / 20 {
            self.now += Duration::from_millis(20);
            self.conversation.frame(voice, self.now);
            self.conversation.handle_timeout(self.now);
            while let Some(action) = self.conversation.poll_action() {
                self.seen.push(action);
            }
        }
        self
    }

    fn saw(&self, wanted: impl Fn(&Action) -> bool) -> bool {
        self.seen.iter().any(wanted)
    }
}

#[test]
fn caller_interrupts_the_agent() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(true);
    line.hear(false, 500).hear(true, 600);
    assert_eq!(line.seen.iter().filter(|action| **action == Action::Interrupt).count(), 1);
    assert!(line.saw(|action| matches!(action, Action::StartUtterance { .. })));
    line.conversation.caller_turn(line.now);
    line.hear(false, 800);
    assert!(line.saw(|action| matches!(action, Action::FinishUtterance { .. })));
}

#[test]
fn a_cough_does_not_interrupt_the_agent() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(true);
    line.hear(true, 100).hear(false, 1000);
    assert!(line.seen.is_empty());
}

#[test]
fn a_notice_cannot_be_interrupted() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(false);
    line.hear(true, 1500).hear(false, 1000);
    assert!(line.seen.is_empty());
}

#[test]
fn silence_is_counted_and_an_answer_resets_it() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 1 }));
    line.conversation.caller_turn(line.now);
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 2 }));
    line.conversation.caller_turn(line.now);
    line.conversation.caller_answered();
    line.seen.clear();
    line.hear(false, 7100);
    assert!(line.saw(|action| *action == Action::Silence { count: 1 }));
}

#[test]
fn a_caller_who_speaks_past_the_silence_limit_is_not_silent() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.hear(false, 5_000).hear(true, 4_000).hear(false, 2_000);
    assert!(line.saw(|action| matches!(action, Action::FinishUtterance { .. })));
    assert!(!line.saw(|action| matches!(action, Action::Silence { .. })), "{:?}", line.seen);
}

#[test]
fn silence_is_not_the_callers_fault_while_the_agent_thinks() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.conversation.agent_thinks(line.now);
    line.hear(false, 14_000);
    assert!(line.seen.is_empty());
    line.hear(false, 2_000);
    assert_eq!(line.seen, [Action::Stalled], "a brain that never answers does not leave the line dead");
}

#[test]
fn keys_are_complete_after_a_pause() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(true);
    line.conversation.key(line.now);
    line.conversation.caller_turn(line.now);
    line.hear(false, 1000);
    line.conversation.key(line.now);
    line.hear(false, 3000);
    assert_eq!(line.seen, [Action::Interrupt, Action::KeysDone]);
}

#[test]
fn a_goodbye_waits_for_its_mark_but_not_for_ever() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.agent_speaks(false);
    line.conversation.goodbye(Duration::from_secs(1), line.now);
    line.hear(true, 2000);
    assert!(line.seen.is_empty());
    line.hear(false, 1100);
    assert_eq!(line.seen, [Action::GoodbyeOver]);
    line.conversation.goodbye_heard();
    assert_eq!(line.conversation.poll_action(), None);
}

#[test]
fn the_longest_call_is_announced_twice_and_then_ended() {
    // A quarter of it each: the hint after 10 s, the last words after 15 s.
    let mut line = Line::open(TurnTaking::default().lasting(Duration::from_secs(20)));
    line.conversation.agent_speaks(true);
    line.hear(false, 9_800);
    assert_eq!(line.seen, []);
    line.hear(false, 400);
    assert_eq!(line.seen, [Action::TimeIsShort]);
    line.hear(false, 5_000);
    assert_eq!(line.seen, [Action::TimeIsShort, Action::TimeIsUp]);
    line.hear(false, 5_000);
    assert_eq!(line.seen, [Action::TimeIsShort, Action::TimeIsUp, Action::MaxDuration]);
}

#[test]
fn a_long_call_is_announced_a_minute_before_its_end() {
    let rules = TurnTaking::default().lasting(Duration::from_secs(600));
    assert_eq!((rules.last_words, rules.short_of_time), (Duration::from_secs(15), Duration::from_secs(45)));
    let mut line = Line::open(rules);
    line.conversation.agent_speaks(true);
    line.hear(false, 539_000);
    assert_eq!(line.seen, []);
    line.hear(false, 2_000);
    assert_eq!(line.seen, [Action::TimeIsShort]);
}

#[test]
fn every_timer_that_is_due_is_gone_after_it_was_handled() {
    let mut line = Line::open(TurnTaking::default());
    line.conversation.caller_turn(line.now);
    line.conversation.key(line.now);
    for _ in 0..10 {
        let Some(due) = line.conversation.deadline() else { return };
        line.conversation.handle_timeout(due);
        assert!(line.conversation.deadline().is_none_or(|next| next > due), "a timer that stays due spins the loop");
    }
}
