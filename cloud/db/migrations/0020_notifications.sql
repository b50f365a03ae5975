-- Notifications: a record of every delivery, which is also what keeps anybody from being told twice.
--
-- Why: a delivery is written before it is sent. After a kill it is found waiting and sent, and no second one can be written.
-- Locks: none on existing tables, only a new one.

CREATE TABLE notification_deliveries (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint REFERENCES incidents,
    step text NOT NULL,
    contact text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    problem text,
    planned_at timestamptz NOT NULL,
    sent_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (incident_id, step, contact)
);
CREATE INDEX notification_deliveries_waiting ON notification_deliveries (next_try_at) WHERE state = 'waiting';
COMMENT ON COLUMN notification_deliveries.step IS 'page 1, page 2, …, over, or digest and its time';
