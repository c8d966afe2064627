-- The built-in PMS. Money is in cents; dates are YYYY-MM-DD in the property's time zone; a night is named by the date of its evening.
CREATE TABLE properties (
    code         TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    time_zone    TEXT NOT NULL,
    currency     TEXT NOT NULL,
    max_nights   INTEGER NOT NULL,
    horizon_days INTEGER NOT NULL,
    -- Hour of the day before arrival, local time, up to which cancelling is free.
    free_cancel_hour INTEGER NOT NULL
) STRICT;

CREATE TABLE room_types (
    property      TEXT NOT NULL REFERENCES properties (code),
    code          TEXT NOT NULL,
    name          TEXT NOT NULL,
    spoken        TEXT NOT NULL,
    capacity      INTEGER NOT NULL,
    nightly_cents INTEGER NOT NULL,
    units         INTEGER NOT NULL,
    PRIMARY KEY (property, code)
) STRICT;

-- Nights with a price of their own.
CREATE TABLE nightly_rates (
    property  TEXT NOT NULL,
    room_type TEXT NOT NULL,
    night     TEXT NOT NULL,
    cents     INTEGER NOT NULL,
    PRIMARY KEY (property, room_type, night),
    FOREIGN KEY (property, room_type) REFERENCES room_types (property, code)
) STRICT;

CREATE TABLE reservations (
    id              BLOB PRIMARY KEY NOT NULL,
    property        TEXT NOT NULL REFERENCES properties (code),
    code            TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    status          TEXT NOT NULL,
    room_type       TEXT NOT NULL,
    arrival         TEXT NOT NULL,
    departure       TEXT NOT NULL,
    guests          INTEGER NOT NULL,
    full_name       TEXT NOT NULL,
    first_name      TEXT NOT NULL,
    last_name       TEXT NOT NULL,
    phone           TEXT NOT NULL,
    phone_digits    TEXT NOT NULL,
    total_cents     INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    cancel_fee_cents INTEGER,
    created_at      TEXT NOT NULL,
    changed_at      TEXT NOT NULL,
    UNIQUE (property, code),
    FOREIGN KEY (property, room_type) REFERENCES room_types (property, code)
) STRICT;

CREATE INDEX reservations_by_phone ON reservations (property, phone_digits);

-- One row for each night of a reservation, with the price agreed for it. Counted per night, they are the occupied rooms.
CREATE TABLE reservation_nights (
    reservation_id BLOB NOT NULL REFERENCES reservations (id) ON DELETE CASCADE,
    night          TEXT NOT NULL,
    property       TEXT NOT NULL,
    room_type      TEXT NOT NULL,
    cents          INTEGER NOT NULL,
    PRIMARY KEY (reservation_id, night)
) STRICT;

CREATE INDEX reservation_nights_by_night ON reservation_nights (property, room_type, night);

-- Changes and cancellations by idempotency key: one key, one effect.
CREATE TABLE reservation_effects (
    idempotency_key TEXT PRIMARY KEY NOT NULL,
    reservation_id  BLOB NOT NULL REFERENCES reservations (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL,
    -- What it cost: the difference of a change, the fee of a cancellation.
    amount_cents    INTEGER NOT NULL,
    at              TEXT NOT NULL
) STRICT;
