-- Time machine: what the inventory said at every moment, and what was said of every terminal.
--
-- Why: any of the last 90 days can be asked for "as of" a moment, with what existed then. Links, gateways, classrooms and
-- devices have the status log; terminals are derived, so a duty notes their letters whenever those of an agent change.
-- A set of keys is written once and named by its letters: a change costs a letter per terminal.
-- Locks: reads the inventory once to fill its history; no existing table is changed.

CREATE VIEW inventory_documents AS
SELECT 'school' AS kind, school AS key, position, to_jsonb(schools) - 'retired_at' AS document, retired_at FROM schools
UNION ALL
SELECT 'classroom', classroom, position, to_jsonb(classrooms) - 'retired_at', retired_at FROM classrooms
UNION ALL
SELECT 'agent', agent, position, to_jsonb(agents) - 'retired_at', retired_at FROM agents
UNION ALL
SELECT 'device', device, position, to_jsonb(devices) - 'retired_at', retired_at FROM devices
UNION ALL
SELECT 'link', link, position, to_jsonb(links) - 'retired_at', retired_at FROM links
UNION ALL
SELECT 'port', device || '/' || port, position, to_jsonb(ports) - 'retired_at', retired_at FROM ports
UNION ALL
SELECT 'terminal', terminal, position, to_jsonb(terminals) - 'retired_at', retired_at FROM terminals;

CREATE TABLE inventory_history (
    kind text NOT NULL,
    key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    document jsonb NOT NULL,
    PRIMARY KEY (kind, key, valid_from),
    CHECK (valid_until > valid_from)
);
CREATE UNIQUE INDEX inventory_history_open ON inventory_history (kind, key) WHERE valid_until IS NULL;
CREATE INDEX inventory_history_from ON inventory_history (valid_from);
CREATE INDEX inventory_history_until ON inventory_history (valid_until) WHERE valid_until IS NOT NULL;
COMMENT ON TABLE inventory_history IS 'rows of the inventory as they were; valid_until is null for what is there now';

INSERT INTO inventory_history (kind, key, valid_from, valid_until, document)
SELECT kind, key, began.at, retired_at, document
FROM inventory_documents
CROSS JOIN (SELECT coalesce(min(imported_at), now()) AS at FROM inventory_imports) AS began
WHERE retired_at IS NULL OR retired_at > began.at;

CREATE TABLE terminal_sets (
    set_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id integer NOT NULL,
    terminals text[] NOT NULL
);
CREATE INDEX terminal_sets_agent ON terminal_sets (agent_id);
COMMENT ON COLUMN terminal_sets.terminals IS 'keys of the terminals behind one agent, sorted';

CREATE TABLE terminal_letters (
    agent_id integer NOT NULL,
    changed_at timestamptz NOT NULL,
    set_id bigint NOT NULL,
    letters text NOT NULL,
    PRIMARY KEY (agent_id, changed_at)
);
CREATE INDEX terminal_letters_time ON terminal_letters (changed_at);
COMMENT ON COLUMN terminal_letters.letters IS 'a letter of status per key of the set, until the next row of the agent';
