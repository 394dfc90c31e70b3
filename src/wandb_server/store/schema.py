"""The tables. A change appends a script to ``MIGRATIONS``; those already released never change.

Statements are separated by semicolons. Times are ISO 8601 in UTC; JSON is kept as text.
A metric's value is NULL where a run has logged one that is not finite.
"""

_VERSION_1 = """
CREATE TABLE projects (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  entity TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (entity, name)
);
CREATE TABLE sweeps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  display_name TEXT,
  description TEXT,
  state TEXT NOT NULL,
  config TEXT NOT NULL,
  controller TEXT,
  scheduler TEXT,
  prior_runs TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (project_id, name)
);
CREATE TABLE agents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sweep_id INTEGER NOT NULL REFERENCES sweeps (id),
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  created_at TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL,
  exited INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  state TEXT NOT NULL,
  params TEXT,
  config TEXT NOT NULL DEFAULT '{}',
  summary TEXT NOT NULL DEFAULT '{}',
  group_name TEXT,
  job_type TEXT,
  description TEXT,
  notes TEXT,
  tags TEXT NOT NULL DEFAULT '[]',
  commit_hash TEXT,
  repo TEXT,
  host TEXT,
  program TEXT,
  exitcode INTEGER,
  created_at TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL,
  sweep_id INTEGER REFERENCES sweeps (id),
  agent_id INTEGER REFERENCES agents (id),
  offers INTEGER NOT NULL DEFAULT 0,
  retry_of INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  should_stop INTEGER NOT NULL DEFAULT 0,
  early_stop TEXT,
  UNIQUE (project_id, name)
);
CREATE INDEX runs_of_sweep ON runs (sweep_id);
CREATE INDEX runs_of_agent ON runs (agent_id);
CREATE INDEX runs_by_state ON runs (state);
CREATE TABLE lines (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  position INTEGER NOT NULL,
  step INTEGER,
  text TEXT NOT NULL,
  PRIMARY KEY (run_id, stream, position)
) WITHOUT ROWID;
CREATE TABLE metric_values (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  value REAL,
  PRIMARY KEY (run_id, position)
) WITHOUT ROWID;
CREATE TABLE blobs (
  id TEXT PRIMARY KEY,
  expected_md5 TEXT,
  size INTEGER,
  md5 TEXT,
  updated_at TEXT
);
CREATE TABLE run_files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  blob_id TEXT NOT NULL REFERENCES blobs (id),
  UNIQUE (run_id, name)
);
CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL REFERENCES projects (id),
  kind TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (project_id, name)
);
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  client_id TEXT,
  distributed_id TEXT,
  run_id INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  state TEXT NOT NULL,
  digest TEXT NOT NULL,
  description TEXT,
  metadata TEXT,
  history_step INTEGER,
  size INTEGER NOT NULL DEFAULT 0,
  file_count INTEGER NOT NULL DEFAULT 0,
  wanted_aliases TEXT NOT NULL DEFAULT '[]',
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE memberships (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (collection_id, artifact_id),
  UNIQUE (collection_id, version)
);
CREATE TABLE aliases (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  alias TEXT NOT NULL,
  UNIQUE (collection_id, alias)
);
CREATE TABLE tags (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  artifact_id INTEGER REFERENCES artifacts (id) ON DELETE CASCADE,
  collection_id INTEGER REFERENCES collections (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  UNIQUE (artifact_id, name),
  UNIQUE (collection_id, name)
);
CREATE TABLE manifests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest TEXT NOT NULL,
  base_id INTEGER REFERENCES artifacts (id) ON DELETE SET NULL,
  blob_id TEXT NOT NULL REFERENCES blobs (id)
);
CREATE TABLE artifact_files (
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  blob_id TEXT NOT NULL REFERENCES blobs (id),
  PRIMARY KEY (artifact_id, name)
);
CREATE TABLE artifact_uses (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  PRIMARY KEY (run_id, artifact_id)
);
CREATE TABLE views (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  display_name TEXT,
  description TEXT,
  spec TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (project_id, name)
)
"""

# An artifact's file may be a reference to an address outside of the server.
_VERSION_2 = """
CREATE TABLE new_artifact_files (
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  blob_id TEXT REFERENCES blobs (id),
  reference TEXT,
  PRIMARY KEY (artifact_id, name)
);
INSERT INTO new_artifact_files SELECT artifact_id, name, blob_id, NULL FROM artifact_files;
DROP TABLE artifact_files;
ALTER TABLE new_artifact_files RENAME TO artifact_files;
CREATE UNIQUE INDEX blobs_by_md5 ON blobs (expected_md5);
CREATE INDEX artifacts_by_client ON artifacts (client_id)
"""

# An agent whose runs keep failing is given no more.
_VERSION_3 = "ALTER TABLE agents ADD COLUMN benched INTEGER NOT NULL DEFAULT 0"

# Several runs may log the same content, which is one artifact; the first of them has made it.
_VERSION_4 = """
CREATE TABLE artifact_logs (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
  PRIMARY KEY (run_id, artifact_id)
);
INSERT INTO artifact_logs SELECT run_id, id FROM artifacts WHERE run_id IS NOT NULL
"""

# An attempt at a configuration gives way to another one; and a run has heard that it is to stop.
_VERSION_5 = """
ALTER TABLE runs ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN told_to_stop INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET told_to_stop = should_stop
"""

# A sweep waits for its first agent; runs that were there before it are told apart from its own.
_VERSION_6 = """
ALTER TABLE runs ADD COLUMN prior INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET prior = 1 WHERE agent_id IS NULL AND params IS NOT NULL AND created_at <
  (SELECT created_at FROM sweeps WHERE sweeps.id = runs.sweep_id);
UPDATE sweeps SET state = 'PENDING' WHERE state = 'RUNNING'
  AND id NOT IN (SELECT sweep_id FROM agents)
  AND id NOT IN (SELECT sweep_id FROM runs WHERE sweep_id IS NOT NULL AND NOT prior)
"""

# A fork has the config and the summary of another run, as JSON.
_VERSION_7 = "ALTER TABLE runs ADD COLUMN inherited TEXT"

MIGRATIONS = [_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7]
