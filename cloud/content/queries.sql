-- name: present
-- Of these hashes, those whose blob is whole and verified.
SELECT sha256
FROM blobs
WHERE sha256 = ANY(%(hashes)s);
