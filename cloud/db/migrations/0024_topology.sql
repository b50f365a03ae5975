-- Topology: what devices say of their neighbours, and the port of its parent that a device should hang on.
--
-- Why: the declared tree is overlaid with what LLDP and CDP tell, so that drift shows. What was told is kept by natural
-- keys, without references: an agent may tell of devices that the inventory learns of later.
-- Locks: devices briefly, for a column without a default.

ALTER TABLE devices ADD COLUMN parent_port text;

CREATE TABLE neighbour_readings (
    device text PRIMARY KEY,
    agent_id integer NOT NULL,
    reading text NOT NULL,
    begun_at timestamptz NOT NULL,
    read_at timestamptz NOT NULL,
    protocols text NOT NULL,
    chassis text NOT NULL,
    system_name text NOT NULL,
    endpoints integer NOT NULL
);
COMMENT ON TABLE neighbour_readings IS 'each device''s newest whole reading; neighbours of an older one no longer stand';
COMMENT ON COLUMN neighbour_readings.endpoints IS 'neighbours that are stations or telephones: counted, never named';

CREATE TABLE neighbours (
    device text NOT NULL,
    port text NOT NULL,
    protocol text NOT NULL,
    chassis text NOT NULL,
    remote_port text NOT NULL,
    reading text NOT NULL,
    present boolean NOT NULL,
    since timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    port_description text NOT NULL,
    system_name text NOT NULL,
    address text NOT NULL,
    platform text NOT NULL,
    capabilities text NOT NULL,
    PRIMARY KEY (device, port, protocol, chassis, remote_port)
);
