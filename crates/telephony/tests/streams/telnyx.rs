//! Telnyx's dialect: its frames, its disorder, its 16-bit audio.

use std::time::Instant;

use call::Carrier;
use telephony::telnyx::{MAX_HELD_FRAMES, REORDER_WINDOW};
use telephony::{ByteOrder, Codec, MediaFormat, MediaStream, StreamError, StreamEvent, StreamOptions, far_end_with, media_stream};

use crate::{L16_16K, drain, ms, origin, start, started};

const START: &str = r#"{"event":"start","sequence_number":"1","stream_id":"32DE0000-0000-4000-8000-000000000001","start":{"user_id":"u1","call_control_id":"v3:abc","call_session_id":"s1","from":"+15005550006","to":"+15005550010","client_state":"aGVsbG8=","custom_parameters":{"tenant":"h1"},"media_format":{"encoding":"PCMU","sample_rate":8000,"channels":1}}}"#;

fn audio(timestamp_ms: u64, lost: u32) -> StreamEvent {
    StreamEvent::Audio { timestamp_ms, lost }
}

/// A frame of two samples whose timestamp is its chunk number.
fn frame(chunk: u64) -> String {
    format!(r#"{{"event":"media","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{chunk}","payload":"//8="}}}}"#)
}

fn give(stream: &mut dyn MediaStream, chunks: impl IntoIterator<Item = u64>, now: Instant) {
    for chunk in chunks {
        stream.handle_text(&frame(chunk), now).unwrap();
    }
}

#[test]
fn the_documented_frames_are_read() {
    let mut stream = media_stream(Carrier::Telnyx, StreamOptions::default());
    for text in [
        r#"{"event":"connected","version":"1.0.0"}"#,
        START,
        // The case of the id varies from message to message.
        r#"{"event":"media","sequence_number":"4","stream_id":"32de0000-0000-4000-8000-000000000001","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"//8="}}"#,
        r#"{"event":"dtmf","stream_id":"32de0000-0000-4000-8000-000000000001","occurred_at":"2026-01-01T10:00:00Z","sequence_number":"5","dtmf":{"digit":1}}"#,
        r#"{"event":"mark","sequence_number":"6","mark":{"name":"reply-7"}}"#,
        r#"{"event":"error","payload":{"code":100004,"title":"invalid_media","detail":"not base64"}}"#,
        r#"{"event":"stop","sequence_number":"9","stop":{"user_id":"u1","call_control_id":"v3:abc"}}"#,
    ] {
        stream.handle_text(text, origin()).unwrap();
    }
    let (events, samples) = drain(&mut *stream);
    let [StreamEvent::Connected, StreamEvent::Started(start), rest @ ..] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((start.carrier_call_id.as_str(), start.account.as_deref()), ("v3:abc", Some("u1")));
    assert_eq!((start.from.as_deref(), start.to.as_deref()), (Some("+15005550006"), Some("+15005550010")));
    assert_eq!((start.parameters["tenant"].as_str(), start.format, samples.len()), ("h1", MediaFormat::PCMU_8K, 2));
    let complaint =
        StreamEvent::CarrierError { code: "100004".to_owned(), title: "invalid_media".to_owned(), detail: "not base64".to_owned() };
    let reached = StreamEvent::MarkReached("reply-7".to_owned());
    assert_eq!(rest, [audio(5, 0), StreamEvent::Dtmf('1'), reached, complaint, StreamEvent::Stopped]);
    assert_eq!(stream.mark("a"), r#"{"event":"mark","mark":{"name":"a"}}"#);
    assert_eq!(stream.clear(), r#"{"event":"clear"}"#);
}

#[test]
fn parameters_and_codecs_are_read_in_all_their_spellings() {
    for spelling in [
        r#""customParameters":{"tenant":"h1"}"#,
        r#""custom_parameters":[{"name":"tenant","value":"h1"}]"#,
        r#""custom_parameters":null,"customParameters":[{"name":"tenant","value":"h1"}]"#,
    ] {
        let mut stream = media_stream(Carrier::Telnyx, StreamOptions::default());
        stream.handle_text(&START.replace(r#""custom_parameters":{"tenant":"h1"}"#, spelling), origin()).unwrap();
        let Some(StreamEvent::Started(start)) = stream.poll_event() else { panic!("{spelling}") };
        assert_eq!(start.parameters["tenant"], "h1");
    }
    for (encoding, rate, expected) in [
        ("audio/x-mulaw", 8000, Some(Codec::Pcmu)),
        ("audio/PCMA", 8000, Some(Codec::Pcma)),
        ("L16", 16000, Some(Codec::L16)),
        ("audio/L16", 8000, Some(Codec::L16)),
        ("L16", 48000, None),
        ("OPUS", 16000, None),
        ("G722", 8000, None),
    ] {
        let mut stream = media_stream(Carrier::Telnyx, StreamOptions::default());
        let text = START.replace("PCMU", encoding).replace("8000,\"channels", &format!("{rate},\"channels"));
        let outcome = stream.handle_text(&text, origin());
        assert_eq!(stream.format(), expected.map(|codec| MediaFormat { codec, rate }), "{encoding} {rate}");
        assert_eq!(outcome.is_err_and(|error| matches!(error, StreamError::UnsupportedFormat { .. })), expected.is_none());
    }
}

#[test]
fn frames_in_order_are_not_delayed() {
    let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    give(&mut *stream, [1, 2, 3], origin());
    assert_eq!(drain(&mut *stream).0, [audio(1, 0), audio(2, 0), audio(3, 0)]);
    assert_eq!(stream.deadline(), None);
}

#[test]
fn an_overtaken_frame_is_put_back_in_its_place() {
    let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    let t0 = origin();
    give(&mut *stream, [1, 3, 4], t0);
    assert_eq!(drain(&mut *stream).0, [audio(1, 0)]);
    assert_eq!(stream.deadline(), Some(t0 + REORDER_WINDOW));
    give(&mut *stream, [2], t0 + ms(60));
    assert_eq!(drain(&mut *stream).0, [audio(2, 0), audio(3, 0), audio(4, 0)]);
    assert_eq!((stream.deadline(), stream.counters().lost, stream.counters().late), (None, 0, 0));
}

#[test]
fn a_frame_that_does_not_come_is_given_up_after_the_window() {
    let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    let t0 = origin();
    give(&mut *stream, [1, 4, 5, 4], t0);
    give(&mut *stream, [8], t0 + ms(20));
    stream.handle_timeout(t0 + ms(79));
    assert_eq!(drain(&mut *stream).0, [audio(1, 0)]);
    stream.handle_timeout(t0 + ms(80));
    assert_eq!(drain(&mut *stream).0, [audio(4, 2), audio(5, 0)]);
    assert_eq!(stream.deadline(), Some(t0 + ms(100)));
    give(&mut *stream, [2, 3], t0 + ms(90));
    stream.handle_timeout(t0 + ms(100));
    assert_eq!(drain(&mut *stream).0, [audio(8, 2)]);
    let counters = stream.counters();
    assert_eq!((counters.frames_in, counters.lost, counters.late), (4, 4, 3));
}

#[test]
fn a_stream_that_begins_in_the_middle_begins_with_its_earliest_frame() {
    let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    let t0 = origin();
    give(&mut *stream, [43, 42, 44], t0);
    assert_eq!(drain(&mut *stream).0, []);
    stream.handle_timeout(t0 + REORDER_WINDOW);
    assert_eq!(drain(&mut *stream).0, [audio(42, 0), audio(43, 0), audio(44, 0)]);
}

#[test]
fn waiting_frames_are_bounded_and_flushed_at_the_end() {
    let (mut stream, mut far) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    let t0 = origin();
    let most = MAX_HELD_FRAMES as u64;
    give(&mut *stream, (3..3 + most).map(|n| n * 2), t0);
    assert_eq!(drain(&mut *stream).0, []);
    give(&mut *stream, [3000], t0);
    assert_eq!(drain(&mut *stream).0, [audio(6, 0)]);
    stream.handle_text(&far.stop(), t0).unwrap();
    let (events, _) = drain(&mut *stream);
    assert_eq!((events.len() as u64, events.last()), (most + 1, Some(&StreamEvent::Stopped)));
}

#[test]
fn a_carrier_that_counts_anew_is_followed() {
    let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
    let t0 = origin();
    give(&mut *stream, [u64::MAX], t0);
    stream.handle_timeout(t0 + REORDER_WINDOW);
    give(&mut *stream, 1..=60, t0 + ms(100));
    stream.handle_timeout(t0 + ms(100) + REORDER_WINDOW);
    let counters = stream.counters();
    assert_eq!((counters.frames_in, counters.late), (1 + 11, 49));
}

#[test]
fn sixteen_bit_audio_follows_the_byte_order_that_is_set() {
    let options = StreamOptions { l16_byte_order: ByteOrder::Big };
    let mut stream = media_stream(Carrier::Telnyx, options);
    let mut far = far_end_with(Carrier::Telnyx, L16_16K, options);
    stream.handle_text(&far.start(&start(L16_16K)), origin()).unwrap();
    let mut text = String::new();
    far.media(&[1, -2, 300], &mut text);
    stream.handle_text(&text, origin()).unwrap();
    assert_eq!(drain(&mut *stream).1, [1, -2, 300]);
    stream.audio(&[1], &mut text);
    assert_eq!(text, r#"{"event":"media","media":{"payload":"AAE="}}"#);
    let odd = r#"{"event":"media","media":{"payload":"AAEC"}}"#;
    assert!(matches!(stream.handle_text(odd, origin()), Err(error @ StreamError::OddPayload { bytes: 3 }) if !error.is_fatal()));
}
