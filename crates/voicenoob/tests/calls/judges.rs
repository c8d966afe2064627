//! The carriers' own SDKs judge our server: they sign the webhooks it must accept, and build the documents ours must equal.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::Server;

use crate::program;

fn sdk(judge: &str, cases: &Value) -> Result<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let made = root.join("target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let script = root.join("crates/testkit/sdk").join(judge);
    let mut child = Command::new(&python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start: ./test installs the carriers' SDKs", python.display()))?;
    child.stdin.take().context("no input")?.write_all(cases.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    let verdict = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "the judge could not judge: {verdict}");
    Ok(serde_json::from_str(&verdict)?)
}

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
    let signed =
        sdk("judge_twilio.py", &json!({ "mode": "sign", "url": url, "params": params, "token": dev_key(&server, "twilio_auth_token")? }))?;
    let signature = signed["signature"].as_str().context("no signature")?.to_owned();
    let body = "CallSid=CA-sdk&AccountSid=AC1&From=%2B15005550006&To=%2B15005550010&CallStatus=ringing&CallerName=Zo%C3%AB+%26+Co";

    let (status, xml) = post(&server, path, &[("X-Twilio-Signature", signature.clone())], body).await?;
    assert_eq!(status, 200, "{xml}");
    let (tampered, _) = post(&server, path, &[("X-Twilio-Signature", signature)], &body.replace("0010", "0011")).await?;
    assert_eq!(tampered, 403);

    let telephony::Document::ConnectStream { stream_url, parameters, action_url, fallback, .. } = telephony::Document::parse(&xml)? else {
        anyhow::bail!("no stream: {xml}")
    };
    let document = json!({ "kind": "connect_stream", "stream_url": stream_url, "parameters": parameters, "action_url": action_url, "fallback": fallback });
    let verdict = sdk("judge_twilio.py", &json!({ "mode": "document", "xml": xml, "document": document }))?;
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
    let sign = |at: i64| -> Result<Vec<(&str, String)>> {
        let signed = sdk("judge_telnyx.py", &json!({ "mode": "sign", "body": body, "timestamp": at.to_string(), "seed": seed }))?;
        let signature = signed["signature"].as_str().context("no signature")?.to_owned();
        Ok(vec![("telnyx-signature-ed25519", signature), ("telnyx-timestamp", at.to_string())])
    };
    let path = "/webhooks/telnyx/voice";
    let (status, xml) = post(&server, path, &sign(now)?, body).await?;
    assert_eq!(status, 200, "{xml}");
    assert!(xml.contains("bidirectionalMode=\"rtp\""), "without it the caller hears nothing: {xml}");
    assert_eq!(post(&server, path, &sign(now)?, &body.replace("0010", "0011")).await?.0, 403);
    assert_eq!(post(&server, path, &sign(now - 1000)?, body).await?.0, 403, "a replay after 300 s is refused");
    Ok(())
}
