//! A carrier and a caller at the far end of a socket: plays in real (or paused) time, returns marks when they are reached, sends silence.

use std::collections::VecDeque;
use std::time::Duration;

use call::Carrier;
use session::{Incoming, MediaSocket, SocketClosed};
use telephony::{Codec, FarEndEvent, MediaFormat, MediaStream, StreamEvent, StreamOptions, StreamStart, far_end, media_stream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const FORMAT: MediaFormat = MediaFormat { codec: Codec::Pcmu, rate: 8000 };

/// Our side of the socket.
pub(super) struct Socket {
    incoming: mpsc::UnboundedReceiver<String>,
    outgoing: mpsc::UnboundedSender<Sent>,
}

enum Sent {
    Text(String),
    Closed(u16),
}

impl MediaSocket for Socket {
    type Text = String;

    async fn next(&mut self) -> Option<Incoming<String>> {
        self.incoming.recv().await.map(Incoming::Text)
    }

    async fn send(&mut self, text: String) -> Result<(), SocketClosed> {
        self.outgoing.send(Sent::Text(text)).map_err(|_| SocketClosed)
    }

    async fn ping(&mut self) -> Result<(), SocketClosed> {
        Ok(())
    }

    async fn close(&mut self, code: u16, _reason: &'static str) {
        let _ = self.outgoing.send(Sent::Closed(code));
    }
}

/// What the caller does.
enum Deed {
    Press(char),
    Speak(Vec<i16>),
    HangUp,
    /// The line breaks: no `stop`.
    Cut,
}

/// What the caller heard so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear {
    /// Marks of speech that were reached.
    pub(super) marks: usize,
    /// Names of all marks that were asked for.
    pub(super) names: Vec<String>,
    /// Samples of speech (the test's voice is a constant) and of music.
    pub(super) speech: usize,
    pub(super) music: usize,
    /// Largest step between two samples of music: a click is a large one.
    pub(super) steepest: i32,
    /// Media messages.
    pub(super) frames: usize,
    pub(super) clears: usize,
    /// When the buffer was cleared, and when the caller began to speak and fell silent.
    pub(super) cleared: Vec<Instant>,
    pub(super) voiced: Vec<Instant>,
    pub(super) voiceless: Vec<Instant>,
    /// What was played: from when, until when.
    pub(super) played: Vec<(Instant, Instant)>,
    pub(super) closed: Option<u16>,
}

/// The caller at the far end.
pub(super) struct Caller {
    deeds: mpsc::UnboundedSender<Deed>,
    pub(super) ear: watch::Receiver<Ear>,
}

impl Caller {
    pub(super) fn presses(&self, key: char) {
        let _ = self.deeds.send(Deed::Press(key));
    }

    /// Speaks; what is said before is said first.
    pub(super) fn speaks(&self, pcm: Vec<i16>) {
        let _ = self.deeds.send(Deed::Speak(pcm));
    }

    pub(super) fn hangs_up(&self) {
        let _ = self.deeds.send(Deed::HangUp);
    }

    pub(super) fn loses_the_line(&self) {
        let _ = self.deeds.send(Deed::Cut);
    }

    /// Waits until the caller has heard something; fails when it does not come.
    pub(super) async fn hears(&mut self, what: impl FnMut(&Ear) -> bool) -> Ear {
        let heard = tokio::time::timeout(Duration::from_secs(300), self.ear.wait_for(what)).await;
        heard.expect("the caller waited in vain").expect("the far end is gone").clone()
    }
}

/// A call whose stream has started.
pub(super) fn connect() -> (Socket, Box<dyn MediaStream>, Caller) {
    let (to_us, incoming) = mpsc::unbounded_channel();
    let (outgoing, from_us) = mpsc::unbounded_channel();
    let (deeds, orders) = mpsc::unbounded_channel();
    let (ear, heard) = watch::channel(Ear::default());
    let mut far = far_end(Carrier::Twilio, FORMAT);
    let mut stream = media_stream(Carrier::Twilio, StreamOptions::default());
    let start = StreamStart {
        stream_id: "MZ1".into(),
        carrier_call_id: "CA1".into(),
        account: None,
        from: None,
        to: None,
        parameters: Default::default(),
        format: FORMAT,
    };
    for text in [far.connected(), far.start(&start)] {
        stream.handle_text(&text, Instant::now().into_std()).unwrap();
    }
    while let Some(event) = stream.poll_event() {
        assert!(matches!(event, StreamEvent::Connected | StreamEvent::Started(_)));
    }
    let line =
        Line { far, to_us: Some(to_us), ear, playing_until: Instant::now(), marks: VecDeque::new(), last: 0, saying: VecDeque::new() };
    tokio::spawn(line.run(from_us, orders));
    (Socket { incoming, outgoing }, stream, Caller { deeds, ear: heard })
}

struct Line {
    far: Box<dyn telephony::FarEnd>,
    to_us: Option<mpsc::UnboundedSender<String>>,
    ear: watch::Sender<Ear>,
    playing_until: Instant,
    marks: VecDeque<(Instant, String)>,
    last: i16,
    /// What the caller is saying.
    saying: VecDeque<i16>,
}

impl Line {
    async fn run(mut self, mut from_us: mpsc::UnboundedReceiver<Sent>, mut deeds: mpsc::UnboundedReceiver<Deed>) {
        let mut frames = tokio::time::interval(Duration::from_millis(20));
        while self.to_us.is_some() {
            tokio::select! {
                sent = from_us.recv() => match sent {
                    Some(Sent::Text(text)) => self.play(&text),
                    Some(Sent::Closed(code)) => {
                        self.ear.send_modify(|ear| ear.closed = Some(code));
                        return;
                    }
                    None => return,
                },
                deed = deeds.recv() => match deed {
                    Some(Deed::Press(key)) => {
                        let text = self.far.dtmf(key);
                        self.send(text);
                    }
                    Some(Deed::Speak(pcm)) => self.saying.extend(pcm),
                    Some(Deed::HangUp) => {
                        let text = self.far.stop();
                        self.send(text);
                        self.to_us = None;
                    }
                    Some(Deed::Cut) => self.to_us = None,
                    None => return,
                },
                _ = frames.tick() => {
                    self.say();
                    self.reach(Instant::now());
                }
            }
        }
        // The socket is gone for reading; what we still send is read until we close it too.
        while let Some(sent) = from_us.recv().await {
            if let Sent::Closed(code) = sent {
                self.ear.send_modify(|ear| ear.closed = Some(code));
            }
        }
    }

    fn send(&self, text: String) {
        if let Some(to_us) = &self.to_us {
            let _ = to_us.send(text);
        }
    }

    /// Sends one frame of what the caller says, or of silence.
    fn say(&mut self) {
        let speaks = !self.saying.is_empty();
        let mut frame: Vec<i16> = self.saying.drain(..self.saying.len().min(160)).collect();
        frame.resize(160, 0);
        let mut text = String::new();
        self.far.media(&frame, &mut text);
        self.send(text);
        let now = Instant::now();
        self.ear.send_if_modified(|ear| {
            let silent = ear.voiced.len() == ear.voiceless.len();
            match (speaks, silent) {
                (true, true) => ear.voiced.push(now),
                (false, false) => ear.voiceless.push(now),
                _ => return false,
            }
            true
        });
    }

    fn play(&mut self, text: &str) {
        let now = Instant::now();
        match self.far.handle_text(text).unwrap() {
            FarEndEvent::Media(pcm) => {
                let from = self.playing_until.max(now);
                self.playing_until = from + Duration::from_micros(pcm.len() as u64 * 125);
                self.ear.send_modify(|ear| {
                    ear.frames += 1;
                    match ear.played.last_mut() {
                        Some((_, until)) if *until == from => *until = self.playing_until,
                        _ => ear.played.push((from, self.playing_until)),
                    }
                });
                self.listen(&pcm);
            }
            FarEndEvent::Mark(name) => {
                self.ear.send_modify(|ear| ear.names.push(name.clone()));
                self.marks.push_back((self.playing_until, name));
            }
            // As Twilio does: every outstanding mark comes back at once.
            FarEndEvent::Clear => {
                self.playing_until = now;
                self.ear.send_modify(|ear| {
                    ear.clears += 1;
                    ear.cleared.push(now);
                    ear.played.iter_mut().for_each(|(_, until)| *until = (*until).min(now));
                });
                for (_, name) in std::mem::take(&mut self.marks) {
                    let text = self.far.mark(&name);
                    self.send(text);
                }
            }
            FarEndEvent::Ignored => panic!("a carrier would not have understood {text}"),
        }
    }

    fn listen(&mut self, pcm: &[i16]) {
        let is_speech = |sample: &&i16| (super::house::VOICE - 600..super::house::VOICE + 600).contains(*sample);
        let speech = pcm.iter().filter(is_speech).count();
        // A piece is one or the other.
        if speech > pcm.len() / 2 {
            self.ear.send_modify(|ear| ear.speech += pcm.len());
            self.last = 0;
            return;
        }
        let silent = pcm.iter().all(|sample| sample.abs() < 16);
        let steps = std::iter::once(self.last).chain(pcm.iter().copied());
        let steepest = steps.zip(pcm).map(|(before, after)| (i32::from(*after) - i32::from(before)).abs()).max().unwrap_or(0);
        self.last = pcm.last().copied().unwrap_or(0);
        self.ear.send_modify(|ear| {
            ear.music += if silent { 0 } else { pcm.len() };
            ear.steepest = ear.steepest.max(steepest);
        });
    }

    fn reach(&mut self, now: Instant) {
        while self.marks.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, name)) = self.marks.pop_front() else { return };
            let text = self.far.mark(&name);
            self.send(text);
            self.ear.send_modify(|ear| ear.marks += 1);
        }
    }
}
