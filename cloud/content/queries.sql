-- name: present
-- Of these hashes, those whose blob is whole and verified.
SELECT sha256
FROM blobs
WHERE sha256 = ANY(%(hashes)s);

-- name: is_attachment
-- Whether a record refers to a file and no push holds it.
SELECT
    NOT EXISTS (SELECT FROM push_resources WHERE push_resources.sha256 = %(hash)s)
    AND EXISTS (
        SELECT
        FROM records
        WHERE records.fact ? 'parts'
            AND records.fact -> 'parts' @> jsonb_build_array(jsonb_build_object('sha256', %(hash)s::text))
    );

-- name: blob
-- One whole blob.
SELECT sha256, size_bytes, media_type, stored_at
FROM blobs
WHERE sha256 = %(hash)s;

-- name: note_blob
-- Notes that a blob is whole; noting it again changes nothing.
INSERT INTO blobs (sha256, size_bytes, media_type, stored_at)
VALUES (%(hash)s, %(size_bytes)s, %(media_type)s, now())
ON CONFLICT (sha256) DO NOTHING;

-- name: known_words
-- Of these words of an audience, those that name a class, a grade or a school in use.
SELECT word
FROM unnest(%(words)s::text[]) AS word
WHERE EXISTS (SELECT FROM classes WHERE retired_at IS NULL AND 'class:' || school_class = word)
   OR EXISTS (SELECT FROM classes WHERE retired_at IS NULL AND grade <> '' AND 'grade:' || grade = word)
   OR EXISTS (SELECT FROM schools WHERE retired_at IS NULL AND 'school:' || school = word);

-- name: note_push
-- Makes a push, or finds the one of the same manifest and sets its title and moment; withdrawn before, it counts again.
INSERT INTO pushes (manifest, token, title, audience, before_at, created_at)
VALUES (%(manifest)s, %(token)s, %(title)s, %(audience)s, %(before_at)s, now())
ON CONFLICT (manifest) DO UPDATE
SET title = EXCLUDED.title,
    before_at = EXCLUDED.before_at,
    withdrawn_at = NULL
RETURNING xmax = 0 AS made;

-- name: note_push_resource
-- Adds a resource to a push; there already, it changes nothing, because the manifest is made from its resources.
INSERT INTO push_resources (manifest, position, resource, title, sha256)
VALUES (%(manifest)s, %(position)s, %(resource)s, %(title)s, %(hash)s)
ON CONFLICT DO NOTHING;

-- name: withdraw_push
-- Withdraws a push that counts; one that was withdrawn keeps its moment.
UPDATE pushes
SET withdrawn_at = now()
WHERE manifest = %(manifest)s
  AND withdrawn_at IS NULL;

-- name: tell_desired
-- Wakes whoever keeps the documents of agents, at commit.
SELECT pg_notify(%(channel)s, 'content');

-- name: pushes
-- Pushes, newest first: those that count, those withdrawn, or both; all manifests or the named ones.
SELECT manifest, token, title, audience, before_at, created_at, withdrawn_at
FROM pushes
WHERE (%(withdrawn)s::boolean IS NULL OR %(withdrawn)s = (withdrawn_at IS NOT NULL))
  AND (%(manifests)s::text[] IS NULL OR manifest = ANY(%(manifests)s))
ORDER BY created_at DESC, manifest
LIMIT %(limit)s OFFSET %(offset)s;

-- name: push_count
-- How many pushes there are: those that count, those withdrawn, or both.
SELECT count(*)
FROM pushes
WHERE %(withdrawn)s::boolean IS NULL OR %(withdrawn)s = (withdrawn_at IS NOT NULL);

-- name: push_resources
-- The resources of pushes in their order, with their blobs.
SELECT r.manifest, r.resource, r.title, b.sha256, b.size_bytes, b.media_type
FROM push_resources AS r
JOIN blobs AS b USING (sha256)
WHERE r.manifest = ANY(%(manifests)s)
ORDER BY r.manifest, r.position;

-- name: classes
-- Every class in use, as far as an audience cares.
SELECT school_class, school, grade
FROM classes
WHERE retired_at IS NULL;

-- name: rooms
-- Which classes learn in which classroom: their usual one, and those of the lessons of the next two weeks.
SELECT DISTINCT classroom, school_class
FROM (
    SELECT classroom, school_class
    FROM classes
    WHERE retired_at IS NULL
    UNION ALL
    SELECT classroom, school_class
    FROM lessons
    WHERE retired_at IS NULL
      AND starts_at BETWEEN now() - interval '1 day' AND now() + interval '14 days'
) AS used
WHERE classroom IS NOT NULL;

-- name: agents
-- Every agent in use and where it stands.
SELECT agent_id, agent, role, school, classroom
FROM agents
WHERE retired_at IS NULL
ORDER BY position, agent;

-- name: forget_blobs
-- Forget blobs that no push holds; tells which.
DELETE FROM blobs
WHERE sha256 = ANY(%(hashes)s::text[])
    AND NOT EXISTS (SELECT FROM push_resources WHERE push_resources.sha256 = blobs.sha256)
RETURNING sha256;
