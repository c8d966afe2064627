//! What instances leave for each other: offers, commands, hints.

use std::time::Duration;

use tokio::sync::watch;

use super::steps::*;
use super::{Live, Stages};
use crate::{Command, Leaving, Rules};

/// Any instance may read an offer; one takes it.
pub async fn an_offer_is_taken_once(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let handles = [stage.state(), stage.second().await];
    let text = "{\"from\":\"..06\",\"token\":\"x\\\"y\"}";
    handles[0].share_offer("CA1", "old", seconds(30)).await.unwrap();
    handles[0].share_offer("CA1", text, seconds(30)).await.unwrap();
    assert_eq!(handles[1].offer("CA1").await.unwrap().as_deref(), Some(text));
    let mut takers = tokio::task::JoinSet::new();
    for number in 0..10 {
        let state = handles[number % 2].clone();
        takers.spawn(async move { state.take_offer("CA1").await.unwrap() });
    }
    let taken: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, [text]);
    assert_eq!(handles[0].offer("CA1").await.unwrap(), None);
}

/// Read or not.
pub async fn an_offer_runs_out(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    state.share_offer("CA1", "one", seconds(10)).await.unwrap();
    state.share_offer("CA2", "two", seconds(30)).await.unwrap();
    stage.advance(seconds(9)).await;
    assert_eq!(state.offer("CA1").await.unwrap().as_deref(), Some("one"));
    stage.advance(seconds(2)).await;
    assert_eq!((state.offer("CA1").await.unwrap(), state.take_offer("CA1").await.unwrap()), (None, None));
    assert_eq!(state.take_offer("CA2").await.unwrap().as_deref(), Some("two"));
}

/// To the instance they are for, and for a minute.
pub async fn commands_are_shown_once_and_in_order(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (state, other) = (stage.state(), stage.second().await);
    let commands = [
        Command::Hangup { call_id: "CA1".into() },
        Command::OfferTaken { call_id: "CA2".into(), token_digest: "d1".into() },
        Command::LetGo { call_id: "CA3".into() },
    ];
    for command in &commands {
        other.send(&name("a"), command).await.unwrap();
    }
    assert!(state.inbox(&name("b")).await.unwrap().commands.is_empty());
    assert_eq!(state.inbox(&name("a")).await.unwrap().commands, commands);
    assert!(state.inbox(&name("a")).await.unwrap().commands.is_empty());
    other.send(&name("a"), &commands[0]).await.unwrap();
    stage.advance(seconds(61)).await;
    assert!(state.inbox(&name("a")).await.unwrap().commands.is_empty(), "nobody looked for a minute");
}

/// In a full inbox the oldest makes room.
pub async fn commands_are_bounded(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let state = stage.state();
    for number in 0..Rules::COMMANDS + 3 {
        state.send(&name("a"), &Command::Hangup { call_id: number.to_string() }).await.unwrap();
    }
    let commands = state.inbox(&name("a")).await.unwrap().commands;
    assert_eq!(commands.len(), Rules::COMMANDS);
    assert_eq!(commands.first(), Some(&Command::Hangup { call_id: "3".into() }));
}

/// Does it until a hint comes: hints may be missed, above all before a subscription stands.
async fn until_hinted<F: AsyncFnMut()>(hints: &mut watch::Receiver<u64>, what: &str, mut act: F) {
    for _ in 0..20 {
        hints.mark_unchanged();
        act().await;
        if tokio::time::timeout(Duration::from_millis(250), hints.changed()).await.is_ok_and(|hint| hint.is_ok()) {
            return;
        }
    }
    panic!("no hint came for {what}");
}

/// Grant, command, removal and clearing reach the instance that is concerned.
pub async fn hints_tell_to_look(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (state, other): (Live, Live) = (stage.state(), stage.second().await);
    let mut hints = state.hints(&name("a"));
    beat(&other, "a", 1).await;
    until_hinted(&mut hints, "a command", async || {
        other.send(&name("a"), &Command::Hangup { call_id: "CA1".into() }).await.unwrap();
    })
    .await;
    until_hinted(&mut hints, "a grant", async || {
        other.enqueue(&caller("CA1", Some("a"))).await.unwrap();
        other.serve_queue().await.unwrap();
        state.remove("CA1", Leaving::Abandoned).await.unwrap();
    })
    .await;
    beat(&other, "a", 0).await;
    until_hinted(&mut hints, "a removal", async || {
        other.enqueue(&caller("CA1", Some("a"))).await.unwrap();
        assert!(other.remove("CA1", Leaving::Removed).await.unwrap());
    })
    .await;
    until_hinted(&mut hints, "clearing", async || {
        other.enqueue(&caller("CA1", Some("a"))).await.unwrap();
        assert_eq!(other.clear().await.unwrap(), 1);
    })
    .await;
}

/// It can be asked by many at once, and says what it is.
pub async fn a_check_passes(on: &dyn Stages) {
    let stage = on.open(Rules::default()).await;
    let (one, two) = (stage.state(), stage.second().await);
    for _ in 0..10 {
        let (a, b, c) = tokio::join!(one.check(), two.check(), one.check());
        a.and(b).and(c).unwrap();
    }
    assert!(!one.kind().is_empty());
    assert_eq!(one.call_count().await.unwrap(), 0, "it leaves nothing behind");
    one.set_shutting_down(true, seconds(10)).await.unwrap();
    one.set_shutting_down(false, seconds(10)).await.unwrap();
}
