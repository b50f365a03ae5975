-- name: outlook_link
-- What an outlook needs to know of a link, with its newest probe that may speak about now.
SELECT
    things.thing_id,
    links.contracted_bps,
    coalesce(school.rtt_seconds, centre.rtt_seconds) AS rtt_seconds,
    coalesce(school.jitter_seconds, centre.jitter_seconds) AS jitter_seconds,
    coalesce(school.loss_ratio, centre.loss_ratio) AS loss_ratio
FROM links
LEFT JOIN things ON things.kind = 'link' AND things.key = links.link
LEFT JOIN link_current AS school
    ON school.thing_id = things.thing_id AND school.vantage = 'school' AND school.probes_at > %(fresh_since)s::timestamptz
LEFT JOIN link_current AS centre
    ON centre.thing_id = things.thing_id AND centre.vantage = 'centre' AND centre.probes_at > %(fresh_since)s::timestamptz
WHERE links.link = %(link)s AND links.retired_at IS NULL;

-- name: daily_traffic
-- For every local day the 95th percentile of the five-minute means in each direction, seen from the school, or mirrored
-- from the centre where the school's are missing; and how many five minutes there were.
SELECT
    day,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY to_school) AS to_school_bps,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY from_school) AS from_school_bps,
    count(*) AS steps
FROM (
    SELECT
        (bucket AT TIME ZONE %(time_zone)s)::date AS day,
        coalesce(
            max(in_bps_avg) FILTER (WHERE vantage = 'school'), max(out_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS to_school,
        coalesce(
            max(out_bps_avg) FILTER (WHERE vantage = 'school'), max(in_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS from_school
    FROM link_5m
    WHERE thing_id = %(thing_id)s AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    GROUP BY bucket
) AS steps
WHERE to_school IS NOT NULL OR from_school IS NOT NULL
GROUP BY day
ORDER BY day;

-- name: month_traffic
-- The 95th percentile of the five-minute means over a whole span, in each direction, as lines are often billed.
SELECT
    percentile_disc(0.95) WITHIN GROUP (ORDER BY to_school),
    percentile_disc(0.95) WITHIN GROUP (ORDER BY from_school),
    count(*)
FROM (
    SELECT
        coalesce(
            max(in_bps_avg) FILTER (WHERE vantage = 'school'), max(out_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS to_school,
        coalesce(
            max(out_bps_avg) FILTER (WHERE vantage = 'school'), max(in_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS from_school
    FROM link_5m
    WHERE thing_id = %(thing_id)s AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    GROUP BY bucket
) AS steps
WHERE to_school IS NOT NULL OR from_school IS NOT NULL;

-- name: hourly_traffic
-- Hourly means of the busier direction.
SELECT
    bucket,
    greatest(
        coalesce(max(in_bps_avg) FILTER (WHERE vantage = 'school'), max(out_bps_avg) FILTER (WHERE vantage = 'centre')),
        coalesce(max(out_bps_avg) FILTER (WHERE vantage = 'school'), max(in_bps_avg) FILTER (WHERE vantage = 'centre'))
    ) AS busier_bps
FROM link_1h
WHERE thing_id = %(thing_id)s AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
GROUP BY bucket
HAVING greatest(max(in_bps_avg), max(out_bps_avg)) IS NOT NULL
ORDER BY bucket;

-- name: day_probes
-- Means of a day's probes, from the school's end or else the centre's.
SELECT rtt_seconds, jitter_seconds, loss_ratio
FROM (
    SELECT
        vantage,
        avg(rtt_seconds_avg) AS rtt_seconds,
        avg(jitter_seconds_avg) AS jitter_seconds,
        avg(loss_ratio_avg) AS loss_ratio
    FROM link_5m
    WHERE thing_id = %(thing_id)s AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    GROUP BY vantage
) AS ends
WHERE loss_ratio IS NOT NULL
ORDER BY vantage = 'school' DESC
LIMIT 1;

-- name: sparklines
-- Mean traffic of every link in equal steps of a span, in each direction seen from the school.
SELECT link, step, avg(to_school) AS to_school_bps, avg(from_school) AS from_school_bps
FROM (
    SELECT
        links.link,
        links.position,
        floor(date_part('epoch', bucket - %(since)s::timestamptz) / %(step_seconds)s)::int AS step,
        coalesce(
            max(in_bps_avg) FILTER (WHERE vantage = 'school'), max(out_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS to_school,
        coalesce(
            max(out_bps_avg) FILTER (WHERE vantage = 'school'), max(in_bps_avg) FILTER (WHERE vantage = 'centre')
        ) AS from_school
    FROM links
    JOIN things ON things.kind = 'link' AND things.key = links.link
    JOIN link_5m USING (thing_id)
    WHERE links.retired_at IS NULL AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
    GROUP BY links.link, links.position, bucket
) AS steps
GROUP BY link, position, step
ORDER BY position, step;
