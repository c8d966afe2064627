//! The documented API: one route table with permission and rate limit for each address, problem details, idempotency, and the handlers for people and business data.
