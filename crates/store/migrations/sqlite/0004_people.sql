-- Workspaces (tenants), people, and what they may do. Emails are kept as typed and, for look-ups, in lower case. Secrets are digests or sealed.
CREATE TABLE tenants (
    id             BLOB PRIMARY KEY NOT NULL,
    name           TEXT NOT NULL,
    description    TEXT,
    time_zone      TEXT NOT NULL,
    -- Seven lists of from and to, Monday first; NULL is "always open".
    opening_hours  TEXT,
    -- Days by kind of data; a missing kind is kept for ever.
    retention      TEXT NOT NULL,
    -- What is masked in stored transcripts: "cards" or "all".
    redaction      TEXT NOT NULL,
    -- Calls at once; NULL is the installation's limit.
    max_calls      INTEGER,
    version        INTEGER NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL
) STRICT;

-- Everything that was there before workspaces belongs to this one.
INSERT INTO tenants (id, name, time_zone, retention, redaction, version, created_at, updated_at)
VALUES (x'00000000000070008000000000000001', 'default', 'UTC', '{}', 'cards', 1, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');

CREATE TABLE users (
    id                   BLOB PRIMARY KEY NOT NULL,
    email                TEXT NOT NULL,
    email_key            TEXT NOT NULL UNIQUE,
    name                 TEXT NOT NULL,
    -- PHC string; NULL while the person signs in elsewhere, or has not chosen a password yet.
    password_hash        TEXT,
    password_changed_at  TEXT,
    active               INTEGER NOT NULL,
    system_admin         INTEGER NOT NULL,
    -- The identity at an OpenID provider.
    issuer               TEXT,
    subject              TEXT,
    -- Sealed TOTP secret; NULL without a second factor. Not confirmed: being set up.
    totp_secret          BLOB,
    totp_confirmed       INTEGER NOT NULL,
    -- The last accepted time step: each code works once.
    totp_step            INTEGER,
    version              INTEGER NOT NULL,
    created_at           TEXT NOT NULL,
    updated_at           TEXT NOT NULL,
    last_login_at        TEXT,
    UNIQUE (issuer, subject)
) STRICT;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL,
    used_at TEXT,
    PRIMARY KEY (user_id, digest)
) STRICT;

CREATE TABLE memberships (
    tenant_id  BLOB NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT;

CREATE INDEX memberships_of_user ON memberships (user_id);

-- One row for each sign-in. Tokens are kept as SHA-256.
CREATE TABLE sessions (
    id               BLOB PRIMARY KEY NOT NULL,
    user_id          BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The workspace it acts in.
    tenant_id        BLOB REFERENCES tenants (id) ON DELETE CASCADE,
    -- "browser" (cookie) or "token" (access and refresh token).
    kind             TEXT NOT NULL,
    secret_digest    BLOB NOT NULL UNIQUE,
    -- The refresh token before the present one: seen again, it was stolen.
    previous_digest  BLOB UNIQUE,
    -- When the second factor was given.
    verified_at      TEXT,
    address          TEXT NOT NULL,
    user_agent       TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    used_at          TEXT NOT NULL,
    idle_ends_at     TEXT NOT NULL,
    ends_at          TEXT NOT NULL,
    revoked_at       TEXT,
    revoked_because  TEXT
) STRICT;

CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_over ON sessions (ends_at);

-- Links that work once: the first administrator's, invitations, password resets, and the step between password and second factor.
CREATE TABLE tickets (
    digest     BLOB PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    user_id    BLOB REFERENCES users (id) ON DELETE CASCADE,
    tenant_id  BLOB REFERENCES tenants (id) ON DELETE CASCADE,
    -- What the ticket carries, JSON; sealed where it holds a secret.
    carries    TEXT NOT NULL,
    -- Wrong tries left; at none it is gone.
    tries_left INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    ends_at    TEXT NOT NULL
) STRICT;

CREATE INDEX tickets_over ON tickets (ends_at);
CREATE INDEX tickets_of_user ON tickets (user_id, kind);

-- How often signing in failed, for an account or an address; the key is a digest.
CREATE TABLE login_failures (
    key        BLOB PRIMARY KEY NOT NULL,
    failures   INTEGER NOT NULL,
    last_at    TEXT NOT NULL,
    -- No try is looked at before.
    blocked_to TEXT NOT NULL
) STRICT;

CREATE INDEX login_failures_old ON login_failures (last_at);

CREATE TABLE api_keys (
    id           BLOB PRIMARY KEY NOT NULL,
    tenant_id    BLOB NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    -- The first letters, by which people tell keys apart.
    prefix       TEXT NOT NULL UNIQUE,
    digest       BLOB NOT NULL UNIQUE,
    -- Permissions, JSON.
    scopes       TEXT NOT NULL,
    created_by   BLOB REFERENCES users (id) ON DELETE SET NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT,
    last_used_at TEXT,
    revoked_at   TEXT
) STRICT;

CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, id);
CREATE INDEX api_keys_of_maker ON api_keys (created_by);

-- Append only. Each row's hash covers the row and the hash before it, in one chain for the whole installation.
CREATE TABLE audit (
    number      INTEGER PRIMARY KEY NOT NULL,
    tenant_id   BLOB,
    at          TEXT NOT NULL,
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
    detail      TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    address     TEXT NOT NULL,
    previous    BLOB NOT NULL,
    hash        BLOB NOT NULL
) STRICT;

CREATE INDEX audit_of_tenant ON audit (tenant_id, number);
CREATE INDEX audit_by_actor ON audit (actor_id, number);
CREATE INDEX audit_by_action ON audit (action, number);
CREATE INDEX audit_by_target ON audit (target_kind, target_id, number);

CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append only'); END;

-- Where the trail begins after old rows were removed by retention: their last hash.
CREATE TABLE audit_start (
    number INTEGER PRIMARY KEY NOT NULL,
    hash   BLOB NOT NULL,
    at     TEXT NOT NULL
) STRICT;

-- Answers to requests that may be repeated.
CREATE TABLE idempotency (
    tenant_id      BLOB NOT NULL,
    -- Who asked, and the key they gave, as a digest.
    key            BLOB NOT NULL,
    request_digest BLOB NOT NULL,
    -- NULL while the first request is at work.
    status         INTEGER,
    headers        TEXT,
    -- Sealed: an answer may carry a secret.
    body           BLOB,
    created_at     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT;

CREATE INDEX idempotency_old ON idempotency (created_at);
