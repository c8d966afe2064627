//! Tools: claimed, called, stored, and only then reported to the brain. What is stored of arguments and results is masked; the tool and the
//! brain get them as they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{BrainInput, ToolAnswer, ToolContext, Toolbox};
use call::{CallId, ToolOutcome};
use flow::ToolOutcome as BrainOutcome;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{NewToolCall, Records, ToolClaim};
use telemetry::SessionFact;
use tokio::sync::oneshot;
use tracing::{Instrument, error};

use crate::kept::{Kept, without_cards};
use crate::run::Session;
use crate::socket::MediaSocket;

/// Tool calls of one call that may be under way at once.
const TOOLS_AT_ONCE: usize = 4;
/// A tool waits this long for the conversation to be stored; then it is not called.
const SAVE_LIMIT: Duration = Duration::from_secs(5);
/// Longest that a tool call is under way: the conversation is stored, the tool works, and its outcome is stored.
pub(crate) const TOOL_LIMIT: Duration = SAVE_LIMIT.saturating_add(Toolbox::LONGEST).saturating_add(SAVE_LIMIT);

/// A tool's answer on its way back to the brain.
pub(crate) struct ToolDone {
    id: u32,
    name: String,
    outcome: ToolOutcome,
    input: BrainOutcome,
    took_ms: u64,
}

/// A tool call about to be made.
struct Request {
    id: u32,
    name: String,
    arguments: Value,
    context: ToolContext,
    start_ms: u64,
    kept: Kept,
    /// Resolves when the conversation is stored with this call as the one under way.
    saved: oneshot::Receiver<()>,
}

impl<S: MediaSocket> Session<S> {
    pub(crate) fn call_tool(&mut self, id: u32, name: String, arguments: Value, now: Instant) {
        if self.tools.len() >= TOOLS_AT_ONCE {
            error!(tool = name, limit = TOOLS_AT_ONCE, "tool not called: too many are under way");
            self.tell(BrainInput::ToolAnswered { id, outcome: BrainOutcome::Failed });
            return;
        }
        let caller = Some(self.call.from.clone()).filter(|number| !number.digits().is_empty());
        let context = ToolContext {
            call: self.call.id,
            agent: self.call.agent_id,
            caller,
            // Over what is kept: a conversation that is taken up from what was stored asks for the same.
            idempotency_key: idempotency_key(self.call.id, id, &name, &without_cards(&arguments)),
            now: jiff::Timestamp::now(),
        };
        let secret = self.flow.secret_arguments(&name);
        let kept = Kept::of_tool(self.journal.redaction(), &self.call, &arguments).hiding(secret);
        self.journal.learn(kept.known());
        let request = Request { id, name, arguments, context, start_ms: self.clock_ms(now), kept, saved: self.save_first(now) };
        let work = run_tool(Arc::clone(&self.services.records), self.toolbox.clone(), request);
        self.tools.spawn(work.in_current_span());
        self.conversation.tool_started(now);
    }

    /// A tool has answered.
    pub(crate) fn tool_done(&mut self, done: ToolDone) {
        self.conversation.tool_done();
        self.services.recorder.fact(SessionFact::Tool { name: &done.name, outcome: done.outcome, ms: done.took_ms });
        self.tell(BrainInput::ToolAnswered { id: done.id, outcome: done.input });
    }
}

/// The conversation is stored, the key is claimed, the call is made, the outcome is stored, and only then reported: what is spoken is what is
/// stored, and whoever takes the conversation up after a crash asks for the same call under the same key.
async fn run_tool(records: Arc<dyn Records>, tools: Toolbox, request: Request) -> ToolDone {
    let started = tokio::time::Instant::now();
    let took = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Request { id, name, arguments, context, start_ms, kept, saved } = request;
    let failed = |name, took_ms| ToolDone { id, name, outcome: ToolOutcome::Failed, input: BrainOutcome::Failed, took_ms };
    if !matches!(tokio::time::timeout(SAVE_LIMIT, saved).await, Ok(Ok(()))) {
        error!(tool = name, "tool not called: where the conversation stands could not be stored before it");
        return failed(name, took());
    }
    let new =
        NewToolCall { idempotency_key: context.idempotency_key.clone(), tool: name.clone(), arguments: kept.masked(&arguments), start_ms };
    let may_be_called = match records.claim_tool(context.call, &new).await {
        Err(fault) => {
            error!(tool = name, error = %fault, "tool not called: its claim could not be stored");
            return failed(name, took());
        }
        Ok(ToolClaim::Known(record)) if record.tool != name || record.arguments != new.arguments => {
            error!(tool = name, "tool not called: its idempotency key stands for another effect");
            return failed(name, took());
        }
        Ok(ToolClaim::Known(record)) if record.outcome != ToolOutcome::Pending => {
            let input = remembered(&record);
            return ToolDone { id, name, outcome: record.outcome, input, took_ms: took() };
        }
        Ok(ToolClaim::Ours) => true,
        // A pending claim is what a crash left behind: asking again is safe where the tool keeps the key with its effect.
        Ok(ToolClaim::Known(_)) => tools.get(&name).is_some_and(|tool| tool.keeps_keys()),
    };
    let answer = if may_be_called {
        tools.call(&name, &context, &arguments).await
    } else {
        error!(tool = name, "tool not called again: it keeps no keys, and whether it has acted is not known");
        not_known()
    };
    let took_ms = took();
    let (outcome, result, input) = split(answer, &name);
    if let Err(fault) = records.finish_tool(context.call, &context.idempotency_key, outcome, &kept.masked(&result), took_ms).await {
        error!(tool = name, error = %fault, "the tool's outcome could not be stored");
        return failed(name, took_ms);
    }
    ToolDone { id, name, outcome, input, took_ms }
}

/// One call, one request of the brain, one set of arguments: one key. A replay of the same request finds it again; the same number with other
/// arguments (a conversation that took another course after a crash) is another effect.
fn idempotency_key(call: CallId, id: u32, tool: &str, arguments: &Value) -> String {
    // In the order of their names, however the map keeps them.
    let sorted: BTreeMap<&String, &Value> = arguments.as_object().into_iter().flatten().collect();
    let digest = Sha256::digest(serde_json::json!([tool, sorted]).to_string());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{call}:{id}:{short}")
}

/// Who asked for it is gone, and the answer too.
fn not_known() -> ToolAnswer {
    let advice = "The call was cut off meanwhile, and it is not known whether this was done. Do not do it again. Say so, and offer to take a \
        message or to put the caller through, if you can.";
    ToolAnswer::Refused { code: "not_known", fields: serde_json::json!({ "advice": advice }) }
}

fn split(answer: ToolAnswer, name: &str) -> (ToolOutcome, Value, BrainOutcome) {
    match answer {
        ToolAnswer::Ok(fields) => (ToolOutcome::Ok, fields.clone(), BrainOutcome::Ok(fields)),
        ToolAnswer::Refused { code, fields } => {
            let result = serde_json::json!({ "code": code, "fields": fields });
            (ToolOutcome::Refused, result, BrainOutcome::Refused { code: code.to_owned(), fields })
        }
        ToolAnswer::Failed(fault) => {
            error!(tool = name, fault, "tool failed");
            (ToolOutcome::Failed, serde_json::json!({ "fault": fault }), BrainOutcome::Failed)
        }
    }
}

/// The answer as it was stored.
fn remembered(record: &call::ToolRecord) -> BrainOutcome {
    match record.outcome {
        ToolOutcome::Ok => BrainOutcome::Ok(record.result.clone()),
        ToolOutcome::Refused => BrainOutcome::Refused {
            code: record.result["code"].as_str().unwrap_or_default().to_owned(),
            fields: record.result["fields"].clone(),
        },
        ToolOutcome::Pending | ToolOutcome::Failed => BrainOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_stands_for_one_request_with_its_arguments() {
        let call: CallId = "0190a000-0000-7000-8000-000000000001".parse().unwrap();
        let key = idempotency_key(call, 3, "book", &json!({ "a": 1, "b": "x" }));
        assert_eq!(key, idempotency_key(call, 3, "book", &json!({ "b": "x", "a": 1 })));
        for other in [
            idempotency_key(call, 4, "book", &json!({ "a": 1, "b": "x" })),
            idempotency_key(call, 3, "look", &json!({ "a": 1, "b": "x" })),
            idempotency_key(call, 3, "book", &json!({ "a": 2, "b": "x" })),
        ] {
            assert_ne!(key, other);
        }
        assert!(key.starts_with("0190a000-0000-7000-8000-000000000001:3:") && key.len() == 36 + 3 + 16);
    }

    /// Notes what it is asked, and says it again.
    #[derive(Default)]
    struct Parrot(std::sync::Mutex<Vec<Value>>);

    #[async_trait::async_trait]
    impl agent::Tool for Parrot {
        fn name(&self) -> &'static str {
            "parrot"
        }

        async fn call(&self, _: &ToolContext, arguments: &Value) -> ToolAnswer {
            self.0.lock().unwrap().push(arguments.clone());
            ToolAnswer::Ok(arguments.clone())
        }
    }

    #[tokio::test]
    async fn a_tool_gets_a_card_as_it_is_and_what_is_stored_is_masked() {
        let (records, record) = crate::journal::tests::records().await;
        let parrot = Arc::new(Parrot::default());
        let mut tools = Toolbox::new();
        tools.add(Arc::clone(&parrot) as Arc<dyn agent::Tool>);
        let said =
            json!({ "name": "Ann Lee", "text": "4111 1111 1111 1111 from ann lee at +12025550199", "card": 4_111_111_111_111_111_u64 });
        let cards = json!({ "name": "Ann Lee", "text": "[card] from ann lee at +12025550199", "card": "[card]" });
        let all = json!({ "name": "[name]", "text": "[card] from [name] at +[phone]", "card": "[card]" });
        for (id, level, wanted) in [(0, privacy::Level::Cards, cards), (1, privacy::Level::All, all)] {
            let (sender, saved) = oneshot::channel();
            sender.send(()).unwrap();
            let idempotency_key = idempotency_key(record.id, id, "parrot", &without_cards(&said));
            let context =
                ToolContext { call: record.id, agent: record.agent_id, caller: None, idempotency_key, now: jiff::Timestamp::UNIX_EPOCH };
            let kept = Kept::of_tool(level, &record, &said);
            let request = Request { id, name: "parrot".into(), arguments: said.clone(), context, start_ms: 0, kept, saved };
            let done = run_tool(Arc::clone(&records), tools.clone(), request).await;
            assert!(matches!(&done.input, BrainOutcome::Ok(answer) if *answer == said), "the brain hears what the tool said");
            let stored = records.tools(record.id).await.unwrap();
            assert_eq!((&stored[id as usize].arguments, &stored[id as usize].result), (&wanted, &wanted));
        }
        assert_eq!(*parrot.0.lock().unwrap(), [said.clone(), said]);
    }
}
