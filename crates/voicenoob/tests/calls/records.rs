//! What is left of calls: when all goes well, and when the process is killed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use dial::{Script, Step};
use serde_json::Value;
use testkit::Server;

use crate::program;

fn wav(path: &Path) -> Result<(u16, Vec<i16>)> {
    let clip = audio::wav::read(&std::fs::read(path)?)?;
    Ok((clip.channels, clip.pcm))
}

fn side(pcm: &[i16], channel: usize) -> Vec<i16> {
    pcm.iter().skip(channel).step_by(2).copied().collect()
}

#[tokio::test]
async fn a_finished_call_is_recorded_on_both_channels_with_its_turns_and_latencies() -> Result<()> {
    let server = Server::start(program()).await?;
    let report = server.call(Script::saying(Carrier::Twilio, ["what time is breakfast"])).await?;
    let first_audio = report.first_audio_ms.context("no greeting")?;
    ensure!(first_audio < 1000, "greeting after {first_audio} ms");

    let call = server.json(&format!("/api/v1/calls/{}", report.carrier_call_id)).await?;
    ensure!(call["live"] == false && call["call"]["end_reason"] == "caller_hung_up" && call["call"]["status"] == "completed", "{call}");
    let turns = call["turns"].as_array().context("no turns")?;
    let answer = turns.iter().find(|turn| turn["latency"].is_object()).with_context(|| format!("no answer with latency: {call}"))?;
    for part in ["endpoint_ms", "recognition_ms", "brain_ms", "first_audio_ms"] {
        ensure!(answer["latency"][part].is_u64(), "{answer}");
    }
    let path = call["call"]["recording"].as_str().context("no recording")?;
    let (channels, pcm) = wav(&server.data_dir().join(path))?;
    assert_eq!(channels, 2);
    for channel in [0, 1] {
        let level = audio::level::Level::of(&side(&pcm, channel));
        ensure!(level.rms_dbfs > -45.0, "channel {channel} is silent: {level:?}");
    }
    let answered = answer["start_ms"].as_u64().context("start")? as usize * 8;
    let before = audio::level::Level::of(&side(&pcm, 1)[answered.saturating_sub(1600)..answered.saturating_sub(400)]);
    let after = audio::level::Level::of(&side(&pcm, 1)[answered..answered + 4000]);
    ensure!(after.rms_dbfs > before.rms_dbfs + 15.0, "the agent's channel does not stand on the call clock: {before:?} {after:?}");

    let range =
        server.http().get(server.url().join(&format!("/api/v1/calls/{}/recording", report.carrier_call_id))?).header("Range", "bytes=0-43");
    let part = range.send().await?;
    assert_eq!((part.status().as_u16(), part.bytes().await?.len()), (206, 44));
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn after_kill_9_the_recording_is_valid_and_the_call_is_closed_in_the_records() -> Result<()> {
    let server = Server::start(program()).await?;
    let options = server.dial_options().await?;
    let script = Script::new(Carrier::Twilio).step(Step::wait()).step(Step::Silence(Duration::from_secs(60)));
    let call = tokio::spawn(dial::run(script, options));
    let recording = until_recorded(&server).await?;
    server.signal("KILL").await?;
    let left = server.ended().await?;
    // The caller's side ends with an error or a report, as the line broke; both are fine.
    let _ = call.await?;
    let (channels, pcm) = wav(&left.data.path().join(recording))?;
    assert_eq!(channels, 2);
    ensure!(pcm.len() > 8000 * 2, "less than a second was kept");

    // The call can be taken up again for a while; nobody asks for it, so it is closed.
    let again = Server::start_in(program(), left.data, &[("RESUME_WINDOW", "5"), ("HEARTBEAT_INTERVAL", "1")]).await?;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let closed = async {
        loop {
            tick.tick().await;
            let calls = again.json("/api/v1/calls").await?;
            if calls["calls"][0]["end_reason"] == "instance_lost" {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.context("the call was not closed in the records")??;
    again.stop().await?;
    Ok(())
}

/// Waits until a live call has a recording of some seconds, and gives its path.
async fn until_recorded(server: &Server) -> Result<String> {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..300 {
        tick.tick().await;
        let calls = server.json("/api/v1/calls").await?;
        let Some(path) = calls["calls"][0]["recording"].as_str() else { continue };
        if std::fs::metadata(server.data_dir().join(path)).is_ok_and(|file| file.len() > 100_000) {
            return Ok(path.to_owned());
        }
    }
    anyhow::bail!("no recording appeared")
}

#[tokio::test]
async fn a_stop_lets_the_live_caller_hear_a_last_sentence() -> Result<()> {
    let server = Server::start_with(program(), &[("SHUTDOWN_DRAIN_TIMEOUT", "1")]).await?;
    let options = server.dial_options().await?;
    let script = Script::new(Carrier::Twilio).step(Step::wait()).step(Step::wait_for_end());
    let call = tokio::spawn(dial::run(script, options));
    until_recorded(&server).await?;
    server.signal("TERM").await?;
    let hung = server.ended().await?;
    ensure!(hung.status.success(), "{hung:?}");
    let report = call.await??;
    assert_eq!(report.closed_code, Some(1001));
    let again = Server::start_in(program(), hung.data, &[]).await?;
    let stored: Value = again.json(&format!("/api/v1/calls/{}", report.carrier_call_id)).await?;
    assert_eq!(stored["call"]["end_reason"], "drained");
    let turns = stored["turns"].as_array().context("turns")?;
    ensure!(turns.len() >= 2 && turns.iter().all(|turn| turn["speaker"] == "agent"), "a greeting and a last sentence: {stored}");
    again.stop().await?;
    Ok(())
}
