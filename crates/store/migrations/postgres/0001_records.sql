-- Call records. The same tables as in SQLite, with PostgreSQL's own types.
CREATE TABLE calls (
    id              UUID PRIMARY KEY NOT NULL,
    carrier         TEXT NOT NULL,
    carrier_call_id TEXT NOT NULL,
    direction       TEXT NOT NULL,
    from_number     TEXT NOT NULL,
    to_number       TEXT NOT NULL,
    agent_id        UUID NOT NULL,
    agent_name      TEXT NOT NULL,
    status          TEXT NOT NULL,
    offered_at      TIMESTAMPTZ NOT NULL,
    answered_at     TIMESTAMPTZ,
    ended_at        TIMESTAMPTZ,
    end_reason      TEXT,
    recording       TEXT,
    UNIQUE (carrier, carrier_call_id)
);

-- Open calls are few: finding what a dead instance left open does not read the whole table.
CREATE INDEX calls_open ON calls (id) WHERE ended_at IS NULL;

CREATE TABLE turns (
    call_id        UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn_index     BIGINT NOT NULL,
    speaker        TEXT NOT NULL,
    said           TEXT NOT NULL,
    heard          TEXT NOT NULL,
    interrupted    BOOLEAN NOT NULL,
    start_ms       BIGINT NOT NULL,
    end_ms         BIGINT NOT NULL,
    confidence     REAL,
    digits         TEXT,
    endpoint_ms    BIGINT,
    recognition_ms BIGINT,
    brain_ms       BIGINT,
    first_audio_ms BIGINT,
    PRIMARY KEY (call_id, turn_index)
);

-- The id gives the order in which the calls were claimed; the key alone decides whether an effect happened.
CREATE TABLE tool_calls (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id         UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL UNIQUE,
    tool            TEXT NOT NULL,
    arguments       JSONB NOT NULL,
    outcome         TEXT NOT NULL,
    result          JSONB NOT NULL,
    start_ms        BIGINT NOT NULL,
    took_ms         BIGINT NOT NULL
);

CREATE INDEX tool_calls_of_call ON tool_calls (call_id, id);

-- What the carrier reported, in its own words, as it came in.
CREATE TABLE status_events (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL,
    status  TEXT NOT NULL,
    raw     TEXT NOT NULL
);

CREATE INDEX status_events_of_call ON status_events (call_id, id);

CREATE TABLE messages (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL,
    name    TEXT NOT NULL,
    phone   TEXT NOT NULL,
    said    TEXT NOT NULL
);

-- Rows of functional checks: written, read back and removed.
CREATE TABLE probes (
    id    UUID PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
