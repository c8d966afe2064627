-- The columns behind the id are those of the filters that may come with the first: they are looked at in the index, without the row.
DROP INDEX calls_by_agent;
CREATE INDEX calls_by_agent ON calls (tenant_id, agent_id, id, direction, status, end_reason, to_number);
DROP INDEX calls_by_called;
CREATE INDEX calls_by_called ON calls (tenant_id, to_number, id, direction, status, end_reason);
DROP INDEX calls_by_end_reason;
CREATE INDEX calls_by_end_reason ON calls (tenant_id, end_reason, id, direction, status);
DROP INDEX calls_by_status;
CREATE INDEX calls_by_status ON calls (tenant_id, status, id, direction);

-- What an action begins with, up to its first point.
ALTER TABLE audit ADD COLUMN area TEXT GENERATED ALWAYS AS (SUBSTR(action, 1, INSTR(action || '.', '.') - 1)) VIRTUAL;
CREATE INDEX audit_of_tenant_by_action ON audit (tenant_id, action, number);
CREATE INDEX audit_of_tenant_by_area ON audit (tenant_id, area, number);
CREATE INDEX audit_of_tenant_by_outcome ON audit (tenant_id, outcome, number);
CREATE INDEX audit_of_tenant_by_kind ON audit (tenant_id, target_kind, number);
CREATE INDEX audit_by_time ON audit (at, number);
