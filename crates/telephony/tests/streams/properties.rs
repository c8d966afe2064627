//! What must hold for any input.

use call::Carrier;
use proptest::prelude::*;
use telephony::{MAX_EVENTS, MediaFormat, StreamEvent, StreamOptions, far_end, media_stream};

use crate::{FORMATS, drain, ms, origin, start, started};

/// Messages that look like a carrier's, with anything inside.
fn message() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("\"inbound\"".to_owned()),
        Just("\"AAAA\"".to_owned()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| format!("\"{n}\"")),
        (0..9u64).prop_map(|n| format!("\"{n}\"")),
        "[\\PC]{0,6}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("{}".to_owned()),
        Just("[1,{}]".to_owned()),
    ];
    let kind =
        prop_oneof![Just("media"), Just("mark"), Just("dtmf"), Just("stop"), Just("start"), Just("connected"), Just("error"), Just("x")];
    let inner =
        prop::collection::vec((prop_oneof![Just("track"), Just("chunk"), Just("timestamp"), Just("name"), Just("digit")], value), 0..4);
    (kind, inner, "[A-Za-z0-9+/]{0,12}={0,2}").prop_map(|(kind, inner, payload)| {
        let fields: String = inner.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
        format!(r#"{{"event":"{kind}","{kind}":{{{fields}"payload":"{payload}"}}}}"#)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_is_answered_without_panic_and_stays_bounded(
        texts in prop::collection::vec(prop_oneof![4 => message(), 1 => "\\PC{0,40}", 1 => "[{}\\[\\]\",:a-z0-9]{0,40}"], 0..60),
        which in 0..FORMATS.len(),
        begun in any::<bool>(),
        step in 0..40u64,
    ) {
        let (carrier, format) = FORMATS[which];
        let (mut stream, mut far) = if begun { started(carrier, format) } else {
            (media_stream(carrier, StreamOptions::default()), far_end(carrier, format))
        };
        let mut now = origin();
        for text in &texts {
            now += ms(step);
            let _ = stream.handle_text(text, now);
            if stream.deadline().is_some_and(|deadline| deadline <= now) {
                stream.handle_timeout(now);
                prop_assert!(stream.deadline().is_none_or(|deadline| deadline > now), "a timeout must move the deadline");
            }
            let _ = far.handle_text(text);
        }
        prop_assert!(drain(&mut *stream).0.len() <= MAX_EVENTS);
    }

    #[test]
    fn any_samples_survive_both_ways(pcm in prop::collection::vec(any::<i16>(), 1..400), which in 0..FORMATS.len()) {
        let (carrier, format) = FORMATS[which];
        let (mut stream, mut far) = started(carrier, format);
        let mut text = String::new();
        far.media(&pcm, &mut text);
        stream.handle_text(&text, origin()).unwrap();
        let (_, heard) = drain(&mut *stream);
        prop_assert_eq!(heard.len(), pcm.len());
        // What came through once comes through unchanged from then on.
        stream.audio(&heard, &mut text);
        prop_assert_eq!(far.handle_text(&text).unwrap(), telephony::FarEndEvent::Media(heard.clone()));
        if format.codec == telephony::Codec::L16 {
            prop_assert_eq!(heard, pcm);
        }
    }

    #[test]
    fn any_shuffle_within_the_window_is_put_right(
        delays in prop::collection::vec(0..80u64, 1..120),
        first in prop_oneof![Just(1u64), 0..1000u64],
    ) {
        let (mut stream, _) = started(Carrier::Telnyx, MediaFormat::PCMU_8K);
        let origin = origin();
        let mut arrivals: Vec<_> = delays.iter().enumerate().map(|(n, delay)| (n as u64 * 20 + delay, first + n as u64)).collect();
        arrivals.sort_unstable();
        // Chunks 0 and 1 are taken as the beginning at once, so they must come first to be the beginning.
        prop_assume!(first > 1 || arrivals[0].1 == first);
        let mut heard = Vec::new();
        for (at, chunk) in arrivals {
            let now = origin + ms(at);
            while let Some(deadline) = stream.deadline().filter(|deadline| *deadline <= now) {
                stream.handle_timeout(deadline);
            }
            let text = format!(r#"{{"event":"media","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{chunk}","payload":"//8="}}}}"#);
            stream.handle_text(&text, now).unwrap();
            heard.extend(drain(&mut *stream).0);
        }
        while let Some(deadline) = stream.deadline() {
            stream.handle_timeout(deadline);
        }
        heard.extend(drain(&mut *stream).0);
        let expected: Vec<_> = (0..delays.len() as u64).map(|n| StreamEvent::Audio { timestamp_ms: first + n, lost: 0 }).collect();
        prop_assert_eq!(heard, expected);
        prop_assert_eq!(stream.counters().late, 0);
    }

    #[test]
    fn what_start_says_arrives(id in "\\PC{1,20}", call in "\\PC{1,20}", name in "\\PC{1,10}", value in "\\PC{0,20}", which in 0..FORMATS.len()) {
        let (carrier, format) = FORMATS[which];
        let mut stream = media_stream(carrier, StreamOptions::default());
        let mut far = far_end(carrier, format);
        let sent = telephony::StreamStart {
            stream_id: id, carrier_call_id: call, parameters: [(name, value)].into(), ..start(format)
        };
        stream.handle_text(&far.start(&sent), origin()).unwrap();
        prop_assert_eq!(stream.poll_event(), Some(StreamEvent::Started(sent)));
    }
}
