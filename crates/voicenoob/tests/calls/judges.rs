//! The carriers' own SDKs judge our server: they sign the webhooks it must accept, and build the documents ours must equal.

use anyhow::{Context, Result};
use call::{Carrier, PhoneNumber};
use serde_json::{Value, json};
use telephony::Document;
use testkit::{Server, judge};

use crate::program;

fn dev_key(server: &Server, name: &str) -> Result<String> {
    let keys = std::fs::read_to_string(server.data_dir().join("dev-keys.toml"))?;
    let line = keys.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).with_context(|| format!("no {name}"))?;
    Ok(line.trim_matches('"').to_owned())
}

async fn post(server: &Server, path: &str, headers: &[(&str, String)], body: &str) -> Result<(u16, String)> {
    let mut request =
        server.http().post(server.url().join(path)?).body(body.to_owned()).header("Content-Type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

#[tokio::test]
async fn what_twilios_sdk_signs_is_answered_with_a_document_its_builder_would_write() -> Result<()> {
    let server = Server::start(program()).await?;
    let path = "/webhooks/twilio/voice";
    let params = json!({ "CallSid": "CA-sdk", "AccountSid": "AC1", "From": "+15005550006", "To": "+15005550010", "CallStatus": "ringing", "CallerName": "Zoë & Co" });
    let url = server.url().join(path)?.to_string();
    let case = json!({ "mode": "sign", "url": url, "params": params, "token": dev_key(&server, "twilio_auth_token")? });
    let signed = judge("judge_twilio.py", &case).await?;
    let signature = signed["signature"].as_str().context("no signature")?.to_owned();
    let body = "CallSid=CA-sdk&AccountSid=AC1&From=%2B15005550006&To=%2B15005550010&CallStatus=ringing&CallerName=Zo%C3%AB+%26+Co";

    let (status, xml) = post(&server, path, &[("X-Twilio-Signature", signature.clone())], body).await?;
    assert_eq!(status, 200, "{xml}");
    let (tampered, _) = post(&server, path, &[("X-Twilio-Signature", signature)], &body.replace("0010", "0011")).await?;
    assert_eq!(tampered, 403);

    let Document::ConnectStream { stream_url, parameters, action_url, fallback, .. } = Document::parse(&xml)? else {
        anyhow::bail!("no stream: {xml}")
    };
    let document = json!({ "kind": "connect_stream", "stream_url": stream_url, "parameters": parameters, "action_url": action_url, "fallback": fallback });
    let verdict = judge("judge_twilio.py", &json!({ "mode": "document", "xml": xml, "document": document })).await?;
    assert_eq!(verdict["same"], true, "{verdict}");
    Ok(())
}

#[tokio::test]
async fn what_telnyxs_library_signs_is_answered_and_a_replay_is_not() -> Result<()> {
    use base64::Engine as _;
    let server = Server::start(program()).await?;
    let seed = base64::engine::general_purpose::STANDARD.decode(dev_key(&server, "telnyx_private_key")?)?;
    let seed: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let body = "CallSid=v3%3Asdk&From=%2B15005550006&To=%2B15005550010&CallStatus=ringing&Direction=inbound";
    let now = jiff::Timestamp::now().as_second();
    let sign = async |at: i64| -> Result<Vec<(&str, String)>> {
        let case = json!({ "mode": "sign", "body": body, "timestamp": at.to_string(), "seed": seed });
        let signed = judge("judge_telnyx.py", &case).await?;
        let signature = signed["signature"].as_str().context("no signature")?.to_owned();
        Ok(vec![("telnyx-signature-ed25519", signature), ("telnyx-timestamp", at.to_string())])
    };
    let path = "/webhooks/telnyx/voice";
    let (status, xml) = post(&server, path, &sign(now).await?, body).await?;
    assert_eq!(status, 200, "{xml}");
    assert!(xml.contains("bidirectionalMode=\"rtp\""), "without it the caller hears nothing: {xml}");
    assert_eq!(post(&server, path, &sign(now).await?, &body.replace("0010", "0011")).await?.0, 403);
    assert_eq!(post(&server, path, &sign(now - 1000).await?, body).await?.0, 403, "a replay after 300 s is refused");
    Ok(())
}

#[tokio::test]
async fn every_document_is_what_twilios_builder_would_write() -> Result<()> {
    let number = PhoneNumber::new("+15005550009");
    let dial = Document::Dial {
        number,
        caller_id: Some("+15005550010".into()),
        say_first: Some("One moment.".into()),
        action_url: None,
        timeout_secs: 20,
    };
    let cases = [
        (
            Document::Redirect { url: "https://h.test/answer?a=1&b=2".into(), pause_secs: 3 },
            json!({ "kind": "redirect", "url": "https://h.test/answer?a=1&b=2", "pause_secs": 3 }),
        ),
        (Document::Redirect { url: "/answer".into(), pause_secs: 0 }, json!({ "kind": "redirect", "url": "/answer", "pause_secs": 0 })),
        (
            Document::PlayAndHangup { url: "https://h.test/busy.wav".into() },
            json!({ "kind": "play_and_hangup", "url": "https://h.test/busy.wav" }),
        ),
        (
            Document::SayAndHangup { text: "Zoë & Co <are> closed.".into(), language: Some("en-US".into()) },
            json!({ "kind": "say_and_hangup", "text": "Zoë & Co <are> closed.", "language": "en-US" }),
        ),
        (
            dial,
            json!({ "kind": "dial", "number": "+15005550009", "caller_id": "+15005550010", "say_first": "One moment.", "timeout_secs": 20 }),
        ),
        (Document::Hangup, json!({ "kind": "hangup" })),
        (Document::RejectBusy, json!({ "kind": "reject_busy" })),
    ];
    let asked: Vec<Value> = cases
        .iter()
        .map(|(document, spec)| Ok(json!({ "mode": "document", "xml": document.render(Carrier::Twilio)?, "document": spec })))
        .collect::<Result<_>>()?;
    let verdicts = judge("judge_twilio.py", &Value::Array(asked)).await?;
    let verdicts = verdicts.as_array().context("no list of verdicts")?;
    assert_eq!(verdicts.len(), cases.len());
    for verdict in verdicts {
        assert_eq!(verdict["same"], true, "{verdict}");
    }
    Ok(())
}
