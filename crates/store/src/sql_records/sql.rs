//! Every statement of the call records.

crate::statements! {
    OPEN_CALL = "INSERT INTO calls (id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (carrier, carrier_call_id) DO NOTHING";
    CALL = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE id = $1";
    CALL_BY_CARRIER = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE carrier = $1 AND carrier_call_id = $2";
    CALL_EXISTS = "SELECT COUNT(*) FROM calls WHERE id = $1";
    CALLS_NEWEST = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls ORDER BY id DESC LIMIT $1";
    CALLS_BEFORE = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE id < $1 ORDER BY id DESC LIMIT $2";
    ANSWER_CALL = "UPDATE calls SET answered_at = COALESCE(answered_at, $1), recording = COALESCE($2, recording), \
        status = CASE WHEN status IN ('initiated', 'ringing') THEN 'in_progress' ELSE status END \
        WHERE id = $3 AND ended_at IS NULL";
    /// A status the carrier made final stays; it knows better what became of the line.
    END_CALL = "UPDATE calls SET ended_at = $1, end_reason = $2, progress = NULL, status = CASE \
        WHEN status IN ('completed', 'busy', 'failed', 'no_answer', 'canceled') THEN status \
        WHEN answered_at IS NOT NULL THEN 'completed' ELSE $3 END \
        WHERE id = $4 AND ended_at IS NULL";
    /// The carrier tells of the line and of the transfer in any order.
    END_TRANSFER = "UPDATE calls SET ended_at = COALESCE(ended_at, $1), end_reason = 'transferred', progress = NULL, status = CASE \
        WHEN status IN ('completed', 'busy', 'failed', 'no_answer', 'canceled') THEN status ELSE 'completed' END \
        WHERE id = $2 AND (ended_at IS NULL OR end_reason = 'caller_hung_up')";
    SET_STATUS = "UPDATE calls SET status = $1 WHERE id = $2";
    /// A carrier that repeats itself for ever fills nothing: after the limit reports are no longer kept.
    ADD_STATUS_EVENT = "INSERT INTO status_events (call_id, tenant_id, at, status, raw) SELECT id, tenant_id, $2, $3, $4 FROM calls \
        WHERE id = $1 AND (SELECT COUNT(*) FROM status_events WHERE call_id = $1) < $5";
    /// Parts of a call belong to the workspace of the call; of a call that is not there none is stored.
    ADD_TURN = "INSERT INTO turns (call_id, tenant_id, turn_index, speaker, said, heard, interrupted, start_ms, end_ms, confidence, digits, endpoint_ms, recognition_ms, brain_ms, first_audio_ms) \
        SELECT id, tenant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM calls WHERE id = $1 \
        ON CONFLICT (call_id, turn_index) DO UPDATE SET speaker = excluded.speaker, said = excluded.said, heard = excluded.heard, \
        interrupted = excluded.interrupted, start_ms = excluded.start_ms, end_ms = excluded.end_ms, confidence = excluded.confidence, digits = excluded.digits, \
        endpoint_ms = excluded.endpoint_ms, recognition_ms = excluded.recognition_ms, brain_ms = excluded.brain_ms, first_audio_ms = excluded.first_audio_ms";
    TURNS = "SELECT * FROM turns WHERE call_id = $1 ORDER BY turn_index LIMIT $2";
    CLAIM_TOOL = "INSERT INTO tool_calls (call_id, tenant_id, idempotency_key, tool, arguments, outcome, result, start_ms, took_ms) \
        SELECT id, tenant_id, $2, $3, $4, 'pending', 'null', $5, 0 FROM calls WHERE id = $1 ON CONFLICT (idempotency_key) DO NOTHING";
    TOOL_BY_KEY = "SELECT * FROM tool_calls WHERE idempotency_key = $1";
    FINISH_TOOL = "UPDATE tool_calls SET outcome = $1, result = $2, took_ms = $3 WHERE call_id = $4 AND idempotency_key = $5 AND outcome = 'pending'";
    TOOL_CLAIMED = "SELECT COUNT(*) FROM tool_calls WHERE call_id = $1 AND idempotency_key = $2";
    TOOLS = "SELECT * FROM tool_calls WHERE call_id = $1 ORDER BY id LIMIT $2";
    ADD_MESSAGE = "INSERT INTO messages (call_id, tenant_id, at, name, phone, said, idempotency_key) \
        SELECT id, tenant_id, $2, $3, $4, $5, $6 FROM calls WHERE id = $1 ON CONFLICT (idempotency_key) DO NOTHING";
    MESSAGES = "SELECT * FROM messages ORDER BY id DESC LIMIT $1";
    CLAIM_CALL = "UPDATE calls SET instance = $1 WHERE id = $2 AND ended_at IS NULL";
    CLAIMED_BY = "SELECT instance FROM calls WHERE id = $1 AND instance IS NOT NULL";
    OPEN_CALLS = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE ended_at IS NULL AND status <> 'transferring' ORDER BY id LIMIT $1";
    OPEN_CALLS_OF = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE ended_at IS NULL AND instance = $1 AND status <> 'transferring' ORDER BY id LIMIT $2";
    TRANSFERS = "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, answered_at, ended_at, end_reason, recording FROM calls WHERE ended_at IS NULL AND status = 'transferring' AND offered_at < $1 ORDER BY id LIMIT $2";
    SAVE_PROGRESS = "UPDATE calls SET progress = $1 WHERE id = $2 AND ended_at IS NULL";
    PROGRESS = "SELECT progress FROM calls WHERE id = $1 AND progress IS NOT NULL";
    /// A call is being put through as long as that is its next step.
    SET_NEXT = "UPDATE calls SET next_step = $1, status = CASE \
        WHEN ended_at IS NOT NULL THEN status \
        WHEN $3 AND status IN ('initiated', 'ringing', 'in_progress') THEN 'transferring' \
        WHEN NOT $3 AND status = 'transferring' THEN 'in_progress' ELSE status END WHERE id = $2";
    NEXT_STEP = "SELECT next_step FROM calls WHERE carrier = $1 AND carrier_call_id = $2 AND next_step IS NOT NULL";
    /// Changes nothing; whoever else wants to write this call waits until our transaction is over.
    HOLD_CALL = "UPDATE calls SET status = status WHERE id = $1";
    /// The same, by the carrier's id.
    HOLD_CALL_OF_CARRIER = "UPDATE calls SET status = status WHERE carrier = $1 AND carrier_call_id = $2";
    RESUMES = "SELECT at FROM resumes WHERE call_id = $1 ORDER BY id DESC LIMIT $2";
    ADD_RESUME = "INSERT INTO resumes (call_id, tenant_id, at) SELECT id, tenant_id, $2 FROM calls WHERE id = $1";
    FORGET_RESUMES = "DELETE FROM resumes WHERE call_id = $1 AND id NOT IN (SELECT id FROM resumes WHERE call_id = $1 ORDER BY id DESC LIMIT $2)";
    /// Only what the caller asks the agent for replaces what is there.
    ADD_CALLBACK = "INSERT INTO callbacks (call_id, tenant_id, agent_id, number, at, why) SELECT id, tenant_id, $2, $3, $4, $5 FROM calls WHERE id = $1 \
        ON CONFLICT (call_id) DO UPDATE SET agent_id = excluded.agent_id, number = excluded.number, at = excluded.at, why = excluded.why \
        WHERE excluded.why = 'asked'";
    CALLBACKS = "SELECT id, call_id, agent_id, number, at, why FROM callbacks ORDER BY id DESC LIMIT $1";
    WRITE_PROBE = "INSERT INTO probes (id, value) VALUES ($1, $2)";
    READ_PROBE = "SELECT value FROM probes WHERE id = $1";
    REMOVE_PROBE = "DELETE FROM probes WHERE id = $1";
}
