-- name: count_agents
-- Number of agents that the filters keep.
SELECT count(*)
FROM agents
LEFT JOIN schools USING (school)
LEFT JOIN agent_presence USING (agent_id)
LEFT JOIN status_current
    ON status_current.kind = agents.role AND status_current.key = coalesce(agents.classroom, agents.agent)
WHERE agents.retired_at IS NULL
    AND (%(among)s::text[] IS NULL OR agents.agent = ANY(%(among)s))
    AND (
        %(pattern)s::text IS NULL
        OR agents.agent ILIKE %(pattern)s OR schools.name ILIKE %(pattern)s OR schools.name_en ILIKE %(pattern)s
    )
    AND (%(role)s::text IS NULL OR agents.role = %(role)s)
    AND (%(school)s::text IS NULL OR agents.school = %(school)s)
    AND (%(presence)s::text IS NULL OR agent_presence.presence = %(presence)s)
    AND (
        %(status)s::text IS NULL
        OR coalesce(status_current.status, CASE WHEN agent_presence.presence = 'online' THEN 'up' ELSE 'unknown' END)
        = %(status)s
    )
    AND (NOT %(holding)s::boolean OR agent_presence.held_segments > 0);

-- name: agents
-- Agents with presence, lag and what they hold. The core agent has no status of its own: it is up while it is online.
SELECT
    agents.agent,
    agents.role,
    agents.school,
    schools.name AS school_name,
    schools.name_en AS school_name_en,
    agents.classroom,
    agent_presence.presence,
    coalesce(
        status_current.status, CASE WHEN agent_presence.presence = 'online' THEN 'up' ELSE 'unknown' END
    ) AS status,
    coalesce(status_current.since, agent_presence.changed_at) AS since,
    agent_presence.session,
    greatest(agent_presence.last_heartbeat_at, books.last_received_at) AS last_seen_at,
    CASE  -- greatest() would turn an agent that was never heard into one without lag
        WHEN books.newest_observed_at IS NOT NULL
            THEN greatest(0, extract(epoch FROM clock_timestamp() - books.newest_observed_at))::float8
    END AS lag_seconds,
    coalesce(agent_presence.held_segments, 0) AS held_segments,
    coalesce(agent_presence.held_items, 0) AS held_items,
    coalesce(agent_presence.held_bytes, 0) AS held_bytes,
    agent_presence.skew_seconds,
    nullif(agent_presence.software, '') AS software
FROM agents
LEFT JOIN schools USING (school)
LEFT JOIN agent_presence USING (agent_id)
LEFT JOIN (
    SELECT
        agent_id,
        max(last_received_at) AS last_received_at,
        max(newest_observed_at) AS newest_observed_at
    FROM agent_epochs
    GROUP BY agent_id
) AS books USING (agent_id)
LEFT JOIN status_current
    ON status_current.kind = agents.role AND status_current.key = coalesce(agents.classroom, agents.agent)
WHERE agents.retired_at IS NULL
    AND (%(among)s::text[] IS NULL OR agents.agent = ANY(%(among)s))
    AND (
        %(pattern)s::text IS NULL
        OR agents.agent ILIKE %(pattern)s OR schools.name ILIKE %(pattern)s OR schools.name_en ILIKE %(pattern)s
    )
    AND (%(role)s::text IS NULL OR agents.role = %(role)s)
    AND (%(school)s::text IS NULL OR agents.school = %(school)s)
    AND (%(presence)s::text IS NULL OR agent_presence.presence = %(presence)s)
    AND (
        %(status)s::text IS NULL
        OR coalesce(status_current.status, CASE WHEN agent_presence.presence = 'online' THEN 'up' ELSE 'unknown' END)
        = %(status)s
    )
    AND (NOT %(holding)s::boolean OR agent_presence.held_segments > 0)
ORDER BY agents.agent
LIMIT %(limit)s OFFSET %(offset)s;

-- name: agent_process
-- The process behind one agent, the boot of its machine, and who else claimed its id and was refused.
SELECT
    agent_presence.instance,
    agent_presence.boot,
    agent_boots.started_at AS boot_started_at,
    nullif(agent_presence.host, '') AS host,
    nullif(agent_presence.duplicate_host, '') AS duplicate_host,
    agent_presence.duplicate_seen_at
FROM agents
JOIN agent_presence USING (agent_id)
LEFT JOIN agent_boots ON agent_boots.agent_id = agents.agent_id AND agent_boots.boot = agent_presence.boot
WHERE agents.agent = %(agent)s;

-- name: agent_holdings
-- What one agent's spool holds per lane, by its last report.
SELECT agent_lanes.lane, held_segments AS segments, held_items AS items, held_bytes AS bytes, oldest_at
FROM agents
JOIN agent_lanes USING (agent_id)
WHERE agents.agent = %(agent)s
ORDER BY array_position(ARRAY['events', 'records', 'live', 'backlog'], agent_lanes.lane);

-- name: agent_metrics
-- Newest values of the machine one agent runs on.
SELECT host_current.*
FROM things
JOIN host_current USING (thing_id)
WHERE things.kind = 'host' AND things.key = %(agent)s;

-- name: agent_exists
-- Whether the inventory knows an agent.
SELECT 1
FROM agents
WHERE agent = %(agent)s AND retired_at IS NULL;

-- name: count_agent_events
-- Number of events of one agent that the filter keeps.
SELECT count(*)
FROM events
JOIN agents USING (agent_id)
WHERE agents.agent = %(agent)s AND (%(type)s::text IS NULL OR events.type = %(type)s);

-- name: agent_events
-- Events of one agent, newest first.
SELECT
    events.event_id,
    events.type,
    things.kind,
    things.key AS thing,
    agents.agent,
    events.corrected_at AS observed_at,
    events.received_at,
    events.attributes
FROM events
JOIN agents USING (agent_id)
JOIN things USING (thing_id)
WHERE agents.agent = %(agent)s AND (%(type)s::text IS NULL OR events.type = %(type)s)
ORDER BY events.corrected_at DESC, events.event_id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: ledger
-- The books per epoch, of one agent or of all, oldest epoch first. What the agent counts as rejected waits in quarantine until
-- a replay stores it. Of what the agent reported as held, some may be stored by now: `held` is at most what is still missing.
-- `lost` is what neither side accounts for.
WITH refused AS (
    SELECT
        agent,
        epoch,
        coalesce(sum(items) FILTER (WHERE state = 'open'), 0) AS open_items,
        coalesce(sum(items) FILTER (WHERE state = 'replayed'), 0) AS replayed_items
    FROM quarantine
    WHERE epoch IS NOT NULL AND reason NOT IN ('identity_conflict', 'below_low')
    GROUP BY agent, epoch
),
books AS (
    SELECT
        agents.agent,
        agent_epochs.*,
        greatest(
            coalesce(refused.open_items, 0), agent_epochs.rejected_items - coalesce(refused.replayed_items, 0)
        )::bigint AS quarantined_items
    FROM agent_epochs
    JOIN agents USING (agent_id)
    LEFT JOIN refused ON refused.agent = agents.agent AND refused.epoch = agent_epochs.epoch
    WHERE %(agent)s::text IS NULL OR agents.agent = %(agent)s
)
SELECT
    agent,
    epoch,
    low AS low_seq,
    high_seq,
    reported_at,
    produced_items AS produced,
    stored_items AS stored,
    least(
        held_items,
        greatest(0, produced_items - stored_items - thinned_items - quarantined_items - damaged_items)
    ) AS held,
    thinned_items AS thinned,
    quarantined_items AS quarantined,
    damaged_items AS damaged,
    greatest(
        0, produced_items - stored_items - held_items - thinned_items - quarantined_items - damaged_items
    ) AS lost
FROM books
ORDER BY agent, first_received_at;

-- name: agent_marks
-- What of every agent is worth telling a browser at once; compared with the marks of a second before.
SELECT agents.agent, agent_presence.presence, agent_presence.session, status_current.status
FROM agents
LEFT JOIN agent_presence USING (agent_id)
LEFT JOIN status_current
    ON status_current.kind = agents.role AND status_current.key = coalesce(agents.classroom, agents.agent)
WHERE agents.retired_at IS NULL;
