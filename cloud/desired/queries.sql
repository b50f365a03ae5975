-- name: standing
-- The documents of one kind as they stand, by agent.
SELECT agent_id, serial, body_sha256
FROM desired_documents
WHERE kind = %(kind)s
  AND agent_id = ANY(%(agents)s);

-- name: put_document
-- Puts a document in place of an older one; a writer that was overtaken changes nothing.
INSERT INTO desired_documents (agent_id, kind, serial, token, payload, body_sha256, made_at)
VALUES (%(agent_id)s, %(kind)s, %(serial)s, %(token)s, %(payload)s, %(body)s, %(made_at)s)
ON CONFLICT (agent_id, kind) DO UPDATE
SET serial = EXCLUDED.serial,
    token = EXCLUDED.token,
    payload = EXCLUDED.payload,
    body_sha256 = EXCLUDED.body_sha256,
    made_at = EXCLUDED.made_at
WHERE desired_documents.serial < EXCLUDED.serial;

-- name: note_report
-- Notes when an agent last reported.
INSERT INTO agent_reports (agent_id, reported_at)
VALUES (%(agent_id)s, %(reported_at)s)
ON CONFLICT (agent_id) DO UPDATE
SET reported_at = EXCLUDED.reported_at;

-- name: forget_documents
-- Forgets the kinds that an agent's newest report does not name.
DELETE FROM reported_documents
WHERE agent_id = %(agent_id)s
  AND NOT kind = ANY(%(kinds)s);

-- name: put_reported_document
-- Puts what an agent reports of one kind in place of what it reported before.
INSERT INTO reported_documents (agent_id, kind, token, validity, reason, proved_at, missing_bytes)
VALUES (%(agent_id)s, %(kind)s, %(token)s, %(validity)s, %(reason)s, %(proved_at)s, %(missing_bytes)s)
ON CONFLICT (agent_id, kind) DO UPDATE
SET token = EXCLUDED.token,
    validity = EXCLUDED.validity,
    reason = EXCLUDED.reason,
    proved_at = EXCLUDED.proved_at,
    missing_bytes = EXCLUDED.missing_bytes;

-- name: forget_terminals
-- Forgets the terminals that an agent's newest report does not name.
DELETE FROM reported_terminals
WHERE agent_id = %(agent_id)s
  AND NOT terminal = ANY(%(terminals)s);

-- name: put_terminals
-- Puts what terminals said of themselves in place of what they said before, unless another agent heard them later.
-- Only terminals of the agent's own school count.
INSERT INTO reported_terminals (
    terminal, agent_id, seen_at, present, holder, app_version, content_token, configuration_token, roster_token,
    missing_bytes, unsent, oldest_unsent_at, battery_ratio, storage_free_bytes
)
SELECT r.terminal, a.agent_id, r.seen_at, r.present, r.holder, r.app_version, r.content_token, r.configuration_token,
       r.roster_token, r.missing_bytes, r.unsent, r.oldest_unsent_at, r.battery_ratio, r.storage_free_bytes
FROM jsonb_to_recordset(%(rows)s) AS r (
    terminal text, seen_at timestamptz, present boolean, holder text, app_version text, content_token text,
    configuration_token text, roster_token text, missing_bytes bigint, unsent bigint, oldest_unsent_at timestamptz,
    battery_ratio double precision, storage_free_bytes bigint
)
JOIN terminals AS t ON t.terminal = r.terminal
JOIN agents AS a ON a.agent_id = %(agent_id)s AND a.school = t.school
ON CONFLICT (terminal) DO UPDATE
SET agent_id = EXCLUDED.agent_id,
    seen_at = EXCLUDED.seen_at,
    present = EXCLUDED.present,
    holder = EXCLUDED.holder,
    app_version = EXCLUDED.app_version,
    content_token = EXCLUDED.content_token,
    configuration_token = EXCLUDED.configuration_token,
    roster_token = EXCLUDED.roster_token,
    missing_bytes = EXCLUDED.missing_bytes,
    unsent = EXCLUDED.unsent,
    oldest_unsent_at = EXCLUDED.oldest_unsent_at,
    battery_ratio = EXCLUDED.battery_ratio,
    storage_free_bytes = EXCLUDED.storage_free_bytes
WHERE reported_terminals.agent_id = EXCLUDED.agent_id
   OR reported_terminals.seen_at <= EXCLUDED.seen_at;

-- name: forget_manifests
-- Forgets what an agent holds, before its newest proof is noted or when it holds nothing valid.
DELETE FROM reported_manifests
WHERE agent_id = %(agent_id)s;

-- name: hold_manifest
-- Notes that an agent holds all of a manifest.
INSERT INTO reported_manifests (agent_id, manifest, token, ready_at)
VALUES (%(agent_id)s, %(manifest)s, %(token)s, %(ready_at)s)
ON CONFLICT (agent_id, manifest) DO UPDATE
SET token = EXCLUDED.token,
    ready_at = EXCLUDED.ready_at;

-- name: note_erasure
-- Notes that an agent has applied an erasure; the first moment counts.
INSERT INTO erasure_receipts (erasure, agent_id, applied_at)
VALUES (%(erasure)s, %(agent_id)s, %(applied_at)s)
ON CONFLICT (erasure, agent_id) DO NOTHING;

-- name: put_targets
-- Sets what terminals of a scope should run.
INSERT INTO terminal_targets (scope, app_version, configuration, set_at)
VALUES (%(scope)s, %(app_version)s, %(configuration)s, now())
ON CONFLICT (scope) DO UPDATE
SET app_version = EXCLUDED.app_version,
    configuration = EXCLUDED.configuration,
    set_at = EXCLUDED.set_at;

-- name: tell_desired
-- Wakes whoever keeps the documents of agents, at commit.
SELECT pg_notify(%(channel)s, %(kind)s);
