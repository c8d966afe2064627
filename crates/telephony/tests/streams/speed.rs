//! Time per frame. Run in release: `cargo test -p telephony --release --test streams speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use call::Carrier;
use telephony::MediaFormat;

use crate::{FORMATS, origin, started, tone};

const ROUNDS: usize = 101;
/// Frames per round: few enough that the messages stay in the cache, as a frame fresh from the socket is.
const FRAMES: u32 = 500;

fn per_frame(began: Instant) -> f64 {
    began.elapsed().as_nanos() as f64 / f64::from(FRAMES)
}

/// The median and the best round: on a shared machine the best is nearest to the cost of the code.
fn summary(mut rounds: Vec<f64>) -> (f64, f64) {
    rounds.sort_by(f64::total_cmp);
    (rounds[rounds.len() / 2], rounds[0])
}

#[test]
#[ignore = "a measurement, meaningful in release only"]
fn a_frame_takes_under_a_microsecond_each_way() {
    for (carrier, format) in FORMATS {
        let frame = tone(format.rate as usize / 50);
        let (mut inward, mut outward) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (mut stream, mut far) = started(carrier, format);
            let (mut text, now) = (String::new(), origin());
            let message = |_| {
                far.media(&frame, &mut text);
                text.clone()
            };
            let messages: Vec<String> = (0..FRAMES).map(message).collect();
            let began = origin();
            for message in &messages {
                stream.handle_text(black_box(message), now).unwrap();
                assert!(stream.poll_event().is_some());
                black_box(stream.samples());
            }
            inward.push(per_frame(began));
            let began = origin();
            for _ in 0..FRAMES {
                stream.audio(black_box(&frame), &mut text);
                black_box(&text);
            }
            outward.push(per_frame(began));
        }
        let ((inward, best_in), (outward, best_out)) = (summary(inward), summary(outward));
        println!("{carrier} {format:?}: in {inward:.0} (best {best_in:.0}) ns, out {outward:.0} (best {best_out:.0}) ns per 20 ms frame");
        if (carrier, format) == (Carrier::Twilio, MediaFormat::PCMU_8K) {
            assert!(best_in < 1000.0 && best_out < 1000.0, "in {best_in:.0} ns, out {best_out:.0} ns");
        }
    }
}
