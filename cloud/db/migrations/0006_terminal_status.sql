-- Status of terminals: a view, so that every count and every list says it alike.
--
-- Why: 29,269 terminals change with every lesson; writing each change would cost more than deriving it. A terminal is what
-- its agent says of it while the agent can say anything; behind an unreachable agent it is unreachable, behind one that
-- is down or was never seen nothing is known.
-- Locks: none on existing tables, only a new view.

CREATE VIEW terminal_status AS
SELECT
    terminals.terminal,
    terminals.position,
    terminals.school,
    terminals.classroom,
    terminals.agent,
    terminals.owner,
    CASE
        WHEN behind.status = 'unreachable' THEN 'unreachable'
        WHEN behind.status IN ('down', 'unknown') OR terminal_current.present IS NULL THEN 'unknown'
        WHEN terminal_current.present THEN 'up'
        ELSE 'down'
    END AS status
FROM terminals
LEFT JOIN things ON things.kind = 'terminal' AND things.key = terminals.terminal
LEFT JOIN terminal_current ON terminal_current.thing_id = things.thing_id
LEFT JOIN (
    SELECT agents.agent, status_current.status
    FROM agents
    JOIN status_current
        ON status_current.kind = agents.role AND status_current.key = coalesce(agents.classroom, agents.agent)
) AS behind ON behind.agent = terminals.agent
WHERE terminals.retired_at IS NULL;
