-- name: spans
-- What things were during a span of time, by the log: each entry lasts until the thing's next one. A flapping thing is told
-- as what it was beneath that word, so that its time down counts. Of what was before the span only each thing's last
-- entry is read, so that the answer does not cost more as the log grows.
SELECT
    kind,
    key,
    CASE WHEN status = 'flapping' AND reason LIKE 'flapping\_%%' THEN substr(reason, 10) ELSE status END,
    changed_at,
    next_at,
    reason,
    root_kind,
    root_key
FROM (
    SELECT
        entries.*,
        lead(changed_at) OVER (PARTITION BY kind, key ORDER BY changed_at, change_id) AS next_at
    FROM (
        SELECT *
        FROM status_log
        WHERE changed_at >= %(since)s::timestamptz
            AND changed_at < %(until)s::timestamptz
            AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s::text[]))
            AND (%(keys)s::text[] IS NULL OR key = ANY(%(keys)s::text[]))
        UNION ALL
        SELECT last.*
        FROM status_current AS thing
        CROSS JOIN LATERAL (
            SELECT *
            FROM status_log
            WHERE status_log.kind = thing.kind
                AND status_log.key = thing.key
                AND status_log.changed_at < %(since)s::timestamptz
            ORDER BY status_log.changed_at DESC, status_log.change_id DESC
            LIMIT 1
        ) AS last
        WHERE (%(kinds)s::text[] IS NULL OR thing.kind = ANY(%(kinds)s::text[]))
            AND (%(keys)s::text[] IS NULL OR thing.key = ANY(%(keys)s::text[]))
    ) AS entries
) AS spans
WHERE coalesce(next_at, 'infinity') > %(since)s::timestamptz
ORDER BY kind, key, changed_at, change_id;
