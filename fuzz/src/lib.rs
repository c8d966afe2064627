//! What the fuzz targets have in common: one conversation on a media socket, and what must hold of it whatever is said.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use call::Carrier;
use telephony::{
    FarEndEvent, MAX_AUDIO_PER_MESSAGE, MAX_EVENTS, MAX_QUEUED_AUDIO, MediaFormat, MediaStream, StreamEvent, StreamOptions, StreamStart,
    far_end, media_stream,
};

/// One origin; time goes on by addition only, so that an input means the same in every run.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How an input is played: the low bits of its first byte.
struct Mode {
    /// `connected` and `start` go first, so that what follows reaches a running stream.
    started: bool,
    /// Events are taken out after each message, as the program does; else at the end, and the bounds of the queue are met.
    drained: bool,
    /// Which of the carrier's formats `start` announces.
    format: usize,
}

/// Says every line of the input to the stream machine and to the far end, some milliseconds apart.
///
/// No panic, and: one message makes at most a second of audio, at most [`MAX_EVENTS`] events and [`MAX_QUEUED_AUDIO`] wait, every frame is
/// counted once, a deadline that was told has moved on, and what is written back is read by the far end.
pub fn media(carrier: Carrier, formats: &[MediaFormat], data: &[u8]) {
    let Some((&head, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mode = Mode { started: head & 1 != 0, drained: head & 2 != 0, format: usize::from(head >> 2) % formats.len() };
    let format = formats[mode.format];
    let mut far = far_end(carrier, format);
    let mut talk = Talk { stream: media_stream(carrier, StreamOptions::default()), now: *ORIGIN, frames: 0 };
    if mode.started {
        let (hello, start) = (far.connected(), far.start(&start(format)));
        talk.hear(&hello, true);
        talk.hear(&start, true);
        assert_eq!(talk.stream.format(), Some(format), "our own start was not understood");
    }
    for line in text.lines() {
        if let Ok(FarEndEvent::Media(pcm)) = far.handle_text(line) {
            assert!(pcm.len() <= samples_in(MAX_AUDIO_PER_MESSAGE, format.rate), "the far end plays {} samples", pcm.len());
        }
        if !talk.hear(line, mode.drained) {
            break;
        }
    }
    talk.drain();
    let counted = talk.stream.counters().frames_in;
    assert_eq!(counted, talk.frames, "frames counted and frames handed on");
    if mode.started {
        let pcm = vec![1000_i16; samples_in(Duration::from_millis(20), format.rate)];
        let mut text = String::new();
        talk.stream.audio(&pcm, &mut text);
        assert!(
            matches!(far.handle_text(&text), Ok(FarEndEvent::Media(back)) if back.len() == pcm.len()),
            "the far end cannot read {text}"
        );
        assert_eq!(far.handle_text(&talk.stream.mark("reply \"7\"")).ok(), Some(FarEndEvent::Mark("reply \"7\"".to_owned())));
        assert_eq!(far.handle_text(&talk.stream.clear()).ok(), Some(FarEndEvent::Clear));
    }
}

struct Talk {
    stream: Box<dyn MediaStream>,
    now: Instant,
    frames: u64,
}

impl Talk {
    /// One message; false when the stream must be closed.
    fn hear(&mut self, message: &str, drain: bool) -> bool {
        self.now += Duration::from_millis(message.len() as u64 % 64);
        let outcome = self.stream.handle_text(message, self.now);
        if self.stream.deadline().is_some_and(|at| at <= self.now) {
            self.stream.handle_timeout(self.now);
            assert!(self.stream.deadline().is_none_or(|at| at > self.now), "a deadline that does not move on would spin");
        }
        if drain {
            self.drain();
        }
        !outcome.is_err_and(|error| error.is_fatal())
    }

    fn drain(&mut self) {
        let (mut events, mut samples) = (0, 0);
        while let Some(event) = self.stream.poll_event() {
            events += 1;
            assert!(events <= MAX_EVENTS, "more events wait than may");
            if matches!(event, StreamEvent::Audio { .. }) {
                self.frames += 1;
                samples += self.stream.samples().len();
                let rate = self.stream.format().map_or(0, |format| format.rate);
                assert!(self.stream.samples().len() <= samples_in(MAX_AUDIO_PER_MESSAGE, rate), "one message made too much audio");
                assert!(samples <= samples_in(MAX_QUEUED_AUDIO, rate), "too much audio waits");
            }
        }
    }
}

fn samples_in(time: Duration, rate: u32) -> usize {
    usize::try_from(time.as_millis() * u128::from(rate) / 1000).unwrap_or(usize::MAX)
}

fn start(format: MediaFormat) -> StreamStart {
    StreamStart {
        stream_id: "MZ1".to_owned(),
        carrier_call_id: "CA1".to_owned(),
        account: Some("AC1".to_owned()),
        from: None,
        to: None,
        parameters: [("token".to_owned(), "once".to_owned())].into(),
        format,
    }
}
