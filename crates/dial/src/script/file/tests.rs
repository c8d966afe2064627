//! Scripts as people write them, right and wrong.

use serde_json::json;

use super::*;

fn parse(text: &str) -> Result<Script, String> {
    Script::parse(text, Path::new("/calls"))
}

fn error(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn every_kind_of_step_is_read() {
    let script = parse(
        r#"
        carrier = "telnyx"
        to = "+15005550010"
        from = "+15005550006"
        agent = "hotel"
        voice = "rms"
        noise_dbfs = -50
        format = "l16"
        timeout_secs = 60

        [[step]]
        wait_for_agent = true
        timeout_secs = 5
        quiet_ms = 700
        [[step]]
        say = "a room please"
        voice = "slt"
        hang_up_after_ms = 400
        [[step]]
        wav = "room.wav"
        [[step]]
        interrupt = "stop"
        after_ms = 700
        [[step]]
        press = "12#"
        in_band = true
        [[step]]
        silence_ms = 3000
        [[step]]
        garbage = "base64"
        [[step]]
        wait_for_end = true
        [[step]]
        hang_up = true
        "#,
    )
    .unwrap();
    assert_eq!((script.carrier, script.format, script.noise_dbfs), (Carrier::Telnyx, LineFormat::L16, Some(-50.0)));
    assert_eq!((script.agent.as_deref(), script.voice.as_str(), script.timeout), (Some("hotel"), "rms", Duration::from_secs(60)));
    let ms = Duration::from_millis;
    let said = Speech::Words { text: "a room please".into(), voice: Some("slt".into()) };
    let expected = [
        Step::WaitForAgent { timeout: ms(5000), quiet: ms(700) },
        Step::Say { speech: said, hang_up_after: Some(ms(400)) },
        Step::Say { speech: Speech::Wav("/calls/room.wav".into()), hang_up_after: None },
        Step::interrupt("stop", ms(700)),
        Step::Press { digits: "12#".into(), in_band: true },
        Step::Silence(ms(3000)),
        Step::Garbage(Garbage::Base64),
        Step::wait_for_end(),
        Step::HangUp,
    ];
    assert_eq!(script.steps, expected);
}

#[test]
fn expectations_are_read_with_dates_as_text() {
    let script = parse(
        r#"
        [expect]
        end_reason = "agent_hung_up"
        agent_says = ["double room"]
        max_reply_ms = 1500
        interrupted = true
        no_tool = ["cancel_booking"]
        [[expect.tool]]
        name = "create_booking"
        outcome = "ok"
        result = { nights = 2, room_type = "double", arrival = 2026-12-01 }
        "#,
    )
    .unwrap();
    assert_eq!(script.carrier, Carrier::Twilio);
    assert_eq!((script.expect.end_reason, script.expect.max_reply_ms), (Some(EndReason::AgentHungUp), Some(1500)));
    let tool = &script.expect.tools[0];
    assert_eq!(tool.outcome, Some(ToolOutcome::Ok));
    assert_eq!(Value::Object(tool.result.clone()), json!({"nights": 2, "room_type": "double", "arrival": "2026-12-01"}));
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let message = error("carrier = \"twilio\"\n\n[[step]]\nsay = \"hello\"\nvoise = \"slt\"\n");
    assert!(message.contains("line 5") && message.contains("voise"), "{message}");
    let message = error("[expect]\nend_reson = \"x\"\n");
    assert!(message.contains("line 2") && message.contains("end_reson"), "{message}");
}

#[test]
fn a_step_does_exactly_one_thing() {
    assert!(error("[[step]]\nsay = \"a\"\n\n[[step]]\nvoice = \"slt\"\n").contains("line 4: a step needs one of"));
    assert!(error("[[step]]\nsay = \"a\"\npress = \"1\"\n").contains("line 1: press: a step does one thing"));
    assert!(error("[[step]]\nsilence_ms = 10\nafter_ms = 3\n").contains("line 1: after_ms: has no meaning"));
    assert!(error("[[step]]\ninterrupt = \"a\"\n").contains("after_ms: say how long"));
    assert!(error("[[step]]\npress = \"12x\"\n").contains("'x' is not a key"));
}

#[test]
fn limits_of_a_script_are_checked() {
    assert!(error("format = \"l16\"\n").contains("carries pcmu only"));
    assert!(error("timeout_secs = 0\n").contains("timeout_secs"));
    assert!(error("timeout_secs = 99999999\n").contains("timeout_secs"));
    assert!(error("noise_dbfs = 3\n").contains("noise_dbfs"));
    let many = "[[step]]\nhang_up = true\n".repeat(MAX_STEPS + 1);
    assert!(error(&many).contains("at most 1000"));
}

#[test]
fn said_sentences_become_a_polite_call() {
    let script = Script::saying(Carrier::Twilio, ["one", "two"]);
    assert_eq!(script.steps, [Step::wait(), Step::say("one"), Step::wait(), Step::say("two"), Step::wait(), Step::HangUp]);
}
