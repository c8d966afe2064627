//! One call from ring to report: webhook, streams, what the documents ask for, status, record, expectations.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use audio::wav;
use telephony::{Codec, Document, MediaFormat, StreamStart};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::DialError;
use crate::caller::Caller;
use crate::clip::Voice;
use crate::director::{Director, frames, rehearse};
use crate::leg::{Bounds, Leg, LegEnd};
use crate::options::DialOptions;
use crate::record::{Watched, Watcher};
use crate::report::{CallReport, DialEvent, StereoAudio, Tell};
use crate::script::{LineFormat, Outcome, Script};
use crate::webhook::{CarrierLine, Route};

/// Most streams in one call: the first, and those after a restart of the server.
pub const MAX_STREAMS: usize = 10;

/// Most redirects in one call: a server that is going away sends callers elsewhere a few times, not for ever.
pub const MAX_REDIRECTS: usize = 20;

/// Makes one call. An error means that the call could not be made; what went wrong in a call that was made is in the report's `failures`.
pub async fn run(call: Script, options: DialOptions) -> Result<CallReport, DialError> {
    call.check().map_err(|message| DialError::Script { origin: "the script".to_owned(), message })?;
    let route = Route::new(options.server.clone(), options.public_url.clone())?;
    let line = CarrierLine::new(&options.http, &options.keys, &route, &call);
    // All speech is made before the phone rings: pacing never waits for an engine.
    let voice = Voice { engine: options.tts.as_deref(), cache: &options.clips, name: &call.voice, rate: call.format.rate() };
    let director = Director::new(rehearse(&call, &voice).await?);
    let keep = options.keep_audio || options.save_wav.is_some();
    let observer = &options.observer;
    let tell = |event: DialEvent| observer(&event);
    let mut conduct = Conduct {
        line: &line,
        route: &route,
        script: &call,
        hang_up: &options.hang_up,
        caller: Caller::new(director, call.noise_dbfs, keep.then(|| call.format.rate())),
        course: Course::default(),
        tell: &tell,
    };
    let url = route.to(&format!("/api/v1/calls/{}", line.call_id))?;
    let watcher = Watcher { http: &options.http, url, token: options.operator_token.as_deref() };
    let mut watched = Watched::default();
    conduct.through(options.watch.then_some(&watcher), &mut watched).await?;
    if options.watch {
        watcher.settle(&mut watched, &tell).await;
    }
    tell(DialEvent::Ended { end_reason: watched.record.end_reason() });
    let Conduct { mut caller, course, .. } = conduct;
    let audio = caller.take_recording();
    let mut report = course.report(line.call_id.clone(), caller, watched, &call);
    if let (Some(path), Some(audio)) = (&options.save_wav, &audio)
        && let Err(error) = save(path, audio).await
    {
        report.failures.push(chain(&error));
    }
    report.audio = audio.filter(|_| options.keep_audio);
    Ok(report)
}

/// A call under way.
struct Conduct<'a> {
    line: &'a CarrierLine<'a>,
    route: &'a Route,
    script: &'a Script,
    hang_up: &'a CancellationToken,
    caller: Caller,
    course: Course,
    tell: Tell<'a>,
}

/// What has become of the call so far.
#[derive(Debug, Default)]
struct Course {
    started: Option<Instant>,
    duration: Duration,
    closed_code: Option<u16>,
    transferred_to: Option<String>,
    announcements: Vec<String>,
    busy: bool,
    frames_sent: u64,
    failures: Vec<String>,
}

impl Conduct<'_> {
    /// The whole call; the record is watched beside it, in the same task.
    async fn through(&mut self, watcher: Option<&Watcher<'_>>, watched: &mut Watched) -> Result<(), DialError> {
        let tell = self.tell;
        tell(DialEvent::Ringing { carrier_call_id: self.line.call_id.clone() });
        let watching = async {
            if let Some(watcher) = watcher {
                watcher.watch(watched, tell).await;
            }
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            outcome = self.talk_through() => outcome,
            never = watching => match never {},
        }
    }

    async fn talk_through(&mut self) -> Result<(), DialError> {
        let document = self.line.ring().await?;
        let followed = self.follow(document).await;
        let status = if self.course.busy { "busy" } else { "completed" };
        let reported = self.line.completed(status, self.course.duration).await;
        // Before the first frame there was no call to report about.
        match followed {
            Err(error) if self.course.started.is_none() => return Err(error),
            Err(error) => self.fail(chain(&error)),
            Ok(()) => {}
        }
        if let Err(error) = reported {
            self.fail(format!("the status callback failed: {}", chain(&error)));
        }
        Ok(())
    }

    async fn follow(&mut self, mut document: Document) -> Result<(), DialError> {
        let (mut streams, mut redirects) = (0, 0);
        loop {
            match document {
                Document::ConnectStream { .. } if streams == MAX_STREAMS => {
                    self.fail(format!("the server asked for more than {MAX_STREAMS} media streams in one call"));
                    return Ok(());
                }
                Document::Redirect { .. } if redirects == MAX_REDIRECTS => {
                    self.fail(format!("the server redirected the call more than {MAX_REDIRECTS} times"));
                    return Ok(());
                }
                Document::ConnectStream { stream_url, parameters, action_url, status_callback_url, fallback, .. } => {
                    streams += 1;
                    if !self.stream(&stream_url, parameters, status_callback_url.as_deref()).await? {
                        return Ok(());
                    }
                    match action_url {
                        Some(address) => document = self.line.action(&address).await?,
                        None => {
                            fallback.into_iter().for_each(|text| self.announce(text));
                            return Ok(());
                        }
                    }
                }
                Document::Redirect { url, pause_secs } => {
                    redirects += 1;
                    if !self.pause(pause_secs).await {
                        return Ok(());
                    }
                    document = self.line.redirected(&url, self.course.started.is_some()).await?;
                }
                Document::Dial { action_url: Some(ref address), .. } => {
                    let after = self.line.dialled(address).await?;
                    self.conclude(document);
                    document = after;
                }
                other => {
                    self.conclude(other);
                    return Ok(());
                }
            }
        }
    }

    /// Waits as the document says, at most as long as a call may last. False when the caller hung up meanwhile.
    async fn pause(&self, secs: u32) -> bool {
        let pause = Duration::from_secs(secs.into()).min(self.script.timeout);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.hang_up.cancelled() => false,
        }
    }

    /// The last document of a call.
    fn conclude(&mut self, document: Document) {
        match document {
            Document::SayAndHangup { text, .. } => self.announce(text),
            Document::Dial { number, say_first, .. } => {
                say_first.into_iter().for_each(|text| self.announce(text));
                let number = number.expose().to_owned();
                (self.tell)(DialEvent::Transferred { number: number.clone() });
                self.course.transferred_to = Some(number);
            }
            Document::RejectBusy => self.course.busy = true,
            Document::PlayAndHangup { url } => self.announce(format!("(the carrier plays {url})")),
            Document::Hangup | Document::ConnectStream { .. } | Document::Redirect { .. } => {}
        }
    }

    /// The carrier's own voice reads a text out.
    fn announce(&mut self, text: String) {
        (self.tell)(DialEvent::Announced { text: text.clone() });
        self.course.announcements.push(text);
    }

    /// One media stream. True when the server ended it, so that the carrier asks what comes next.
    async fn stream(&mut self, url: &str, parameters: Vec<(String, String)>, callback: Option<&str>) -> Result<bool, DialError> {
        let url = self.route.resolve(url)?;
        let signed = self.route.signed(&url);
        let start = StreamStart {
            stream_id: self.line.new_stream_id(),
            carrier_call_id: self.line.call_id.clone(),
            account: Some(self.line.account().to_owned()),
            from: Some(self.script.from.expose().to_owned()),
            to: Some(self.script.to.expose().to_owned()),
            parameters: parameters.into_iter().collect(),
            format: media_format(self.script.format),
        };
        let signature = self.line.stream_signature(signed.as_str())?;
        let mut leg = Leg::open(url.as_str(), signature, self.script.carrier, &start).await?;
        let opened = self.course.started.get_or_insert_with(Instant::now).elapsed();
        (self.tell)(DialEvent::Connected);
        let bounds = Bounds { until: frames(self.script.timeout), hang_up: self.hang_up };
        let (end, told) = tokio::join!(
            leg.talk(&mut self.caller, &bounds, self.tell),
            report_stream(self.line, callback, &start.stream_id, "stream-started")
        );
        // The carrier's clock runs on between two streams, but not while the last socket closes.
        self.course.duration = opened + leg.talked();
        self.course.frames_sent += leg.frames_sent();
        self.course.failures.extend(told);
        self.course.failures.extend(report_stream(self.line, callback, &start.stream_id, "stream-stopped").await);
        Ok(self.ended(end))
    }

    fn ended(&mut self, end: LegEnd) -> bool {
        match end {
            LegEnd::Closed { code } => {
                self.course.closed_code = code;
                return true;
            }
            LegEnd::HungUp => {}
            LegEnd::Broken(why) => self.fail(format!("the agent's side broke the {} media protocol: {why}", self.script.carrier)),
            LegEnd::OutOfTime => self.fail(format!("the call lasted longer than {} s", self.script.timeout.as_secs())),
        }
        self.course.closed_code = None;
        false
    }

    fn fail(&mut self, why: String) {
        self.course.failures.push(why);
    }
}

impl Course {
    fn report(mut self, carrier_call_id: String, mut caller: Caller, watched: Watched, script: &Script) -> CallReport {
        self.failures.extend(caller.take_failure());
        // Whatever else went wrong explains why something was left to do.
        if let Some(rest) = caller.left_over().filter(|_| self.failures.is_empty()) {
            self.failures.push(format!("the call was over before the caller could {rest}"));
        }
        if let Some(trouble) = watched.trouble.filter(|_| script.expect.needs_record()) {
            self.failures.push(format!("the expectations could not be checked: {trouble}"));
        }
        let record = watched.record;
        let outcome = Outcome {
            end_reason: record.end_reason(),
            turns: &record.turns,
            tools: &record.tools,
            announcements: &self.announcements,
            transferred_to: self.transferred_to.as_deref(),
            replies_ms: &caller.replies_ms,
        };
        self.failures.extend(script.expect.judge(outcome));
        CallReport {
            carrier_call_id,
            duration: self.duration,
            first_audio_ms: caller.first_audio_ms,
            clears: caller.clears,
            replies_ms: caller.replies_ms,
            end_reason: record.end_reason(),
            turns: record.turns,
            tools: record.tools,
            closed_code: self.closed_code,
            transferred_to: self.transferred_to,
            announcements: self.announcements,
            busy: self.busy,
            frames_sent: self.frames_sent,
            failures: self.failures,
            audio: None,
        }
    }
}

/// Posts a stream event where the document wants it; gives what went wrong.
async fn report_stream(line: &CarrierLine<'_>, address: Option<&str>, stream_id: &str, event: &str) -> Option<String> {
    let outcome = line.stream_event(address?, stream_id, event).await;
    outcome.err().map(|error| format!("the stream callback {event} failed: {}", chain(&error)))
}

const fn media_format(format: LineFormat) -> MediaFormat {
    let codec = match format {
        LineFormat::Pcmu => Codec::Pcmu,
        LineFormat::Pcma => Codec::Pcma,
        LineFormat::L16 => Codec::L16,
    };
    MediaFormat { codec, rate: format.rate() }
}

async fn save(path: &Path, audio: &StereoAudio) -> Result<(), DialError> {
    let data = u32::try_from(audio.samples.len() * 2).unwrap_or(u32::MAX);
    let mut bytes = wav::header(2, audio.rate, data).to_vec();
    bytes.extend(audio.samples.iter().flat_map(|sample| sample.to_le_bytes()));
    tokio::fs::write(path, bytes).await.map_err(|source| DialError::File { path: path.to_owned(), source })
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
