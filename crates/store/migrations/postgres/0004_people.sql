-- Workspaces (tenants), people, and what they may do. Emails are kept as typed and, for look-ups, in lower case. Secrets are digests or sealed.
CREATE TABLE tenants (
    id             UUID PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    description    TEXT,
    time_zone      TEXT NOT NULL,
    -- Seven lists of from and to, Monday first; NULL is "always open".
    opening_hours  JSONB,
    -- Days by kind of data; a missing kind is kept for ever.
    retention      JSONB NOT NULL,
    -- What is masked in stored transcripts: "cards" or "all".
    redaction      TEXT NOT NULL,
    -- Calls at once; NULL is the installation's limit.
    max_calls      BIGINT,
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL
);

-- Everything that was there before workspaces belongs to this one.
INSERT INTO tenants (id, name, time_zone, retention, redaction, version, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'UTC', '{}', 'cards', 1, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');

CREATE TABLE users (
    id                   UUID PRIMARY KEY NOT NULL,
    email                TEXT NOT NULL,
    email_key            TEXT NOT NULL UNIQUE,
    name                 TEXT NOT NULL,
    -- PHC string; NULL while the person signs in elsewhere, or has not chosen a password yet.
    password_hash        TEXT,
    password_changed_at  TIMESTAMPTZ,
    active               BOOLEAN NOT NULL,
    system_admin         BOOLEAN NOT NULL,
    -- The identity at an OpenID provider.
    issuer               TEXT,
    subject              TEXT,
    -- Sealed TOTP secret; NULL without a second factor. Not confirmed: being set up.
    totp_secret          BYTEA,
    totp_confirmed       BOOLEAN NOT NULL,
    -- The last accepted time step: each code works once.
    totp_step            BIGINT,
    version              BIGINT NOT NULL,
    created_at           TIMESTAMPTZ NOT NULL,
    updated_at           TIMESTAMPTZ NOT NULL,
    last_login_at        TIMESTAMPTZ,
    UNIQUE (issuer, subject)
);

CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest  BYTEA NOT NULL,
    used_at TIMESTAMPTZ,
    PRIMARY KEY (user_id, digest)
);

CREATE TABLE memberships (
    tenant_id  UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE INDEX memberships_of_user ON memberships (user_id);

-- One row for each sign-in. Tokens are kept as SHA-256.
CREATE TABLE sessions (
    id               UUID PRIMARY KEY NOT NULL,
    user_id          UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The workspace it acts in.
    tenant_id        UUID REFERENCES tenants (id) ON DELETE CASCADE,
    -- "browser" (cookie) or "token" (access and refresh token).
    kind             TEXT NOT NULL,
    secret_digest    BYTEA NOT NULL UNIQUE,
    -- The refresh token before the present one: seen again, it was stolen.
    previous_digest  BYTEA UNIQUE,
    -- When the second factor was given.
    verified_at      TIMESTAMPTZ,
    address          TEXT NOT NULL,
    user_agent       TEXT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    used_at          TIMESTAMPTZ NOT NULL,
    idle_ends_at     TIMESTAMPTZ NOT NULL,
    ends_at          TIMESTAMPTZ NOT NULL,
    revoked_at       TIMESTAMPTZ,
    revoked_because  TEXT
);

CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_over ON sessions (ends_at);

-- Links that work once: the first administrator's, invitations, password resets, and the step between password and second factor.
CREATE TABLE tickets (
    digest     BYTEA PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    user_id    UUID REFERENCES users (id) ON DELETE CASCADE,
    tenant_id  UUID REFERENCES tenants (id) ON DELETE CASCADE,
    -- What the ticket carries, JSON; sealed where it holds a secret.
    carries    JSONB NOT NULL,
    -- Wrong tries left; at none it is gone.
    tries_left BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ NOT NULL
);

CREATE INDEX tickets_over ON tickets (ends_at);
CREATE INDEX tickets_of_user ON tickets (user_id, kind);

-- How often signing in failed, for an account or an address; the key is a digest.
CREATE TABLE login_failures (
    key        BYTEA PRIMARY KEY NOT NULL,
    failures   BIGINT NOT NULL,
    last_at    TIMESTAMPTZ NOT NULL,
    -- No try is looked at before.
    blocked_to TIMESTAMPTZ NOT NULL
);

CREATE INDEX login_failures_old ON login_failures (last_at);

CREATE TABLE api_keys (
    id           UUID PRIMARY KEY NOT NULL,
    tenant_id    UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    -- The first letters, by which people tell keys apart.
    prefix       TEXT NOT NULL UNIQUE,
    digest       BYTEA NOT NULL UNIQUE,
    -- Permissions, JSON.
    scopes       JSONB NOT NULL,
    created_by   UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);

CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, id);
CREATE INDEX api_keys_of_maker ON api_keys (created_by);

-- Append only. Each row's hash covers the row and the hash before it, in one chain for the whole installation.
CREATE TABLE audit (
    number      BIGINT PRIMARY KEY NOT NULL,
    tenant_id   UUID,
    at          TIMESTAMPTZ NOT NULL,
    -- "user", "api_key", "operator" or "system", and its id.
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT,
    action      TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id   TEXT,
    outcome     TEXT NOT NULL,
    -- SHA-256 of the target before and after, hex.
    before_digest TEXT,
    after_digest  TEXT,
    detail      JSONB NOT NULL,
    request_id  TEXT NOT NULL,
    address     TEXT NOT NULL,
    previous    BYTEA NOT NULL,
    hash        BYTEA NOT NULL
);

CREATE INDEX audit_of_tenant ON audit (tenant_id, number);
CREATE INDEX audit_by_actor ON audit (actor_id, number);
CREATE INDEX audit_by_action ON audit (action, number);
CREATE INDEX audit_by_target ON audit (target_kind, target_id, number);

CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append only'; END $$;
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps();

-- Where the trail begins after old rows were removed by retention: their last hash.
CREATE TABLE audit_start (
    number BIGINT PRIMARY KEY NOT NULL,
    hash   BYTEA NOT NULL,
    at     TIMESTAMPTZ NOT NULL
);

-- Answers to requests that may be repeated.
CREATE TABLE idempotency (
    tenant_id      UUID NOT NULL,
    -- Who asked, and the key they gave, as a digest.
    key            BYTEA NOT NULL,
    request_digest BYTEA NOT NULL,
    -- NULL while the first request is at work.
    status         BIGINT,
    headers        JSONB,
    -- Sealed: an answer may carry a secret.
    body           BYTEA,
    created_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE INDEX idempotency_old ON idempotency (created_at);
