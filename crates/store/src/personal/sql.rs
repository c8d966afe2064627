//! Every statement of personal data. Those that look through texts are given a span of calls: none reads a whole workspace at once.

crate::statements! {
    /// The last call of the next step.
    STEP_END = "SELECT id FROM (SELECT id FROM calls WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3) step ORDER BY id DESC LIMIT 1";
    CALLS = "SELECT id, direction, from_number, to_number, ended_at, recording, next_step FROM calls WHERE tenant_id = $1 AND id > $2 AND id <= $3 \
        AND (from_number LIKE $4 OR to_number LIKE $4 OR CAST(next_step AS TEXT) LIKE $4) ORDER BY id";
    TURNS = "SELECT call_id, turn_index, said, heard, digits FROM turns WHERE tenant_id = $1 AND call_id > $2 AND call_id <= $3 \
        AND (said LIKE $4 OR heard LIKE $4 OR digits LIKE $4)";
    TOOLS = "SELECT id, call_id, arguments, result FROM tool_calls WHERE tenant_id = $1 AND call_id > $2 AND call_id <= $3 \
        AND (CAST(arguments AS TEXT) LIKE $4 OR CAST(result AS TEXT) LIKE $4)";
    STATUS_EVENTS = "SELECT id, call_id, raw FROM status_events WHERE tenant_id = $1 AND call_id > $2 AND call_id <= $3 AND raw LIKE $4";
    MESSAGES = "SELECT id, call_id, name, phone, said FROM messages WHERE tenant_id = $1 AND call_id > $2 AND call_id <= $3 \
        AND (phone LIKE $4 OR said LIKE $4 OR name LIKE $4)";
    CALLBACKS = "SELECT id, call_id, number FROM callbacks WHERE tenant_id = $1 AND call_id > $2 AND call_id <= $3 AND number LIKE $4";
    RESERVATIONS = "SELECT id FROM reservations WHERE tenant_id = $1 AND property IN (SELECT code FROM properties WHERE tenant_id = $1) \
        AND phone_digits = $2 ORDER BY id LIMIT $3";

    COUNT_TURNS = "SELECT COUNT(*) FROM turns WHERE tenant_id = $1 AND call_id = $2";
    COUNT_TOOLS = "SELECT COUNT(*) FROM tool_calls WHERE tenant_id = $1 AND call_id = $2";
    COUNT_STATUS_EVENTS = "SELECT COUNT(*) FROM status_events WHERE tenant_id = $1 AND call_id = $2";
    COUNT_MESSAGES = "SELECT COUNT(*) FROM messages WHERE tenant_id = $1 AND call_id = $2";
    COUNT_CALLBACKS = "SELECT COUNT(*) FROM callbacks WHERE tenant_id = $1 AND call_id = $2";

    /// A call that is still going on is left alone: what it writes next would bring everything back.
    BLANK_CALL = "UPDATE calls SET from_number = CASE WHEN direction = 'inbound' THEN '' ELSE from_number END, \
        to_number = CASE WHEN direction = 'outbound' THEN '' ELSE to_number END, recording = NULL, next_step = NULL, progress = NULL \
        WHERE tenant_id = $1 AND id = $2 AND ended_at IS NOT NULL";
    BLANK_TURNS = "UPDATE turns SET said = '', heard = '', digits = NULL WHERE tenant_id = $1 AND call_id = $2";
    BLANK_TOOLS = "UPDATE tool_calls SET arguments = '{}', result = 'null' WHERE tenant_id = $1 AND call_id = $2";
    BLANK_STATUS_EVENTS = "UPDATE status_events SET raw = '' WHERE tenant_id = $1 AND call_id = $2";
    REMOVE_MESSAGES = "DELETE FROM messages WHERE tenant_id = $1 AND call_id = $2";
    REMOVE_CALLBACKS = "DELETE FROM callbacks WHERE tenant_id = $1 AND call_id = $2";

    FORGET_NEXT = "UPDATE calls SET next_step = NULL WHERE tenant_id = $1 AND id = $2 AND ended_at IS NOT NULL";
    SET_TURN = "UPDATE turns SET said = $1, heard = $2, digits = $3 WHERE tenant_id = $4 AND call_id = $5 AND turn_index = $6";
    SET_TOOL = "UPDATE tool_calls SET arguments = $1, result = $2 WHERE tenant_id = $3 AND id = $4";
    SET_STATUS_EVENT = "UPDATE status_events SET raw = $1 WHERE tenant_id = $2 AND id = $3";
    SET_MESSAGE = "UPDATE messages SET said = $1, name = $2 WHERE tenant_id = $3 AND id = $4";
    REMOVE_MESSAGE = "DELETE FROM messages WHERE tenant_id = $1 AND id = $2";
    REMOVE_CALLBACK = "DELETE FROM callbacks WHERE tenant_id = $1 AND id = $2";
    BLANK_RESERVATION = "UPDATE reservations SET full_name = '', first_name = '', last_name = '', phone = '', phone_digits = '' \
        WHERE tenant_id = $1 AND id = $2";

    STATUS_EVENTS_OF = "SELECT at, status, raw FROM status_events WHERE tenant_id = $1 AND call_id = $2 ORDER BY id LIMIT $3";
    MESSAGES_OF = "SELECT * FROM messages WHERE tenant_id = $1 AND call_id = $2 ORDER BY id LIMIT $3";
    MESSAGE = "SELECT * FROM messages WHERE tenant_id = $1 AND id = $2";
    CALLBACKS_OF = "SELECT * FROM callbacks WHERE tenant_id = $1 AND call_id = $2 ORDER BY id LIMIT $3";
    CALLBACK = "SELECT * FROM callbacks WHERE tenant_id = $1 AND id = $2";
    RESERVATION = "SELECT property, code, status, room_type, arrival, departure, guests, full_name, phone, total_cents, currency, created_at, changed_at \
        FROM reservations WHERE tenant_id = $1 AND id = $2";
    NIGHTS = "SELECT night, cents FROM reservation_nights WHERE tenant_id = $1 AND reservation_id = $2 ORDER BY night LIMIT $3";
    EFFECTS = "SELECT kind, amount_cents, at FROM reservation_effects WHERE tenant_id = $1 AND reservation_id = $2 ORDER BY at LIMIT $3";

    LOG = "INSERT INTO privacy_log (id, tenant_id, at, kind, subject, removed, left_over) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LOGGED = "SELECT * FROM privacy_log WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
}
