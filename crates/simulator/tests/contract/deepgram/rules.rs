//! Deepgram's rules, as the simulator keeps them.

use std::time::Duration;

use bytes::Bytes;
use call::Meter;
use outbound::{Client, Fault, Message, Request, Socket};
use privacy::Secret;
use resilience::Service;
use serde_json::Value;
use simulator::{Simulator, Vendor};
use speech::SpeechToText;
use speech::vendor::deepgram::setup;
use tokio::time::{Instant, timeout};

use super::stage::{Stage, guard, heard, listening, quick};

const PATIENCE: Duration = Duration::from_secs(20);

async fn socket(simulator: &Simulator, encoding: &str) -> Result<Socket, Fault> {
    let setup = setup(simulator.url(Vendor::Deepgram), &Secret::from("a-key".to_owned()));
    let client = Client::new(&setup, guard(Service::DeepgramListen))?;
    let request = Request::get("v1/listen").query("model", "nova-3").query("encoding", encoding).query("sample_rate", "8000");
    client.socket(&request, PATIENCE).await
}

/// The types of all messages until the end, and the close code.
async fn rest(mut socket: Socket) -> (Vec<String>, u16) {
    let mut types = Vec::new();
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("it goes on").unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                types.push(message["type"].as_str().unwrap().to_owned());
            }
            Message::Binary(_) => panic!("sound"),
            Message::Closed(code) => return (types, code),
        }
    }
}

fn sound(ms: usize) -> Bytes {
    Bytes::from(vec![0x80; ms * 8])
}

#[tokio::test]
async fn an_empty_message_closes_the_stream_as_close_stream_does() {
    let simulator = Simulator::quick().await.unwrap();
    for empty in [true, false] {
        let mut socket = socket(&simulator, "mulaw").await.unwrap();
        socket.binary(sound(500)).await.unwrap();
        if empty {
            socket.binary(Bytes::new()).await.unwrap();
        } else {
            socket.text(r#"{"type":"CloseStream"}"#.to_owned()).await.unwrap();
        }
        assert_eq!(rest(socket).await, (vec!["Results".to_owned(), "Metadata".to_owned()], 1000));
    }
}

#[tokio::test]
async fn sound_that_cannot_be_decoded_and_nonsense_are_refused() {
    let simulator = Simulator::quick().await.unwrap();
    let mut opus = socket(&simulator, "opus").await.unwrap();
    opus.binary(sound(100)).await.unwrap();
    assert_eq!(rest(opus).await, (vec!["Error".to_owned()], 1008));
    let mut nonsense = socket(&simulator, "mulaw").await.unwrap();
    nonsense.text("hello".to_owned()).await.unwrap();
    assert_eq!(rest(nonsense).await.1, 1008);
    let Err(refused) = socket(&simulator, "nonsense").await else { panic!("it was taken") };
    assert_eq!(refused, Fault::Refused { status: 400, code: "INVALID_QUERY_PARAMETER".into() });
}

/// The one test that waits: ten seconds are the vendor's rule.
#[tokio::test]
async fn a_socket_without_sound_is_closed_after_ten_seconds_and_ours_is_kept_alive() {
    let stage = Stage::new(quick()).await;
    let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    let mut other = socket(&stage.simulator, "mulaw").await.unwrap();
    // A sign of life does not keep a socket that never had sound.
    other.text(r#"{"type":"KeepAlive"}"#.to_owned()).await.unwrap();
    let since = Instant::now();
    assert_eq!(rest(other).await, (vec!["Error".to_owned()], 1011));
    assert!(since.elapsed() > Duration::from_millis(9900));
    tokio::time::sleep_until(since + Duration::from_millis(10_500)).await;
    assert_eq!(heard(&mut *recognition, 8000).await, "good morning");
    assert_eq!(stage.seen().requests, 2, "it is the socket of the beginning");
}
