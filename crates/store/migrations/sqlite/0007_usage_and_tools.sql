-- What a call used of outside services, and what that cost. Prices and costs are decimals as text; NULL: no price is known.
CREATE TABLE call_usage (
    call_id   BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    tenant_id BLOB NOT NULL,
    service   TEXT NOT NULL,
    model     TEXT NOT NULL,
    unit      TEXT NOT NULL,
    amount    INTEGER NOT NULL,
    -- Of one million units.
    price     TEXT,
    cost      TEXT,
    currency  TEXT NOT NULL,
    PRIMARY KEY (call_id, service, model, unit)
) STRICT;

-- Who took over in a call: listening (ears), thinking (mind), speaking (voice).
CREATE TABLE call_rungs (
    call_id   BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    tenant_id BLOB NOT NULL,
    n         INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    part      TEXT NOT NULL,
    from_rung TEXT NOT NULL,
    to_rung   TEXT NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (call_id, n)
) STRICT;

-- Tools that a workspace declared.
CREATE TABLE tools (
    id         BLOB PRIMARY KEY NOT NULL,
    tenant_id  BLOB NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    -- "http" or "mcp".
    kind       TEXT NOT NULL,
    -- JSON of Declared.
    definition TEXT NOT NULL,
    -- What it says who we are with, sealed; NULL for none.
    secret     BLOB,
    active     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (tenant_id, name_key)
) STRICT;

CREATE INDEX tools_of_tenant ON tools (tenant_id, id);
