-- Whose calls, agents, numbers and vendor keys these are.
ALTER TABLE calls ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE turns ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE tool_calls ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE status_events ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE messages ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE resumes ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE callbacks ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE properties ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE room_types ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE nightly_rates ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE reservations ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE reservation_nights ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';
ALTER TABLE reservation_effects ADD COLUMN tenant_id UUID NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';

-- One index for each filter of the list. Ids begin with the time of the call: newest first is their order, and a span of time is a span of ids.
CREATE INDEX calls_of_tenant ON calls (tenant_id, id);
CREATE INDEX calls_by_agent ON calls (tenant_id, agent_id, id);
CREATE INDEX calls_by_status ON calls (tenant_id, status, id);
CREATE INDEX calls_by_direction ON calls (tenant_id, direction, id);
CREATE INDEX calls_by_end_reason ON calls (tenant_id, end_reason, id);
CREATE INDEX calls_by_caller ON calls (tenant_id, from_number, id);
CREATE INDEX calls_by_called ON calls (tenant_id, to_number, id);
CREATE INDEX messages_of_tenant ON messages (tenant_id, id);
-- A call that is removed takes its messages with it.
CREATE INDEX messages_of_call ON messages (call_id);
CREATE INDEX callbacks_of_tenant ON callbacks (tenant_id, id);

CREATE TABLE agents (
    id                UUID PRIMARY KEY NOT NULL,
    tenant_id         UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name              TEXT NOT NULL,
    name_key          TEXT NOT NULL,
    description       TEXT,
    -- The dialogue: the text of a flow file, or NULL for the built-in one named in base.
    flow              TEXT,
    base              TEXT NOT NULL,
    -- What the workspace set; JSON of AgentSettings. Missing: the flow's own.
    settings          JSONB NOT NULL,
    active            BOOLEAN NOT NULL,
    version           BIGINT NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL,
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE phone_numbers (
    id         UUID PRIMARY KEY NOT NULL,
    tenant_id  UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- E.164 with its plus: one number, one workspace, in the whole installation.
    number     TEXT NOT NULL UNIQUE,
    name       TEXT,
    carrier    TEXT NOT NULL,
    agent_id   UUID REFERENCES agents (id) ON DELETE SET NULL,
    version    BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX phone_numbers_of_tenant ON phone_numbers (tenant_id, id);
CREATE INDEX phone_numbers_of_agent ON phone_numbers (agent_id);

-- Vendor and carrier keys of a workspace, sealed.
CREATE TABLE provider_keys (
    tenant_id  UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    -- The last four letters, for people; NULL for short ones.
    ending     TEXT,
    updated_at TIMESTAMPTZ NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, provider)
);

-- Changes of agents, numbers and workspaces: instances look here to see that what they hold is old.
CREATE TABLE directory_version (
    one     BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    version BIGINT NOT NULL
);
INSERT INTO directory_version (one, version) VALUES (1, 1);

-- What retention, erasure and export did, without the data itself.
CREATE TABLE privacy_log (
    id         UUID PRIMARY KEY NOT NULL,
    tenant_id  UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    at         TIMESTAMPTZ NOT NULL,
    -- "retention", "erasure" or "export".
    kind       TEXT NOT NULL,
    -- Keyed hash of the person's number; NULL for retention.
    subject    TEXT,
    -- Counts by kind of data, JSON, and what a search found afterwards.
    removed    JSONB NOT NULL,
    left_over  JSONB NOT NULL
);

CREATE INDEX privacy_log_of_tenant ON privacy_log (tenant_id, at);
