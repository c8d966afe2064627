//! Recordings as a listener finds them.

use super::*;

fn read(path: &Path) -> (Vec<i16>, Vec<i16>) {
    let clip = audio::wav::read(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((clip.channels, clip.rate), (2, 8000));
    clip.pcm.chunks(2).map(|pair| (pair[0], pair[1])).unzip()
}

fn id() -> CallId {
    "0190a000-0000-7000-8000-000000000001".parse().unwrap()
}

#[tokio::test]
async fn both_sides_stand_on_one_clock() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let mut track = recordings.track(id(), 8000);
    track.agent(500, &[7; 800]);
    for ms in (0..3000).step_by(20) {
        track.caller(ms, &[3; 160]);
    }
    track.close(3000).await;
    let (caller, agent) = read(&folder.path().join(Recordings::relative_path(id())));
    assert_eq!(caller.len(), 24_000);
    assert!(caller.iter().all(|sample| *sample == 3));
    assert_eq!(agent.iter().position(|sample| *sample == 7), Some(4000));
    assert_eq!(agent.iter().filter(|sample| **sample == 7).count(), 800);
}

#[tokio::test]
async fn what_the_caller_never_heard_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let mut track = recordings.track(id(), 8000);
    track.agent(0, &[7; 1600]);
    track.cut_agent(100);
    track.close(1000).await;
    let (_, agent) = read(&folder.path().join(Recordings::relative_path(id())));
    assert_eq!(agent.iter().filter(|sample| **sample == 7).count(), 800);
}

#[tokio::test]
async fn an_unfinished_file_is_a_valid_one() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let mut track = recordings.track(id(), 8000);
    for ms in (0..5000).step_by(20) {
        track.caller(ms, &[3; 160]);
    }
    // A second track's close passes through the same thread, so that everything ordered before it is on disk by then.
    recordings.track("0190a000-0000-7000-8000-000000000002".parse().unwrap(), 8000).close(0).await;
    let (caller, _) = read(&folder.path().join(Recordings::relative_path(id())));
    assert!(caller.len() >= 24_000, "four of five seconds are there while the call goes on: {}", caller.len());
}

#[test]
fn a_clock_that_jumps_does_not_fill_the_disk() {
    let mut timeline = Timeline::new(8000);
    timeline.caller(u64::from(u32::MAX), &[1; 160]);
    assert!(timeline.take_ready(u64::from(u32::MAX)).unwrap().len() <= 120 * 8000 * 4);
}

#[tokio::test]
async fn a_resumed_call_goes_on_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let mut track = recordings.track(id(), 8000);
    track.caller(0, &[3; 8000]);
    track.close(1000).await;
    // Another process: the conversation was stored at 1.5 s, the gap is silence.
    let recordings = Recordings::start(folder.path()).unwrap();
    let (mut track, start_ms) = recordings.resume(id(), 8000, 1500).await;
    assert_eq!(start_ms, 1500);
    track.caller(1500, &[5; 4000]);
    track.close(2000).await;
    let (caller, agent) = read(&folder.path().join(Recordings::relative_path(id())));
    assert_eq!((caller.len(), agent.len()), (16_000, 16_000));
    assert!(caller[..8000].iter().all(|sample| *sample == 3) && caller[8000..12_000].iter().all(|sample| *sample == 0));
    assert!(caller[12_000..].iter().all(|sample| *sample == 5));
}

#[tokio::test]
async fn what_was_recorded_after_the_last_stored_moment_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let mut track = recordings.track(id(), 8000);
    track.caller(0, &[3; 16_000]);
    track.close(2000).await;
    let (mut track, start_ms) = recordings.resume(id(), 8000, 700).await;
    assert_eq!(start_ms, 2000, "the clock goes on where the recording ends");
    track.caller(2000, &[5; 8000]);
    track.close(3000).await;
    let (caller, _) = read(&folder.path().join(Recordings::relative_path(id())));
    assert_eq!(caller.len(), 24_000);
    assert!(caller[..16_000].iter().all(|sample| *sample == 3) && caller[16_000..].iter().all(|sample| *sample == 5));
}

#[tokio::test]
async fn on_another_machine_a_resumed_call_begins_with_silence() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = Recordings::start(folder.path()).unwrap();
    let (mut track, start_ms) = recordings.resume(id(), 8000, 1000).await;
    track.caller(start_ms, &[5; 8000]);
    track.close(2000).await;
    let (caller, _) = read(&folder.path().join(Recordings::relative_path(id())));
    assert_eq!((caller.len(), caller.iter().position(|sample| *sample == 5)), (16_000, Some(8000)));
}
