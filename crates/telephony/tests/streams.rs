//! Both media stream machines against what carriers send, in order, out of order, broken and hostile.

#![expect(clippy::unwrap_used, reason = "the settings allow it in test functions, and these helpers are called by nothing else")]

#[path = "streams/properties.rs"]
mod properties;
#[path = "streams/speed.rs"]
mod speed;
#[path = "streams/telnyx.rs"]
mod telnyx;
#[path = "streams/twilio.rs"]
mod twilio;

use std::time::{Duration, Instant};

use call::Carrier;
use telephony::{
    Codec, FarEnd, MAX_EVENTS, MAX_FAULTS_IN_A_ROW, MAX_MESSAGE_BYTES, MediaFormat, MediaStream, StreamError, StreamEvent, StreamOptions,
    StreamStart, far_end, media_stream,
};

/// One origin for tests; time goes on by addition only.
#[expect(clippy::disallowed_methods, reason = "an Instant can only be made from the clock; the tests never look at it again")]
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const L16_16K: MediaFormat = MediaFormat { codec: Codec::L16, rate: 16000 };
pub(crate) const FORMATS: [(Carrier, MediaFormat); 5] = [
    (Carrier::Twilio, MediaFormat::PCMU_8K),
    (Carrier::Telnyx, MediaFormat::PCMU_8K),
    (Carrier::Telnyx, MediaFormat { codec: Codec::Pcma, rate: 8000 }),
    (Carrier::Telnyx, MediaFormat { codec: Codec::L16, rate: 8000 }),
    (Carrier::Telnyx, L16_16K),
];

pub(crate) fn start(format: MediaFormat) -> StreamStart {
    StreamStart {
        stream_id: "MZ\"1".to_owned(),
        carrier_call_id: "CA1".to_owned(),
        account: Some("AC1".to_owned()),
        from: None,
        to: None,
        parameters: [("token".to_owned(), "t0k".to_owned())].into(),
        format,
    }
}

/// A stream that has started, with its far end; the events so far are taken out.
pub(crate) fn started(carrier: Carrier, format: MediaFormat) -> (Box<dyn MediaStream>, Box<dyn FarEnd>) {
    let mut stream = media_stream(carrier, StreamOptions::default());
    let mut far = far_end(carrier, format);
    let now = origin();
    stream.handle_text(&far.connected(), now).unwrap();
    stream.handle_text(&far.start(&start(format)), now).unwrap();
    assert_eq!(stream.poll_event(), Some(StreamEvent::Connected));
    assert_eq!(stream.poll_event(), Some(StreamEvent::Started(start(format))));
    (stream, far)
}

/// Every waiting event, and the samples of all the audio among them.
pub(crate) fn drain(stream: &mut dyn MediaStream) -> (Vec<StreamEvent>, Vec<i16>) {
    let (mut events, mut samples) = (Vec::new(), Vec::new());
    while let Some(event) = stream.poll_event() {
        if matches!(event, StreamEvent::Audio { .. }) {
            samples.extend_from_slice(stream.samples());
        }
        events.push(event);
    }
    (events, samples)
}

/// A second of a tone that every codec carries.
pub(crate) fn tone(samples: usize) -> Vec<i16> {
    (0..samples).map(|n| ((n as f64 * 0.3).sin() * 9000.0) as i16).collect()
}

#[test]
fn a_whole_call_goes_through_in_every_format() {
    for (carrier, format) in FORMATS {
        let (mut stream, mut far) = started(carrier, format);
        assert_eq!(stream.format(), Some(format));
        let frame = tone(format.rate as usize / 50);
        let mut text = String::new();
        for _ in 0..3 {
            far.media(&frame, &mut text);
            stream.handle_text(&text, origin()).unwrap();
        }
        for message in [far.dtmf('#'), far.mark("reply-7"), far.stop()] {
            stream.handle_text(&message, origin()).unwrap();
        }
        let (events, heard) = drain(&mut *stream);
        let audio = |timestamp_ms| StreamEvent::Audio { timestamp_ms, lost: 0 };
        let rest = [StreamEvent::Dtmf('#'), StreamEvent::MarkReached("reply-7".to_owned()), StreamEvent::Stopped];
        assert_eq!(events, [vec![audio(0), audio(20), audio(40)], rest.to_vec()].concat(), "{carrier} {format:?}");
        assert_eq!(heard.len(), 3 * frame.len());
        let tolerance = if format.codec == Codec::L16 { 0 } else { 320 };
        assert!(heard.iter().zip(frame.iter().cycle()).all(|(a, b)| a.abs_diff(*b) <= tolerance), "{carrier} {format:?}");
        let counters = stream.counters();
        assert_eq!((counters.frames_in, counters.faults, counters.ignored, counters.disordered), (3, 0, 0, 0));
    }
}

#[test]
fn what_we_send_is_understood_by_the_far_end() {
    use telephony::FarEndEvent::{Clear, Ignored, Mark, Media};
    for (carrier, format) in FORMATS {
        let (mut stream, mut far) = started(carrier, format);
        let frame = tone(160);
        let mut text = "left over from the frame before".to_owned();
        stream.audio(&frame, &mut text);
        let Media(played) = far.handle_text(&text).unwrap() else { panic!("{text}") };
        let tolerance = if format.codec == Codec::L16 { 0 } else { 320 };
        assert!(played.iter().zip(&frame).all(|(a, b)| a.abs_diff(*b) <= tolerance), "{carrier} {format:?}");
        assert_eq!(far.handle_text(&stream.mark("a \"b\"")).unwrap(), Mark("a \"b\"".to_owned()));
        assert_eq!(far.handle_text(&stream.clear()).unwrap(), Clear);
        assert_eq!(far.handle_text(r#"{"event":"dance"}"#).unwrap(), Ignored);
        assert!(far.handle_text("{").is_err());
    }
}

#[test]
fn nothing_is_sent_before_the_stream_has_a_name() {
    for (carrier, format) in FORMATS {
        let mut stream = media_stream(carrier, StreamOptions::default());
        let mut text = "old".to_owned();
        stream.audio(&[1, 2, 3], &mut text);
        assert_eq!((text.as_str(), stream.format()), ("", None));
        let early = far_end(carrier, format).handle_text(r#"{"event":"clear","streamSid":"MZ1"}"#);
        assert!(matches!(early, Err(StreamError::BeforeStart { event: "clear" })));
    }
}

#[test]
fn a_stream_out_of_protocol_must_be_closed() {
    for (carrier, format) in FORMATS {
        let mut far = far_end(carrier, format);
        let greeting = far.start(&start(format));
        let mut media = String::new();
        far.media(&[0; 160], &mut media);
        for early in [media, far.dtmf('1'), far.mark("m"), far.stop()] {
            let mut stream = media_stream(carrier, StreamOptions::default());
            let error = stream.handle_text(&early, origin()).unwrap_err();
            assert!(matches!(error, StreamError::BeforeStart { .. }) && error.is_fatal(), "{early}");
        }
        let (mut stream, _) = started(carrier, format);
        let error = stream.handle_text(&greeting, origin()).unwrap_err();
        assert!(matches!(error, StreamError::SecondStart) && error.is_fatal());
    }
}

#[test]
fn single_bad_messages_are_survived_up_to_the_limit() {
    for (carrier, format) in FORMATS {
        let (mut stream, mut far) = started(carrier, format);
        let bad = r#"{"event":"media","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"%%%"}}"#;
        let mut good = String::new();
        for _ in 0..MAX_FAULTS_IN_A_ROW {
            assert!(matches!(stream.handle_text(bad, origin()), Err(error @ StreamError::BadPayload(_)) if !error.is_fatal()));
        }
        far.media(&[0; 160], &mut good);
        stream.handle_text(&good, origin()).unwrap();
        for broken in ["", "{", "[]", r#"{"event":"media"}"#, r#"{"event":"mark"}"#, r#"{"event":"media","media":{"payload":7}}"#] {
            assert!(stream.handle_text(broken, origin()).is_err_and(|error| !error.is_fatal()), "{broken}");
        }
        for _ in 6..MAX_FAULTS_IN_A_ROW {
            assert!(stream.handle_text("nonsense", origin()).is_err_and(|error| !error.is_fatal()));
        }
        let error = stream.handle_text("nonsense", origin()).unwrap_err();
        assert!(matches!(error, StreamError::TooManyFaults { .. }) && error.is_fatal());
        assert_eq!(stream.counters().faults, u64::from(2 * MAX_FAULTS_IN_A_ROW) + 1);
    }
}

#[test]
fn sizes_are_bounded() {
    for (carrier, format) in FORMATS {
        let (mut stream, mut far) = started(carrier, format);
        let mut text = String::new();
        far.media(&vec![0; format.rate as usize], &mut text);
        stream.handle_text(&text, origin()).unwrap();
        far.media(&vec![0; format.rate as usize + 1], &mut text);
        assert!(matches!(stream.handle_text(&text, origin()), Err(StreamError::PayloadTooLong { .. })));
        let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
        assert!(matches!(stream.handle_text(&long, origin()), Err(StreamError::MessageTooLong { .. })));
    }
}

#[test]
fn events_that_nobody_takes_do_not_pile_up() {
    for (carrier, format) in FORMATS {
        let (mut stream, mut far) = started(carrier, format);
        let mut text = String::new();
        for _ in 0..20 {
            far.media(&vec![0; format.rate as usize], &mut text);
            stream.handle_text(&text, origin()).unwrap();
        }
        assert_eq!((stream.counters().frames_in, stream.counters().dropped), (10, 10));
        for _ in 10..MAX_EVENTS {
            stream.handle_text(&far.dtmf('1'), origin()).unwrap();
        }
        let error = stream.handle_text(&far.dtmf('1'), origin()).unwrap_err();
        assert!(matches!(error, StreamError::EventsNotTaken) && error.is_fatal());
        assert_eq!(drain(&mut *stream).0.len(), MAX_EVENTS);
        stream.handle_text(&far.dtmf('1'), origin()).unwrap();
    }
}

#[test]
fn personal_data_and_tokens_do_not_print() {
    let mut start = start(MediaFormat::PCMU_8K);
    start.from = Some("+15005550006".to_owned());
    let shown = format!("{start:?}");
    assert!(shown.contains("MZ") && shown.contains("token"), "{shown}");
    assert!(!shown.contains("+1500") && !shown.contains("t0k"), "{shown}");
}
