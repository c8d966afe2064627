//! A call from ring to end: the documents are followed verb by verb.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::caller::Caller;
use super::control::{self, CallControl};
use super::document::{Connect, Verb};
use super::journal::CallEnd;
use super::line::Line;
use super::plan::{CallPlan, HangUp, Person};
use super::stream::{StreamEnd, stream};
use super::web::Web;

/// Most documents in one call. A server that sends more runs in a circle.
const MAX_DOCUMENTS: usize = 100;
/// Redirects in a row without anything in between (Twilio's own limit).
const MAX_REDIRECTS: usize = 10;

/// What comes after a verb.
enum Then {
    NextVerb,
    Document(Vec<Verb>),
    End(CallEnd),
}

/// Lives through one call.
pub(super) async fn run(web: Web, line: Arc<Line>, plan: CallPlan, control: Option<CallControl>) {
    let rang = Instant::now();
    let caller = Caller::new(&web, &line);
    let end = {
        let acting = async {
            caller.act(&plan.moves).await;
            line.leave.cancel();
            std::future::pending::<()>().await;
        };
        let following = async {
            match &control {
                Some(control) => control::follow(&web, &line, control).await,
                None => follow(&web, &line).await,
            }
        };
        tokio::select! {
            end = following => end.unwrap_or_else(|why| CallEnd::Failed(format!("{why:#}"))),
            () = acting => CallEnd::CallerLeft, // never: it hangs up and waits
        }
    };
    let vanished = end == CallEnd::CallerLeft && plan.hang_up != HangUp::Stop;
    line.journal().end = Some((Instant::now(), end));
    // A steered call has said so in its own way.
    if !vanished && control.is_none() {
        let seconds = rang.elapsed().as_secs().to_string();
        let path = format!("/webhooks/{}/status", web.carrier);
        // The call is over whether the server hears of it or not.
        let _ = web.tell(&path, "completed", &[("CallDuration", &seconds), ("SequenceNumber", "0")], || line.journal().retried += 1).await;
    }
}

async fn follow(web: &Web, line: &Line) -> Result<CallEnd> {
    let mut then = ask(web, line, web.voice_url()?.as_str(), "ringing", &[]).await?;
    let mut redirects = 0;
    for _ in 0..MAX_DOCUMENTS {
        let verbs = match then {
            Then::Document(verbs) => verbs,
            Then::End(end) => return Ok(end),
            Then::NextVerb => return Ok(CallEnd::HungUp), // a document that has nothing more to say
        };
        let only_redirects = verbs.iter().all(|verb| matches!(verb, Verb::Redirect(_)));
        redirects = if only_redirects { redirects + 1 } else { 0 };
        ensure!(redirects <= MAX_REDIRECTS, "more than {MAX_REDIRECTS} redirects in a row");
        then = document(web, line, verbs).await?;
    }
    anyhow::bail!("the server sent more than {MAX_DOCUMENTS} documents in one call")
}

/// Asks for the next document, unless the caller hangs up meanwhile.
async fn ask(web: &Web, line: &Line, url: &str, status: &str, more: &[(&str, &str)]) -> Result<Then> {
    tokio::select! {
        verbs = web.ask(url, status, more, || line.journal().retried += 1) => Ok(Then::Document(verbs?)),
        () = line.leave.cancelled() => Ok(Then::End(CallEnd::CallerLeft)),
    }
}

async fn document(web: &Web, line: &Line, verbs: Vec<Verb>) -> Result<Then> {
    for verb in verbs {
        line.journal().follow(&verb, Instant::now());
        let then = match verb {
            Verb::Connect(connect) => connected(web, line, &connect).await?,
            Verb::Say(text) => {
                line.journal().said.push(text);
                Then::NextVerb
            }
            Verb::Play(url) => {
                web.sound(&url).await?;
                line.journal().said.push(url);
                Then::NextVerb
            }
            Verb::Pause(length) => {
                tokio::select! {
                    () = sleep(length) => Then::NextVerb,
                    () = line.leave.cancelled() => Then::End(CallEnd::CallerLeft),
                }
            }
            Verb::Redirect(url) => ask(web, line, &url, "in-progress", &[]).await?,
            Verb::Dial { number, action } => dialled(web, line, number, action).await?,
            Verb::Hangup => Then::End(CallEnd::HungUp),
            Verb::Reject => Then::End(CallEnd::Rejected),
        };
        if !matches!(then, Then::NextVerb) {
            return Ok(then);
        }
    }
    Ok(Then::NextVerb)
}

/// A media stream, and the question how the call goes on when it is over.
async fn connected(web: &Web, line: &Line, connect: &Connect) -> Result<Then> {
    match stream(web, connect, line, web.new_stream_id()).await {
        StreamEnd::Left => return Ok(Then::End(CallEnd::CallerLeft)),
        StreamEnd::Over => {}
        StreamEnd::Unopened(why) => line.journal().trouble(why),
    }
    match &connect.action {
        Some(action) => ask(web, line, action, "in-progress", &[]).await,
        None => Ok(Then::NextVerb),
    }
}

/// Another phone rings; when that is over, the question how the call goes on tells what became of it.
async fn dialled(web: &Web, line: &Line, number: String, action: Option<String>) -> Result<Then> {
    let outcome: &[(&str, &str)] = match line.person() {
        Person::Answers => &[("DialCallStatus", "completed"), ("DialCallDuration", "35")],
        Person::Busy => &[("DialCallStatus", "busy")],
        Person::Misses(after) => tokio::select! {
            () = sleep(after) => &[("DialCallStatus", "no-answer")],
            () = line.leave.cancelled() => return Ok(Then::End(CallEnd::CallerLeft)),
        },
        Person::Rings => {
            line.leave.cancelled().await;
            return Ok(Then::End(CallEnd::CallerLeft));
        }
    };
    let Some(action) = action else { return Ok(Then::End(CallEnd::Transferred(number))) };
    let then = ask(web, line, &action, "in-progress", outcome).await?;
    let over = matches!(&then, Then::Document(verbs) if verbs.iter().all(|verb| *verb == Verb::Hangup));
    Ok(if over { Then::End(CallEnd::Transferred(number)) } else { then })
}
