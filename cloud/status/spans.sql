-- name: spans
-- What things were during a span of time, by the log: each entry lasts until the thing's next one. A flapping thing is told
-- as what it was beneath that word, so that its time down counts.
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
        status_log.*,
        lead(changed_at) OVER (PARTITION BY kind, key ORDER BY change_id) AS next_at
    FROM status_log
    WHERE changed_at < %(until)s::timestamptz
        AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s::text[]))
        AND (%(keys)s::text[] IS NULL OR key = ANY(%(keys)s::text[]))
) AS entries
WHERE coalesce(next_at, 'infinity') > %(since)s::timestamptz
ORDER BY kind, key, changed_at, change_id;
