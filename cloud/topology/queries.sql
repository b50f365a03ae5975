-- name: seen
-- Note a neighbour that stands at a port; an older word never replaces a newer one.
INSERT INTO neighbours (
    device, port, protocol, chassis, remote_port, reading, present, since, told_at, port_description, system_name,
    address, platform, capabilities
)
VALUES (
    %(device)s, %(port)s, %(protocol)s, %(chassis)s, %(remote_port)s, %(reading)s, true, %(at)s, %(at)s,
    %(port_description)s, %(system_name)s, %(address)s, %(platform)s, %(capabilities)s
)
ON CONFLICT (device, port, protocol, chassis, remote_port) DO UPDATE
SET reading = excluded.reading,
    present = true,
    since = CASE WHEN neighbours.present THEN neighbours.since ELSE excluded.since END,
    told_at = excluded.told_at,
    port_description = excluded.port_description,
    system_name = excluded.system_name,
    address = excluded.address,
    platform = excluded.platform,
    capabilities = excluded.capabilities
WHERE neighbours.told_at <= excluded.told_at;

-- name: gone
-- Note that a neighbour stands there no longer.
UPDATE neighbours
SET present = false,
    told_at = %(at)s
WHERE device = %(device)s
    AND port = %(port)s
    AND protocol = %(protocol)s
    AND chassis = %(chassis)s
    AND remote_port = %(remote_port)s
    AND told_at <= %(at)s;

-- name: read
-- Note a device's reading.
INSERT INTO neighbour_readings (
    device, agent_id, reading, begun_at, read_at, protocols, chassis, system_name, endpoints
)
VALUES (
    %(device)s, %(agent_id)s, %(reading)s, %(at)s, %(at)s, %(protocols)s, %(chassis)s, %(system_name)s, %(endpoints)s
)
ON CONFLICT (device) DO UPDATE
SET agent_id = excluded.agent_id,
    begun_at = CASE
        WHEN neighbour_readings.reading = excluded.reading THEN neighbour_readings.begun_at
        ELSE excluded.begun_at
    END,
    reading = excluded.reading,
    read_at = excluded.read_at,
    protocols = excluded.protocols,
    chassis = excluded.chassis,
    system_name = excluded.system_name,
    endpoints = excluded.endpoints
WHERE neighbour_readings.read_at <= excluded.read_at;

-- name: close_older
-- What a newer whole reading of the device no longer holds stands no longer.
UPDATE neighbours
SET present = false
FROM neighbour_readings
WHERE neighbours.device = %(device)s
    AND neighbour_readings.device = neighbours.device
    AND neighbours.present
    AND neighbours.reading <> neighbour_readings.reading
    AND neighbours.told_at < neighbour_readings.begun_at;

-- name: forget
-- Forget what has been gone for long; the events tell it still.
DELETE FROM neighbours
WHERE device = %(device)s
    AND NOT present
    AND told_at < %(at)s::timestamptz - interval '30 days';

-- name: school
-- Whether the inventory knows a school.
SELECT school
FROM schools
WHERE school = %(school)s
    AND retired_at IS NULL;

-- name: devices
-- Every declared device, and what it said of itself when its neighbours were read.
SELECT
    devices.device, devices.school, devices.name, devices.kind, devices.address, devices.parent, devices.parent_port,
    status_current.status, coalesce(neighbour_readings.protocols, '') AS protocols,
    coalesce(neighbour_readings.chassis, '') AS chassis, coalesce(neighbour_readings.system_name, '') AS system_name,
    neighbour_readings.read_at, coalesce(neighbour_readings.endpoints, 0) AS endpoints
FROM devices
LEFT JOIN neighbour_readings USING (device)
LEFT JOIN status_current ON status_current.kind = 'device' AND status_current.key = devices.device
WHERE devices.retired_at IS NULL
ORDER BY devices.position;

-- name: neighbours
-- Every neighbour that stands by its device's newest reading.
SELECT
    neighbours.device, neighbours.port, neighbours.protocol, neighbours.chassis, neighbours.remote_port,
    neighbours.since, neighbours.told_at, neighbours.system_name, neighbours.address, neighbours.platform,
    neighbours.capabilities
FROM neighbours
JOIN neighbour_readings USING (device, reading)
WHERE neighbours.present
ORDER BY neighbours.device, neighbours.port, neighbours.protocol, neighbours.chassis, neighbours.remote_port;

-- name: line_ports
-- Ports at which a declared link ends.
SELECT school_device AS device, school_port AS port
FROM links
WHERE retired_at IS NULL AND school_device IS NOT NULL AND school_port IS NOT NULL
UNION
SELECT centre_device, centre_port
FROM links
WHERE retired_at IS NULL AND centre_device IS NOT NULL AND centre_port IS NOT NULL;
