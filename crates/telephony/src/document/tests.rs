//! Documents as carriers read them, and back.

use proptest::prelude::*;

use super::*;
use crate::Codec;

fn connect(format: MediaFormat) -> Document {
    Document::ConnectStream {
        stream_url: "wss://voice.example.test/ws/telephony/x/a".to_owned(),
        parameters: vec![("token".to_owned(), "a<b&\"c'>".to_owned())],
        action_url: Some("https://voice.example.test/next?call=1&try=2".to_owned()),
        status_callback_url: None,
        format,
        fallback: Some("Sorry & goodbye".to_owned()),
    }
}

#[test]
fn twilio_connects_a_stream_with_a_token() {
    let xml = connect(MediaFormat::PCMU_8K).render(Carrier::Twilio).unwrap();
    let expected = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Connect action="https://voice.example.test/next?call=1&amp;try=2">"#,
        r#"<Stream url="wss://voice.example.test/ws/telephony/x/a"><Parameter name="token" value="a&lt;b&amp;&quot;c&apos;&gt;"/></Stream>"#,
        r#"</Connect><Say>Sorry &amp; goodbye</Say><Hangup/></Response>"#
    );
    assert_eq!(xml, expected);
    assert_eq!(Document::parse(&xml).unwrap(), connect(MediaFormat::PCMU_8K));
}

#[test]
fn telnyx_is_told_the_mode_and_the_codec() {
    let document = connect(MediaFormat { codec: Codec::L16, rate: 16000 });
    let xml = document.render(Carrier::Telnyx).unwrap();
    let stream = concat!(
        r#"track="inbound_track" codec="L16" bidirectionalMode="rtp" "#,
        r#"bidirectionalCodec="L16" bidirectionalSamplingRate="16000">"#
    );
    assert!(xml.contains(stream), "{xml}");
    assert_eq!(Document::parse(&xml).unwrap(), document);
    assert!(matches!(document.render(Carrier::Twilio), Err(DocumentError::UnsupportedFormat { .. })));
}

#[test]
fn short_documents_are_as_the_carriers_write_them() {
    let render = |document: Document| {
        let xml = document.render(Carrier::Twilio).unwrap();
        assert_eq!(Document::parse(&xml).unwrap(), document);
        assert_eq!(document.render(Carrier::Telnyx).unwrap(), xml);
        xml.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?>"#).to_owned()
    };
    let say = Document::SayAndHangup { text: "We are closed.".to_owned(), language: Some("en-US".to_owned()) };
    assert_eq!(render(say), r#"<Response><Say language="en-US">We are closed.</Say><Hangup/></Response>"#);
    assert_eq!(render(Document::Hangup), "<Response><Hangup/></Response>");
    assert_eq!(render(Document::RejectBusy), r#"<Response><Reject reason="busy"/></Response>"#);
    let dial = Document::Dial {
        number: PhoneNumber::new("+15005550009"),
        caller_id: Some("+15005550010".to_owned()),
        say_first: Some("One moment.".to_owned()),
        action_url: Some("https://h.test/after".to_owned()),
        timeout_secs: 20,
    };
    let expected = concat!(
        r#"<Response><Say>One moment.</Say><Dial action="https://h.test/after" callerId="+15005550010" timeout="20">"#,
        r#"<Number>+15005550009</Number></Dial></Response>"#
    );
    assert_eq!(render(dial), expected);
}

#[test]
fn a_call_is_sent_elsewhere_or_hears_a_file() {
    let both = |document: Document| {
        let xml = document.render(Carrier::Twilio).unwrap();
        assert_eq!(Document::parse(&xml).unwrap(), document);
        assert_eq!(document.render(Carrier::Telnyx).unwrap(), xml);
        xml.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?>"#).to_owned()
    };
    let later = Document::Redirect { url: "https://h.test/answer?try=2&x=1".to_owned(), pause_secs: 3 };
    let expected = r#"<Response><Pause length="3"/><Redirect method="POST">https://h.test/answer?try=2&amp;x=1</Redirect></Response>"#;
    assert_eq!(both(later), expected);
    let at_once = Document::Redirect { url: "/answer".to_owned(), pause_secs: 0 };
    assert_eq!(both(at_once), r#"<Response><Redirect method="POST">/answer</Redirect></Response>"#);
    let play = Document::PlayAndHangup { url: "https://h.test/busy.wav".to_owned() };
    assert_eq!(both(play), "<Response><Play>https://h.test/busy.wav</Play><Hangup/></Response>");
}

#[test]
fn redirect_and_play_are_read_with_the_carriers_defaults_and_never_for_ever() {
    let read = |verbs: &str| Document::parse(&format!("<Response>{verbs}</Response>"));
    let redirect = |pause_secs| Document::Redirect { url: "/a".to_owned(), pause_secs };
    assert_eq!(read("<Pause/><Redirect> /a </Redirect>").unwrap(), redirect(1));
    assert_eq!(read("<Redirect method=\"post\">/a</Redirect>").unwrap(), redirect(0));
    assert_eq!(read("<Play loop=\"1\">/a</Play>").unwrap(), Document::PlayAndHangup { url: "/a".to_owned() });
    for other in ["<Redirect method=\"GET\">/a</Redirect>", "<Pause length=\"-1\"/><Redirect>/a</Redirect>", "<Play loop=\"0\">/a</Play>"] {
        assert!(matches!(read(other), Err(DocumentError::Unknown(_))), "{other}");
    }
    for bad in ["", " ", "/a b", "ftp://h.test/a", "javascript:x"] {
        let found = read(&format!("<Redirect>{bad}</Redirect>"));
        assert!(matches!(found, Err(DocumentError::BadAddress { verb: "Redirect", .. })), "{bad}");
        let written = Document::PlayAndHangup { url: bad.to_owned() }.render(Carrier::Twilio);
        assert!(matches!(written, Err(DocumentError::BadAddress { verb: "Play", .. })), "{bad}");
    }
}

#[test]
fn what_a_carrier_would_refuse_is_refused_here() {
    let with = |url: &str, value: String| Document::ConnectStream {
        stream_url: url.to_owned(),
        parameters: vec![("n".to_owned(), value)],
        action_url: None,
        status_callback_url: None,
        format: MediaFormat::PCMU_8K,
        fallback: None,
    };
    assert!(with("wss://h.test/m", "é".repeat(498)).render(Carrier::Twilio).is_ok());
    let long = with("wss://h.test/m", "é".repeat(499)).render(Carrier::Twilio);
    assert!(matches!(long, Err(DocumentError::ParameterTooLong { chars: 500, .. })));
    assert!(matches!(with("wss://h.test/m?a=b", String::new()).render(Carrier::Twilio), Err(DocumentError::BadStreamUrl { .. })));
    assert!(with("wss://h.test/m?a=b", String::new()).render(Carrier::Telnyx).is_ok());
    assert!(matches!(with("https://h.test/m", String::new()).render(Carrier::Telnyx), Err(DocumentError::BadStreamUrl { .. })));
    let say = |text: String| Document::SayAndHangup { text, language: None }.render(Carrier::Twilio);
    assert!(matches!(say("a\0b".to_owned()), Err(DocumentError::IllegalCharacter { character: '\0', .. })));
    assert!(matches!(say("x".repeat(MAX_DOCUMENT_BYTES)), Err(DocumentError::TooLong { .. })));
}

#[test]
fn hostile_documents_are_refused() {
    let entity = r#"<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Response><Say>&b;</Say></Response>"#;
    assert!(matches!(Document::parse(entity), Err(DocumentError::NotXml(_))));
    assert!(matches!(Document::parse("<Response><Say>&b;</Say></Response>"), Err(DocumentError::NotXml(_))));
    assert!(matches!(Document::parse(r#"<Response><Say language="&b;"/></Response>"#), Err(DocumentError::NotXml(_))));
    for broken in
        ["", "<Response>", "</Response>", "<Response></Say>", "text", "<Response/><Response/>", "<Response/>x", "<?p i?><Response/>"]
    {
        assert!(matches!(Document::parse(broken), Err(DocumentError::NotXml(_))), "{broken}");
    }
    assert!(matches!(Document::parse(&"<a>".repeat(9)), Err(DocumentError::NotXml(_))));
    let many = format!("<Response>{}</Response>", "<Hangup/>".repeat(256));
    assert!(matches!(Document::parse(&many), Err(DocumentError::NotXml(_))));
    assert!(matches!(Document::parse(&" ".repeat(MAX_DOCUMENT_BYTES + 1)), Err(DocumentError::TooLong { .. })));
    for other in ["<R/>", "<Response><Gather/></Response>", "<Response><Connect/></Response>", "<Response><Dial/></Response>"] {
        assert!(matches!(Document::parse(other), Err(DocumentError::Unknown(_))), "{other}");
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_went(text in "[\\PC\\n\\r\\t<>&\"']{1,80}", value in "[\\PC\\n\\r\\t<>&\"']{0,80}") {
        let say = Document::SayAndHangup { text: text.clone(), language: Some(value.clone()) };
        prop_assert_eq!(Document::parse(&say.render(Carrier::Twilio).unwrap()).unwrap(), say);
    }

    #[test]
    fn any_xml_is_answered_without_panic(xml in "(<|>|/|&|;|Response|Connect|Say|Stream| |=|\"|a|<!\\[CDATA\\[|\\]\\]>|<!--|-->|#x0|\\PC){0,20}") {
        let _ = Document::parse(&xml);
        let _ = Document::parse(&format!("<Response>{xml}</Response>"));
    }
}
