-- name: lock
-- One import at a time; readers are not held up.
LOCK TABLE inventory_imports IN EXCLUSIVE MODE;

-- name: claim_things
-- Mark as claimed what the inventory knows, and as unclaimed what it no longer does; returns the newly claimed.
WITH known AS (
    SELECT 'link' AS kind, link AS key FROM links WHERE retired_at IS NULL
    UNION ALL
    SELECT 'port', device || '/' || port FROM ports WHERE retired_at IS NULL
    UNION ALL
    SELECT 'device', device FROM devices WHERE retired_at IS NULL
    UNION ALL
    SELECT 'terminal', terminal FROM terminals WHERE retired_at IS NULL
    UNION ALL
    SELECT 'classroom', classroom FROM classrooms WHERE retired_at IS NULL
    UNION ALL
    SELECT 'host', agent FROM agents WHERE retired_at IS NULL
    UNION ALL
    SELECT t.kind, t.key
    FROM things AS t
    JOIN agents AS a ON a.agent = split_part(t.key, '/', 1) AND a.retired_at IS NULL
    WHERE t.kind = 'probe'
),

judged AS (
    SELECT t.thing_id, known.key IS NOT NULL AS claimed
    FROM things AS t
    LEFT JOIN known ON known.kind = t.kind AND known.key = t.key
    WHERE (t.claimed_at IS NOT NULL) <> (known.key IS NOT NULL)
    ORDER BY t.thing_id
)

UPDATE things AS t
SET claimed_at = CASE WHEN judged.claimed THEN %(at)s::timestamptz END
FROM judged
WHERE t.thing_id = judged.thing_id
RETURNING judged.claimed;

-- name: forget_known_agents
-- Agents that are in the inventory now are unknown no longer.
DELETE FROM unknown_agents AS u
USING agents AS a
WHERE a.agent = u.agent AND a.retired_at IS NULL;

-- name: record_import
-- Keep a line about the import.
INSERT INTO inventory_imports (imported_at, folder, added, changed, retired)
VALUES (%(at)s, %(folder)s, %(added)s, %(changed)s, %(retired)s);

-- name: notify
-- Tell who listens that the inventory changed; delivered with the commit.
SELECT pg_notify('bellwether_live', %(message)s::text);

-- name: end_history
-- What changed or left the inventory is as it was until now.
UPDATE inventory_history AS history
SET valid_until = %(at)s::timestamptz
WHERE history.valid_until IS NULL
    AND NOT EXISTS (
        SELECT
        FROM inventory_documents AS now
        WHERE now.kind = history.kind
            AND now.key = history.key
            AND now.document = history.document
            AND now.retired_at IS NULL
    );

-- name: begin_history
-- What is new or changed is as it is from now on.
INSERT INTO inventory_history (kind, key, valid_from, document)
SELECT now.kind, now.key, %(at)s::timestamptz, now.document
FROM inventory_documents AS now
WHERE now.retired_at IS NULL
    AND NOT EXISTS (
        SELECT
        FROM inventory_history AS history
        WHERE history.kind = now.kind AND history.key = now.key AND history.valid_until IS NULL
    );
