-- name: content_states
-- For every agent, what is desired and reported of its content.
SELECT a.agent, d.token AS desired, r.token AS reported, r.validity, coalesce(r.reason, '') AS reason,
       r.proved_at, r.missing_bytes
FROM agents AS a
LEFT JOIN desired_documents AS d ON d.agent_id = a.agent_id AND d.kind = 'content'
LEFT JOIN reported_documents AS r ON r.agent_id = a.agent_id AND r.kind = 'content'
WHERE a.retired_at IS NULL;

-- name: held_manifests
-- Which of these manifests each agent has reported whole, with their tokens.
SELECT a.agent, m.manifest, m.token
FROM reported_manifests AS m
JOIN agents AS a USING (agent_id)
WHERE m.manifest = ANY(%(manifests)s);
