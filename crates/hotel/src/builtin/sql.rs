//! Every statement of the built-in PMS.

store::statements! {
    ADD_PROPERTY = "INSERT INTO properties (code, name, time_zone, currency, max_nights, horizon_days, free_cancel_hour, tenant_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ADD_ROOM_TYPE = "INSERT INTO room_types (property, code, name, spoken, capacity, nightly_cents, units, tenant_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    PROPERTY = "SELECT * FROM properties WHERE code = $1 AND tenant_id = $2";
    ROOM_TYPES = "SELECT * FROM room_types WHERE property = $1 AND tenant_id = $2 ORDER BY nightly_cents, code";
    SET_RATE = "INSERT INTO nightly_rates (property, room_type, night, cents, tenant_id) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (property, room_type, night) DO UPDATE SET cents = excluded.cents WHERE nightly_rates.tenant_id = excluded.tenant_id";
    RATES = "SELECT room_type, night, cents AS number FROM nightly_rates WHERE property = $1 AND night >= $2 AND night < $3 AND tenant_id = $4";
    /// Rooms taken per type and night; the reservation $4 does not count (a change may use its own room).
    TAKEN = "SELECT n.room_type, n.night, COUNT(*) AS number FROM reservation_nights n JOIN reservations r ON r.id = n.reservation_id \
        WHERE n.property = $1 AND n.night >= $2 AND n.night < $3 AND r.status = 'confirmed' AND r.id <> $4 AND n.tenant_id = $5 AND r.tenant_id = $5 GROUP BY n.room_type, n.night";
    CODE_TAKEN = "SELECT COUNT(*) FROM reservations WHERE property = $1 AND code = $2 AND tenant_id = $3";
    ADD_RESERVATION = "INSERT INTO reservations (id, property, code, idempotency_key, status, room_type, arrival, departure, guests, \
        full_name, first_name, last_name, phone, phone_digits, total_cents, currency, created_at, changed_at, tenant_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)";
    ADD_NIGHT = "INSERT INTO reservation_nights (reservation_id, night, property, room_type, cents, tenant_id) VALUES ($1, $2, $3, $4, $5, $6)";
    NIGHTS = "SELECT night, cents FROM reservation_nights WHERE reservation_id = $1 AND tenant_id = $2 ORDER BY night";
    REMOVE_NIGHTS = "DELETE FROM reservation_nights WHERE reservation_id = $1 AND tenant_id = $2";
    BY_ID = "SELECT * FROM reservations WHERE property = $1 AND id = $2 AND tenant_id = $3";
    BY_KEY = "SELECT * FROM reservations WHERE property = $1 AND idempotency_key = $2 AND tenant_id = $3";
    BY_CODE = "SELECT * FROM reservations WHERE property = $1 AND code = $2 AND tenant_id = $3";
    BY_PHONE = "SELECT * FROM reservations WHERE property = $1 AND phone_digits = $2 AND tenant_id = $3 ORDER BY arrival DESC, id DESC LIMIT 20";
    LATEST = "SELECT * FROM reservations WHERE property = $1 AND $2 = '' AND tenant_id = $3 ORDER BY changed_at DESC, id DESC LIMIT 200";
    CHANGE = "UPDATE reservations SET room_type = $1, arrival = $2, departure = $3, guests = $4, total_cents = $5, changed_at = $6 WHERE id = $7 AND tenant_id = $8";
    CANCEL = "UPDATE reservations SET status = 'cancelled', cancel_fee_cents = $1, changed_at = $2 WHERE id = $3 AND tenant_id = $4";
    CANCEL_FEE = "SELECT cancel_fee_cents FROM reservations WHERE id = $1 AND tenant_id = $2";
    ADD_EFFECT = "INSERT INTO reservation_effects (idempotency_key, reservation_id, kind, amount_cents, at, tenant_id) VALUES ($1, $2, $3, $4, $5, $6)";
    EFFECT = "SELECT amount_cents FROM reservation_effects WHERE idempotency_key = $1 AND reservation_id = $2 AND kind = $3 AND tenant_id = $4";
    REMOVE_RESERVATION = "DELETE FROM reservations WHERE id = $1 AND tenant_id = $2";
}
