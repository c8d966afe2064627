-- One key, one message. What was left before this version has none.
ALTER TABLE messages ADD COLUMN idempotency_key TEXT;
CREATE UNIQUE INDEX messages_by_key ON messages (idempotency_key);
