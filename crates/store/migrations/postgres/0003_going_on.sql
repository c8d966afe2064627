-- How a call goes on when its media stream or its instance is gone.
ALTER TABLE calls ADD COLUMN instance TEXT;
ALTER TABLE calls ADD COLUMN next_step JSONB;
-- The conversation as it was last; only while the call is open.
ALTER TABLE calls ADD COLUMN progress JSONB;

-- When a call was taken up again, the last times only; the id gives the order.
CREATE TABLE resumes (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX resumes_of_call ON resumes (call_id, id);

-- Callers who asked to be called back, once for each call.
CREATE TABLE callbacks (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id  UUID NOT NULL UNIQUE REFERENCES calls (id) ON DELETE CASCADE,
    agent_id UUID NOT NULL,
    number   TEXT NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    why      TEXT NOT NULL
);
