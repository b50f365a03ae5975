-- name: add_feed
-- Make a feed known; a name that is taken changes nothing.
INSERT INTO feeds (
    feed, format, url, home_page, types, school, secret, state, place, batch_records, created_at, changed_at
)
VALUES (
    %(feed)s, %(format)s, %(url)s, %(home_page)s, %(types)s::text[], %(school)s, %(secret)s, 'running', %(place)s::bigint,
    %(batch_records)s::integer, now(), now()
)
ON CONFLICT (feed) DO NOTHING
RETURNING feed;

-- name: notify
-- Wake whoever delivers.
SELECT pg_notify(%(channel)s, '');

-- name: set_state
-- Pause a feed or let it run; one that is let run is tried at once.
UPDATE feeds
SET state = %(state)s,
    changed_at = now(),
    retry_at = NULL
WHERE feed = %(feed)s
RETURNING feed;

-- name: remove_feed
-- Forget a feed with its place and its refusals.
DELETE FROM feeds
WHERE feed = %(feed)s
RETURNING feed;

-- name: school_known
-- Whether there is such a school.
SELECT EXISTS (SELECT FROM schools WHERE school = %(school)s AND retired_at IS NULL) AS known;

-- name: running_feeds
-- Feeds to be delivered.
SELECT feed
FROM feeds
WHERE state = 'running'
ORDER BY feed;

-- name: feed
-- One feed with what its delivery needs.
SELECT
    feed, format, url, home_page, types, school, secret, state, place, batch_records, failures, created_at,
    extract(epoch FROM retry_at - now())::double precision AS left_seconds
FROM feeds
WHERE feed = %(feed)s;

-- name: next_for_feed
-- The next records of a feed, in order of storing.
SELECT
    records.place, records.record_id, agents.agent, agents.school, records.type, records.subject, records.terminal,
    records.school_class, records.lesson, records.observed_at, records.accepted_at, records.corrected_at,
    records.received_at, records.fact
FROM records
JOIN agents USING (agent_id)
WHERE records.outcome = 'stored'
    AND records.type = ANY(%(types)s::text[])
    AND (%(school)s::text IS NULL OR agents.school = %(school)s)
    AND records.place > %(after)s::bigint
    AND records.place <= %(upto)s::bigint
ORDER BY records.place
LIMIT %(limit)s::bigint;

-- name: asked_again
-- The first refused record of a feed that is to be sent once more.
SELECT
    records.place, records.record_id, agents.agent, agents.school, records.type, records.subject, records.terminal,
    records.school_class, records.lesson, records.observed_at, records.accepted_at, records.corrected_at,
    records.received_at, records.fact
FROM feed_refusals
JOIN records ON records.record_id = feed_refusals.record_id
    AND records.outcome = 'stored'
JOIN agents USING (agent_id)
WHERE feed_refusals.feed = %(feed)s
    AND feed_refusals.again
ORDER BY feed_refusals.place
LIMIT 1;

-- name: advance_feed
-- Note that everything up to a place is dealt with; never back. A feed made anew under the name has its own place.
UPDATE feeds
SET place = greatest(place, %(place)s::bigint),
    delivered = delivered + %(delivered)s::bigint
WHERE feed = %(feed)s
    AND created_at = %(created_at)s::timestamptz;

-- name: feed_well
-- Note that the receiver took something, and how many records it gets next.
UPDATE feeds
SET batch_records = %(batch_records)s::integer,
    failures = 0,
    problem = NULL,
    retry_at = NULL,
    last_tried_at = now(),
    last_delivered_at = now()
WHERE feed = %(feed)s;

-- name: feed_unwell
-- Note that the receiver did not take what it was sent; a resume in between is not undone by the pause before it.
UPDATE feeds
SET batch_records = %(batch_records)s::integer,
    failures = %(failures)s::integer,
    problem = %(problem)s,
    retry_at = now() + %(wait_seconds)s::double precision * interval '1 second',
    last_tried_at = now()
WHERE feed = %(feed)s;

-- name: await_erasures
-- Let erasures under way end, and none begin, so that nothing is kept of a record that is being erased.
LOCK TABLE record_consumers IN ROW EXCLUSIVE MODE;

-- name: keep_refusal
-- Keep a record that a receiver will not take; refused again, it has its newest reason. A feed removed or a record erased
-- meanwhile keeps none.
INSERT INTO feed_refusals (feed, record_id, place, reason, refused_at)
SELECT feeds.feed, records.record_id, records.place, %(reason)s, now()
FROM feeds
CROSS JOIN records
WHERE feeds.feed = %(feed)s
    AND records.record_id = %(record_id)s
    AND records.outcome = 'stored'
ON CONFLICT (feed, record_id) DO UPDATE
SET reason = excluded.reason,
    refused_at = excluded.refused_at,
    tries = feed_refusals.tries + 1,
    again = false;

-- name: settle_refusal
-- Forget a refusal: the receiver took the record after all.
DELETE FROM feed_refusals
WHERE feed = %(feed)s
    AND record_id = %(record_id)s;

-- name: ask_again
-- Have every refused record of a feed sent once more.
UPDATE feed_refusals
SET again = true
WHERE feed = %(feed)s;

-- name: ask_erasures_again
-- Have a receiver told once more of what it would not erase.
UPDATE feed_erasures
SET reason = NULL
WHERE feed = %(feed)s
    AND reason IS NOT NULL;

-- name: note_erased
-- Have every receiver that may have been told of records told to erase them; before they are blanked.
INSERT INTO feed_erasures (feed, record_id)
SELECT feeds.feed, records.record_id
FROM feeds
JOIN records ON records.type = ANY(feeds.types)
JOIN agents USING (agent_id)
WHERE records.record_id = ANY(%(record_ids)s::text[])
    AND records.outcome = 'stored'
    AND (feeds.school IS NULL OR agents.school = feeds.school)
ON CONFLICT (feed, record_id) DO NOTHING;

-- name: next_erasures
-- Records that a receiver is still to be told to erase.
SELECT record_id
FROM feed_erasures
WHERE feed = %(feed)s
    AND reason IS NULL
ORDER BY record_id
LIMIT %(limit)s::bigint;

-- name: erasures_told
-- Note that a receiver was told.
DELETE FROM feed_erasures
WHERE feed = %(feed)s
    AND record_id = ANY(%(record_ids)s::text[]);

-- name: erasure_refused
-- Note that a receiver would not hear of an erasure.
UPDATE feed_erasures
SET reason = %(reason)s
WHERE feed = %(feed)s
    AND record_id = %(record_id)s;

-- name: forget_feed_refusals
-- Forget refusals of records that are erased or have expired.
DELETE FROM feed_refusals
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: feeds
-- Feeds as people see them, one or all, with what waits, counted up to a bound.
SELECT
    feeds.feed, feeds.format, feeds.url, feeds.home_page, feeds.types, feeds.school, feeds.state, feeds.place,
    feeds.delivered,
    feeds.failures, feeds.problem, feeds.retry_at, feeds.last_tried_at, feeds.last_delivered_at, feeds.created_at,
    (SELECT count(*) FROM feed_refusals WHERE feed_refusals.feed = feeds.feed) AS refused,
    (SELECT count(*) FROM feed_erasures WHERE feed_erasures.feed = feeds.feed AND reason IS NULL) AS erasures_waiting,
    (SELECT count(*) FROM feed_erasures WHERE feed_erasures.feed = feeds.feed AND reason IS NOT NULL) AS erasures_refused,
    waiting.records AS waiting, waiting.oldest_waiting_at,
    extract(epoch FROM now() - waiting.oldest_waiting_at)::double precision AS oldest_waiting_seconds
FROM feeds
CROSS JOIN LATERAL (
    SELECT count(*) AS records, min(found.received_at) AS oldest_waiting_at
    FROM (
        SELECT records.received_at
        FROM records
        JOIN agents USING (agent_id)
        WHERE records.place > feeds.place
            AND records.outcome = 'stored'
            AND records.type = ANY(feeds.types)
            AND (feeds.school IS NULL OR agents.school = feeds.school)
        ORDER BY records.place
        LIMIT %(most)s::bigint
    ) AS found
) AS waiting
WHERE %(feed)s::text IS NULL OR feeds.feed = %(feed)s
ORDER BY feeds.feed;

-- name: refusals
-- Records that a receiver would not take, newest first.
SELECT record_id, reason, refused_at, tries, again
FROM feed_refusals
WHERE feed = %(feed)s
ORDER BY refused_at DESC, place DESC
LIMIT %(limit)s::bigint
OFFSET %(offset)s::bigint;

-- name: refusals_total
-- How many records a receiver would not take.
SELECT count(*) AS total
FROM feed_refusals
WHERE feed = %(feed)s;
