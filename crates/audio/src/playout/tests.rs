//! Pieces in are sound out in order, never too far ahead, in time for an hour, whatever the polls do.

use proptest::prelude::*;

use super::*;

const LEAD: Duration = Duration::from_millis(200);
const CHUNK: Duration = Duration::from_millis(100);
const MS: Duration = Duration::from_millis(1);

fn playout() -> Playout {
    Playout::new(8000, LEAD, CHUNK)
}

/// The clock has no fixed value in tests: any `Instant` will do as the start.
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made without a clock; only differences matter here")]
fn start() -> Instant {
    Instant::now()
}

/// Everything due now: the sound, and the marks with the count of samples before them.
fn drain(playout: &mut Playout, now: Instant, audio: &mut Vec<i16>, marks: &mut Vec<(String, usize)>) {
    while let Some(due) = playout.poll(now) {
        match due {
            Due::Audio(pcm) => audio.extend_from_slice(pcm),
            Due::Mark(name) => marks.push((name, audio.len())),
        }
    }
}

fn heard(playout: &mut Playout, now: Instant) -> usize {
    let (mut audio, mut marks) = (Vec::new(), Vec::new());
    drain(playout, now, &mut audio, &mut marks);
    audio.len()
}

#[test]
fn a_greeting_starts_at_once_and_then_keeps_pace() {
    let (mut playout, start) = (playout(), start());
    playout.push(&[1; 8000]).unwrap();
    assert_eq!(heard(&mut playout, start), 1600, "the lead, at once");
    assert_eq!(playout.poll(start), None);
    assert_eq!(playout.deadline(), Some(start + duration_up(1, 8000)), "one sample played makes room");
    assert_eq!(heard(&mut playout, start + 20 * MS), 800);
    assert_eq!(playout.deadline(), Some(start + Duration::from_micros(100_125)));
    assert_eq!(heard(&mut playout, start + 100 * MS), 0);
    assert_eq!(heard(&mut playout, start + Duration::from_micros(100_125)), 800);
    assert_eq!(playout.queued(), 600 * MS);
}

#[test]
fn a_mark_follows_its_sound_and_splits_the_chunk() {
    let (mut playout, now) = (playout(), start());
    playout.push(&[1; 300]).unwrap();
    playout.mark("hello".into()).unwrap();
    playout.push(&[2; 300]).unwrap();
    playout.mark("world".into()).unwrap();
    assert_eq!(playout.poll(now), Some(Due::Audio(&[1; 300])));
    assert_eq!(playout.poll(now), Some(Due::Mark("hello".into())));
    assert_eq!(playout.poll(now), Some(Due::Audio(&[2; 300])));
    assert_eq!(playout.poll(now), Some(Due::Mark("world".into())));
    assert_eq!(playout.poll(now), None);
    assert_eq!(playout.deadline(), None, "nothing waits");
}

#[test]
fn a_mark_without_sound_is_due_at_once() {
    let (mut playout, now) = (playout(), start());
    playout.mark("start".into()).unwrap();
    assert!(playout.playing(now));
    assert_eq!(playout.poll(now), Some(Due::Mark("start".into())));
    assert!(!playout.playing(now));
}

#[test]
fn the_caller_interrupts_and_little_is_left_to_forget() {
    let (mut playout, start) = (playout(), start());
    playout.push(&[1; 16_000]).unwrap();
    playout.mark("said".into()).unwrap();
    assert_eq!(heard(&mut playout, start), 1600);
    let cleared = playout.clear(start + 50 * MS);
    assert_eq!(cleared, Cleared { unsent: 1800 * MS, unplayed: 1950 * MS, marks: vec!["said".into()] });
    assert!(!playout.playing(start + 50 * MS));
    assert_eq!(playout.poll(start + 51 * MS), None);
    assert_eq!(playout.deadline(), None);
    // The far end is empty now: the next answer starts at once, on a time of its own.
    playout.push(&[3; 1600]).unwrap();
    assert_eq!(heard(&mut playout, start + 60 * MS), 1600);
    assert_eq!(playout.ends_at(), Some(start + 260 * MS));
}

#[test]
fn speech_is_playing_until_the_far_end_has_heard_it() {
    let (mut playout, start) = (playout(), start());
    playout.push(&[1; 800]).unwrap();
    assert_eq!(heard(&mut playout, start), 800);
    assert!(playout.playing(start + 99 * MS));
    assert_eq!(playout.unplayed(start + 40 * MS), 60 * MS);
    assert!(!playout.playing(start + 100 * MS));
}

#[test]
fn speech_that_comes_in_late_starts_a_new_burst() {
    let (mut playout, start) = (playout(), start());
    playout.push(&[1; 800]).unwrap();
    assert_eq!(heard(&mut playout, start), 800);
    playout.push(&[2; 1600]).unwrap();
    // 400 ms of silence at the far end are no credit for sending faster.
    assert_eq!(heard(&mut playout, start + 500 * MS), 1600);
    assert_eq!(playout.ends_at(), Some(start + 700 * MS));
}

#[test]
fn a_pause_takes_back_what_was_not_played_and_nothing_is_lost_or_said_twice() {
    let (mut playout, start) = (playout(), start());
    let speech: Vec<i16> = (0..4000).collect();
    playout.push(&speech[..1000]).unwrap();
    playout.mark("one".into()).unwrap();
    playout.push(&speech[1000..]).unwrap();
    playout.mark("two".into()).unwrap();
    let (mut audio, mut marks) = (Vec::new(), Vec::new());
    drain(&mut playout, start, &mut audio, &mut marks);
    assert_eq!((audio.len(), marks.len()), (1800, 1), "the lead, and the first mark with it");
    // Of it 600 samples were played by our clock.
    let left = playout.pause(start + 75 * MS, Duration::ZERO, |mark| format!("{mark} again"));
    assert_eq!(left, 425 * MS);
    assert_eq!(playout.poll(start + 80 * MS), None);
    assert_eq!((playout.deadline(), playout.is_empty()), (None, false));
    playout.push(&[7; 10]).unwrap();
    playout.resume();
    let (mut audio, mut marks) = (Vec::new(), Vec::new());
    for tick in 0..100 {
        drain(&mut playout, start + (2000 + 20 * tick) * MS, &mut audio, &mut marks);
    }
    assert_eq!(audio, [&speech[600..], &[7; 10]].concat());
    assert_eq!(marks, [("one again".to_owned(), 400), ("two".to_owned(), 3400)]);
}

#[test]
fn a_mark_of_sound_that_was_just_played_is_taken_back_too() {
    for (allowance, taken) in [(Duration::ZERO, 0), (80 * MS, 1)] {
        let (mut playout, start) = (playout(), start());
        playout.push(&[1; 800]).unwrap();
        playout.mark("one".into()).unwrap();
        assert_eq!(heard(&mut playout, start), 800);
        let mut renamed = Vec::new();
        playout.pause(start + 150 * MS, allowance, |mark| {
            renamed.push(mark.to_owned());
            "again".into()
        });
        assert_eq!(renamed.len(), taken);
        playout.resume();
        assert_eq!(playout.poll(start + 300 * MS), (taken == 1).then(|| Due::Mark("again".into())));
    }
}

#[test]
fn the_queue_is_bounded_and_a_refused_piece_changes_nothing() {
    let mut playout = playout();
    playout.push(&vec![1; 480_000]).unwrap();
    assert_eq!(playout.push(&[1; 80]), Err(AudioError::PlayoutFull { queued_ms: 60_000, pushed_ms: 10 }));
    assert_eq!(playout.queued(), MAX_QUEUED);
    for n in 0..MAX_MARKS {
        playout.mark(n.to_string()).unwrap();
    }
    assert_eq!(playout.mark("one more".into()), Err(AudioError::TooManyMarks { queued: MAX_MARKS }));
}

#[test]
fn memory_goes_back_while_and_after_a_long_answer() {
    let (mut playout, start) = (playout(), start());
    playout.push(&vec![1; 480_000]).unwrap();
    for tick in 0..=3_000_u32 {
        heard(&mut playout, start + 20 * MS * tick);
        assert!(playout.buffer.capacity() <= 480_000);
        if tick == 2_700 {
            assert!(playout.buffer.capacity() < 130_000, "{}", playout.buffer.capacity());
        }
    }
    assert_eq!((playout.waiting(), playout.buffer.capacity()), (0, 0));
}

#[test]
fn after_an_hour_of_jittered_polls_not_one_sample_is_gained_or_lost() {
    let (mut playout, start) = (Playout::new(22_050, LEAD, 20 * MS), start());
    let mut random = fastrand::Rng::with_seed(5);
    let (mut now, mut sent, mut polls) = (start, 0_u64, 0_u32);
    let end = start + Duration::from_secs(3600);
    while now < end {
        while playout.queued() < Duration::from_secs(1) {
            playout.push(&[1; 441]).unwrap();
        }
        sent += heard(&mut playout, now) as u64;
        let ahead = sent as f64 - (now - start).as_secs_f64() * 22_050.0;
        assert!((4409.0..4410.0 + 441.0 + 1.0).contains(&ahead), "at {:?}: {ahead}", now - start);
        now = playout.deadline().unwrap().max(now) + Duration::from_micros(random.u64(0..15_000));
        polls += 1;
    }
    assert!(polls < 3600 * 60, "a deadline must not be answered with nothing to do: {polls}");
    assert_eq!(playout.burst.unwrap().origin, start, "one origin for the hour");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn pieces_and_marks_come_out_in_order_and_never_too_far_ahead(
        pieces in prop::collection::vec((0_usize..4000, any::<bool>()), 1..20),
        waits in prop::collection::vec(0_u64..150_000, 1..40),
        lead in 1_u64..400,
        chunk in 1_u64..200,
    ) {

        let mut playout = Playout::new(8000, Duration::from_millis(lead), Duration::from_millis(chunk));
        let (mut wanted, mut wanted_marks) = (Vec::new(), Vec::new());
        let (mut audio, mut marks) = (Vec::new(), Vec::new());
        let mut now = start();
        // A model of the far end: plays one sample every 125 µs while it has any.
        let (mut buffered, mut left) = (0.0_f64, pieces.into_iter());
        let mut waits = waits.into_iter().cycle();
        loop {
            let piece = left.next();
            if let Some((count, marked)) = piece {
                let from = wanted.len();
                wanted.extend((from..from + count).map(|n| n as i16));
                playout.push(&wanted[from..]).unwrap();
                if marked {
                    wanted_marks.push((from.to_string(), wanted.len()));
                    playout.mark(from.to_string()).unwrap();
                }
            }
            let before = audio.len();
            drain(&mut playout, now, &mut audio, &mut marks);
            buffered += (audio.len() - before) as f64;
            prop_assert!(buffered < (lead + chunk) as f64 * 8.0 + 1.0, "{buffered} samples at the far end");
            prop_assert!(playout.poll(now).is_none());
            if piece.is_none() && playout.deadline().is_none() {
                break;
            }
            if let Some(deadline) = playout.deadline() {
                prop_assert!(deadline > now, "a deadline in the past would spin");
            }
            let wait = Duration::from_micros(waits.next().unwrap() + 1);
            let next = playout.deadline().map_or(now + wait, |deadline| deadline.max(now + wait));
            buffered = (buffered - (next - now).as_secs_f64() * 8000.0).max(0.0);
            now = next;
        }
        prop_assert_eq!(audio, wanted);
        prop_assert_eq!(marks, wanted_marks);
    }
}
