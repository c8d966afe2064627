//! Connections: how many, which one is taken, and what becomes of one that fails.

use std::iter::zip;

use futures_util::future::join_all;
use outbound::Fault;
use resilience::Why;
use riva::Channels;
use riva::asr::{RecognitionConfig, StreamingRecognitionConfig};
use riva::{Answers, Sound};

use super::line::Line;
use super::*;

fn config() -> StreamingRecognitionConfig {
    let config = RecognitionConfig {
        encoding: riva::base::AudioEncoding::LinearPcm.into(),
        sample_rate_hertz: 16_000,
        language_code: "en-US".into(),
        ..RecognitionConfig::default()
    };
    StreamingRecognitionConfig { config: Some(config), interim_results: true }
}

/// Half a second of tone.
fn tone() -> Vec<u8> {
    (0..8000).flat_map(|at| if at % 80 < 40 { 6000_i16 } else { -6000 }.to_le_bytes()).collect()
}

/// A stream that has been heard of.
async fn stream(channels: &Channels) -> (Sound, Answers) {
    tried(channels).await.unwrap()
}

async fn tried(channels: &Channels) -> Result<(Sound, Answers), Fault> {
    let (sound, mut answers) = channels.listen(config()).await?;
    sound.send(tone().into()).await;
    assert!(within(answers.next()).await?.is_some(), "it ended without a word");
    Ok((sound, answers))
}

/// The end of a stream.
async fn end((sound, mut answers): (Sound, Answers)) -> Result<bool, Fault> {
    drop(sound);
    let mut heard = false;
    while let Some(answer) = within(answers.next()).await? {
        heard |= answer.results.iter().any(|result| result.is_final);
    }
    Ok(heard)
}

#[tokio::test]
async fn five_connections_are_open_before_anybody_calls() {
    let simulator = Simulator::quick().await.unwrap();
    let line = Line::to(&simulator.url(Vendor::Riva)).await;
    let pool = Channels::new(channels(line.url()), guard()).unwrap();
    eventually("five connections", PATIENCE, || line.open() == 5).await;
    assert_eq!(simulator.seen(Vendor::Riva).requests, 0);
    drop(pool);
    eventually("they close with the pool", PATIENCE, || line.open() == 0).await;
}

#[tokio::test]
async fn the_least_busy_connection_is_taken() {
    let simulator = Simulator::quick().await.unwrap();
    let pool = Channels::new(channels(simulator.url(Vendor::Riva)), guard()).unwrap();
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(stream(&pool).await);
    }
    let mut busy = pool.view().streams;
    assert_eq!((pool.view().in_use, pool.view().max, pool.view().idle), (12, 500, 0));
    busy.sort_unstable();
    assert_eq!(busy, [2, 2, 2, 3, 3]);
    // Every fifth stream is on the same connection: when they end, the next ones go there, and not in turn.
    for number in [10, 5, 0] {
        drop(streams.remove(number));
    }
    assert!(pool.view().streams.contains(&0), "{:?}", pool.view().streams);
    for _ in 0..3 {
        streams.push(stream(&pool).await);
    }
    let mut busy = pool.view().streams;
    busy.sort_unstable();
    assert_eq!(busy, [2, 2, 2, 3, 3]);
    assert!(join_all(streams.into_iter().map(end)).await.into_iter().all(|heard| heard.unwrap()));
    assert_eq!((pool.view().in_use, pool.view().idle, pool.view().waits), (0, 5, 0));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_replaced_while_the_others_go_on() {
    let simulator = Simulator::quick().await.unwrap();
    let line = Line::to(&simulator.url(Vendor::Riva)).await;
    let pool = Channels::new(channels(line.url()), guard()).unwrap();
    eventually("five connections", PATIENCE, || line.open() == 5).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(stream(&pool).await);
    }
    line.cut(2);
    let ends = join_all(streams.into_iter().map(end)).await;
    let (good, cut): (Vec<_>, Vec<_>) = ends.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), cut.len()), (8, 2));
    assert!(cut.into_iter().all(|cut| matches!(cut, Err(Fault::Cut(_)))));
    assert_eq!(pool.view().replaced, 1);
    eventually("five again", PATIENCE, || line.open() == 5).await;
    assert!(end(stream(&pool).await).await.unwrap());
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let simulator = Simulator::quick().await.unwrap();
    let line = Line::to(&simulator.url(Vendor::Riva)).await;
    let guard = guard();
    let watched = ChannelsConfig { idle: Duration::from_millis(100), ..channels(line.url()) };
    let pool = Channels::new(watched, guard.clone()).unwrap();
    eventually("five connections", PATIENCE, || line.open() == 5).await;
    (0..5).for_each(|number| line.cut(number));
    eventually("all are gone", PATIENCE, || line.open() == 0).await;
    // Who comes in the very moment of the cut may meet a connection that is not known to be gone; each can do that once.
    let mut lost = 0;
    let back = loop {
        match tried(&pool).await {
            Ok(back) => break back,
            Err(fault) => assert!(matches!(fault, Fault::Connect(_) | Fault::Cut(_)), "{fault}"),
        }
        lost += 1;
        guard.reset();
    };
    assert!(lost <= 5 && end(back).await.unwrap());
    eventually("five again", PATIENCE, || line.open() == 5).await;
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pool = Channels::new(ChannelsConfig { tend: PATIENCE, ..channels(format!("http://{gone}")) }, guard()).unwrap();
    let begun = Instant::now();
    let (_sound, mut answers) = pool.listen(config()).await.unwrap();
    assert!(matches!(within(answers.next()).await, Err(Fault::Connect(_))));
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn a_full_pool_says_so_in_time_and_loses_no_place() {
    let simulator = Simulator::quick().await.unwrap();
    let small =
        ChannelsConfig { channels: 2, streams: 1, waiting: 1, wait: Duration::from_millis(80), ..channels(simulator.url(Vendor::Riva)) };
    let guard = guard();
    let pool = Channels::new(small, guard.clone()).unwrap();
    let (one, _two) = (stream(&pool).await, stream(&pool).await);
    let begun = Instant::now();
    let full = pool.listen(config()).await.err();
    assert!(matches!(full, Some(Fault::NotAsked(rejected)) if rejected.why == Why::Full));
    assert!((Duration::from_millis(75)..Duration::from_millis(400)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    // Whoever waits gets the place that becomes free; who comes when the line is full is told at once.
    let (waits, told) = tokio::join!(pool.listen(config()), async {
        let told = pool.listen(config()).await.err();
        drop(one);
        told
    });
    assert!(matches!(told, Some(Fault::NotAsked(_))));
    drop(waits.unwrap());
    let view = pool.view();
    assert_eq!((view.in_use, view.waiting, view.waits), (1, 0, 2));
    assert!(view.waited >= Duration::from_millis(75));
    assert_eq!(guard.view().counts.failed, 0, "that we are busy says nothing about Riva");
}

#[tokio::test]
async fn waiters_that_give_up_leave_no_hole() {
    let simulator = Simulator::quick().await.unwrap();
    let small = ChannelsConfig { channels: 1, streams: 2, waiting: 8, wait: PATIENCE, ..channels(simulator.url(Vendor::Riva)) };
    let pool = Channels::new(small, guard()).unwrap();
    let streams = (stream(&pool).await, stream(&pool).await);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.listen(config()).await.map(drop) })
        })
        .collect();
    eventually("four wait", PATIENCE, || pool.view().waiting == 4).await;
    // Some leave the line, and places become free at the same moment.
    for (number, waiter) in zip(0.., &waiters) {
        if number % 2 == 0 {
            waiter.abort();
        }
    }
    drop(streams);
    for (number, waiter) in zip(0.., waiters) {
        assert_eq!(within(waiter).await.is_ok(), number % 2 == 1);
    }
    assert_eq!((pool.view().waiting, pool.view().in_use), (0, 0));
    let both = (stream(&pool).await, stream(&pool).await);
    assert_eq!(pool.view().in_use, 2);
    drop(both);
}

#[tokio::test]
async fn old_connections_are_replaced_and_their_streams_go_on() {
    let simulator = Simulator::quick().await.unwrap();
    let line = Line::to(&simulator.url(Vendor::Riva)).await;
    let short = ChannelsConfig { channels: 1, max_age: Duration::from_millis(150), ..channels(line.url()) };
    let pool = Channels::new(short, guard()).unwrap();
    let long = stream(&pool).await;
    eventually("a newer connection beside the old one", PATIENCE, || line.open() == 2).await;
    assert!(end(long).await.unwrap());
    assert_eq!(pool.view().replaced, 0, "none of them failed");
}

#[tokio::test]
async fn a_drain_waits_for_streams_and_takes_no_new_ones() {
    let simulator = Simulator::quick().await.unwrap();
    let line = Line::to(&simulator.url(Vendor::Riva)).await;
    let pool = Channels::new(channels(line.url()), guard()).unwrap();
    let last = stream(&pool).await;
    assert!(!pool.drain(Duration::from_millis(50)).await, "one is under way");
    assert!(matches!(pool.listen(config()).await.err(), Some(Fault::NotAsked(_))));
    assert!(end(last).await.unwrap());
    eventually("the connections close", PATIENCE, || line.open() == 0).await;
    let other = Channels::new(channels(simulator.url(Vendor::Riva)), guard()).unwrap();
    let (drained, heard) = tokio::join!(other.drain(PATIENCE), async { true });
    assert!(drained && heard);
}
