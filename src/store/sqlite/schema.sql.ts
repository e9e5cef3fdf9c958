/** Marks a file as an event log of ours: the bytes 'assy'. See https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x61737379;

/** The version that CREATE_SCHEMA makes. A higher one needs an entry in migrations.ts. */
export const SCHEMA_VERSION = 1;

/**
 * `type` and `experiment` repeat what is in `data`, so that they can be indexed. An index on a rowid table ends with the rowid,
 * which is `seq`: each index below also gives its events in order.
 */
export const CREATE_SCHEMA = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    experiment TEXT,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_by_experiment ON event (experiment) WHERE experiment IS NOT NULL;
  CREATE INDEX event_by_type ON event (type);

  CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
  CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

  CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    owner TEXT,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE snapshot (
    version TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export const LAST_EVENT = 'SELECT seq, at FROM event ORDER BY seq DESC LIMIT 1';

export const INSERT_EVENT = 'INSERT INTO event (seq, at, type, experiment, data) VALUES (?, ?, ?, ?, ?)';

/** One page of each kind of read. Parameters: after, end, limit and then the name. */
export const READ_ALL = 'SELECT seq, at, data FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?';
export const READ_BY_EXPERIMENT =
  'SELECT seq, at, data FROM event WHERE seq > ? AND seq <= ? AND experiment = ?4 ORDER BY seq LIMIT ?3';
export const READ_BY_TYPE =
  'SELECT seq, at, data FROM event INDEXED BY event_by_type WHERE seq > ? AND seq <= ? AND type = ?4 ORDER BY seq LIMIT ?3';

export const READ_LEASE = 'SELECT epoch, owner, expires_at FROM lease WHERE name = ?';

export const WRITE_LEASE = `
  INSERT INTO lease (name, epoch, owner, expires_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner, expires_at = excluded.expires_at
`;

export const WRITE_SNAPSHOT = `
  INSERT INTO snapshot (version, seq, data) VALUES (?, ?, ?)
  ON CONFLICT (version) DO UPDATE SET seq = excluded.seq, data = excluded.data WHERE excluded.seq >= snapshot.seq
`;

export const READ_SNAPSHOT = 'SELECT seq, version, data FROM snapshot WHERE version = ?';
