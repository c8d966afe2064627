-- Call records. Times are text in UTC with microseconds at most; ids are 16 bytes; booleans are 0 or 1; JSON is text.
CREATE TABLE calls (
    id              BLOB PRIMARY KEY NOT NULL,
    carrier         TEXT NOT NULL,
    carrier_call_id TEXT NOT NULL,
    direction       TEXT NOT NULL,
    from_number     TEXT NOT NULL,
    to_number       TEXT NOT NULL,
    agent_id        BLOB NOT NULL,
    agent_name      TEXT NOT NULL,
    status          TEXT NOT NULL,
    offered_at      TEXT NOT NULL,
    answered_at     TEXT,
    ended_at        TEXT,
    end_reason      TEXT,
    recording       TEXT,
    UNIQUE (carrier, carrier_call_id)
) STRICT;

-- Open calls are few: closing what a crash left open does not read the whole table.
CREATE INDEX calls_open ON calls (id) WHERE ended_at IS NULL;

CREATE TABLE turns (
    call_id        BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn_index     INTEGER NOT NULL,
    speaker        TEXT NOT NULL,
    said           TEXT NOT NULL,
    heard          TEXT NOT NULL,
    interrupted    INTEGER NOT NULL,
    start_ms       INTEGER NOT NULL,
    end_ms         INTEGER NOT NULL,
    confidence     REAL,
    digits         TEXT,
    endpoint_ms    INTEGER,
    recognition_ms INTEGER,
    brain_ms       INTEGER,
    first_audio_ms INTEGER,
    PRIMARY KEY (call_id, turn_index)
) STRICT;

-- The id gives the order in which the calls were claimed; the key alone decides whether an effect happened.
CREATE TABLE tool_calls (
    id              INTEGER PRIMARY KEY NOT NULL,
    call_id         BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL UNIQUE,
    tool            TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    result          TEXT NOT NULL,
    start_ms        INTEGER NOT NULL,
    took_ms         INTEGER NOT NULL
) STRICT;

CREATE INDEX tool_calls_of_call ON tool_calls (call_id, id);

-- What the carrier reported, in its own words, as it came in.
CREATE TABLE status_events (
    id      INTEGER PRIMARY KEY NOT NULL,
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      TEXT NOT NULL,
    status  TEXT NOT NULL,
    raw     TEXT NOT NULL
) STRICT;

CREATE INDEX status_events_of_call ON status_events (call_id, id);

CREATE TABLE messages (
    id      INTEGER PRIMARY KEY NOT NULL,
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      TEXT NOT NULL,
    name    TEXT NOT NULL,
    phone   TEXT NOT NULL,
    said    TEXT NOT NULL
) STRICT;

-- Rows of functional checks: written, read back and removed.
CREATE TABLE probes (
    id    BLOB PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;
