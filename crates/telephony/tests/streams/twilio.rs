//! Twilio's dialect, from the frames of its documentation.

use call::Carrier;
use telephony::{MediaFormat, StreamError, StreamEvent, StreamOptions, media_stream};

use crate::{drain, origin, started};

const START: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ01","start":{"accountSid":"AC01","streamSid":"MZ01","callSid":"CA01","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"tenant":"h1","token":"t0k"}}}"#;

fn media(chunk: u64, more: &str) -> String {
    format!(
        r#"{{"event":"media","sequenceNumber":"{}","streamSid":"MZ01","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{}","payload":"\/\/8="{more}}}}}"#,
        chunk + 1,
        chunk * 20
    )
}

fn audio(timestamp_ms: u64, lost: u32) -> StreamEvent {
    StreamEvent::Audio { timestamp_ms, lost }
}

#[test]
fn the_documented_frames_are_read() {
    let mut stream = media_stream(Carrier::Twilio, StreamOptions::default());
    for text in [
        r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
        START,
        &media(2, ""),
        r#"{"event":"dtmf","sequenceNumber":"9","streamSid":"MZ01","dtmf":{"track":"inbound_track","digit":"5"}}"#,
        r#"{"event":"mark","sequenceNumber":"12","streamSid":"MZ01","mark":{"name":"reply-7"}}"#,
        r#"{"event":"stop","sequenceNumber":"15","streamSid":"MZ01","stop":{"accountSid":"AC01","callSid":"CA01"}}"#,
    ] {
        stream.handle_text(text, origin()).unwrap();
    }
    let (events, samples) = drain(&mut *stream);
    let [StreamEvent::Connected, StreamEvent::Started(start), rest @ ..] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((start.stream_id.as_str(), start.carrier_call_id.as_str(), start.account.as_deref()), ("MZ01", "CA01", Some("AC01")));
    assert_eq!((start.parameters["tenant"].as_str(), start.format), ("h1", MediaFormat::PCMU_8K));
    // An escaped slash is legal JSON and cannot be borrowed.
    assert_eq!(samples, [0, 0]);
    let reached = StreamEvent::MarkReached("reply-7".to_owned());
    assert_eq!(rest, [audio(40, 0), StreamEvent::Dtmf('5'), reached, StreamEvent::Stopped]);
    assert_eq!(stream.mark("a"), r#"{"event":"mark","streamSid":"MZ01","mark":{"name":"a"}}"#);
    assert_eq!(stream.clear(), r#"{"event":"clear","streamSid":"MZ01"}"#);
    let mut text = String::new();
    stream.audio(&[0, 0], &mut text);
    assert_eq!(text, r#"{"event":"media","streamSid":"MZ01","media":{"payload":"//8="}}"#);
}

#[test]
fn the_stream_may_be_named_in_either_place() {
    for (text, ok) in [
        (START.replacen(r#""streamSid":"MZ01","#, "", 1), true),
        (START.replace(r#","streamSid":"MZ01","callSid""#, r#","callSid""#), true),
        (START.replace(r#""streamSid":"MZ01","#, ""), false),
        (START.replace(r#""callSid":"CA01","#, ""), false),
        (START.replace("8000", "\"8000\"").replace("\"1\"", "1"), true),
        (START.replace("8000", "16000"), false),
        (START.replace("audio/x-mulaw", "audio/opus"), false),
        (START.replace(r#""channels":1"#, r#""channels":2"#), false),
        (START.replace("mediaFormat", "mediaformat"), false),
    ] {
        let mut stream = media_stream(Carrier::Twilio, StreamOptions::default());
        match stream.handle_text(&text, origin()) {
            Ok(()) => assert!(ok, "{text}"),
            Err(error) => assert!(!ok && error.is_fatal(), "{error}: {text}"),
        }
    }
}

#[test]
fn only_the_callers_track_is_heard() {
    let (mut stream, mut far) = started(Carrier::Twilio, MediaFormat::PCMU_8K);
    let mut text = String::new();
    far.media(&[0; 160], &mut text);
    stream.handle_text(&text.replace("\"inbound\"", "\"outbound\""), origin()).unwrap();
    stream.handle_text(&text.replace("MZ\\\"1", "MZ-another"), origin()).unwrap();
    stream.handle_text(r#"{"event":"dtmf","dtmf":{"track":"outbound_track","digit":"5"}}"#, origin()).unwrap();
    stream.handle_text(r#"{"event":"dtmf","dtmf":{"digit":"loud"}}"#, origin()).unwrap();
    stream.handle_text(r#"{"event":"sparkle","media":null,"sparkle":{"a":[1]}}"#, origin()).unwrap();
    assert_eq!(drain(&mut *stream).0, []);
    assert_eq!((stream.counters().ignored, stream.counters().faults), (5, 0));
    stream.handle_text(&far.stop(), origin()).unwrap();
    stream.handle_text(&text, origin()).unwrap();
    assert_eq!(drain(&mut *stream).0, [StreamEvent::Stopped]);
    assert_eq!(stream.counters().ignored, 6);
}

#[test]
fn gaps_are_told_and_repeats_are_dropped() {
    let mut stream = media_stream(Carrier::Twilio, StreamOptions::default());
    stream.handle_text(START, origin()).unwrap();
    for chunk in [5, 6, 6, 9, 7, 10] {
        stream.handle_text(&media(chunk, ""), origin()).unwrap();
    }
    assert_eq!(drain(&mut *stream).0[1..], [audio(100, 0), audio(120, 0), audio(180, 2), audio(200, 0)]);
    let counters = stream.counters();
    assert_eq!((counters.frames_in, counters.lost, counters.late), (4, 2, 2));
    // Sequence: 1 -> 6 (after start), 7 -> 7, 7 -> 10, 10 -> 8, 8 -> 11.
    assert_eq!(counters.disordered, 5);
    assert_eq!(stream.deadline(), None);
}

#[test]
fn audio_without_chunk_and_timestamp_is_placed_by_its_length() {
    let (mut stream, _) = started(Carrier::Twilio, MediaFormat::PCMU_8K);
    for _ in 0..2 {
        let payload = "/".repeat(213) + "w==";
        stream.handle_text(&format!(r#"{{"event":"media","media":{{"payload":"{payload}"}}}}"#), origin()).unwrap();
    }
    assert_eq!(drain(&mut *stream).0, [audio(0, 0), audio(20, 0)]);
}

#[test]
fn the_far_end_wants_the_stream_named() {
    let (_, mut far) = started(Carrier::Twilio, MediaFormat::PCMU_8K);
    let unnamed = far.handle_text(r#"{"event":"clear"}"#);
    assert!(matches!(unnamed, Err(StreamError::MissingField { event: "clear", field: "streamSid" })));
    assert_eq!(far.handle_text(r#"{"event":"clear","streamSid":"MZ2"}"#).unwrap(), telephony::FarEndEvent::Ignored);
}
