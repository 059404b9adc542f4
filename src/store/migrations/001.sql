-- The first shape of the database (DESIGN 8). Addresses are bare keys, `local@domain`, A-labels.
-- `at` columns are wall time in ms unless their name says service.

-- What waits. `sealed` is the whole event, AES-256-GCM; the row is deleted when it ends.
CREATE TABLE outbox (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  lang TEXT,
  thread TEXT,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  service_deadline INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  from_tag TEXT NOT NULL,
  stanza_id TEXT NOT NULL,
  sealed BLOB NOT NULL
) STRICT;

-- What became of everything that ever waited. No bodies.
CREATE TABLE ledger (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  network TEXT NOT NULL,
  peer TEXT NOT NULL,
  proof TEXT NOT NULL,
  their_wire_id TEXT,
  their_call_id TEXT,
  their_cseq INTEGER,
  their_message_id TEXT,
  their_thread TEXT,
  call_id TEXT NOT NULL,
  from_tag TEXT NOT NULL,
  stanza_id TEXT NOT NULL,
  out_thread TEXT,
  hop_network TEXT,
  hop_side TEXT,
  hop_domain TEXT,
  state TEXT NOT NULL,
  evidence TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  written_at INTEGER,
  ended_at INTEGER,
  notice_id TEXT
) STRICT;

-- Everything by which somebody may ask for a ledger line: identifiers and the pair of addresses, as 48-bit hashes.
CREATE TABLE ledger_name (
  hash INTEGER NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY (hash, row)
) STRICT, WITHOUT ROWID;

-- Copies of the same message (24 h of service time): on disk with the row, and their index, which follows within a second.
CREATE TABLE dedup (
  row INTEGER PRIMARY KEY,
  key BLOB NOT NULL,
  service_at INTEGER NOT NULL
) STRICT;
CREATE TABLE dedup_key (
  key BLOB PRIMARY KEY,
  row INTEGER NOT NULL,
  service_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE thread (
  pair TEXT NOT NULL,
  thread TEXT NOT NULL,
  call_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (pair, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_call_id ON thread (pair, call_id);
CREATE INDEX thread_at ON thread (at);

CREATE TABLE authorization (
  watcher TEXT NOT NULL,
  presentity TEXT NOT NULL,
  watcher_domain TEXT NOT NULL,
  presentity_domain TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  changed_at INTEGER NOT NULL,
  last_subscribe_at INTEGER,
  watcher_seen_at INTEGER NOT NULL,
  PRIMARY KEY (watcher, presentity)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_presentity ON authorization (presentity);
CREATE INDEX authorization_pending ON authorization (watcher_domain, presentity_domain) WHERE state = 'pending';

CREATE TABLE dialog (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  watcher TEXT NOT NULL,
  presentity TEXT NOT NULL,
  data TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE address_spelling (
  address TEXT PRIMARY KEY,
  local TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_request (
  id TEXT PRIMARY KEY,
  stranger TEXT NOT NULL,
  stranger_domain TEXT NOT NULL,
  local TEXT NOT NULL,
  kind TEXT NOT NULL,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  decided TEXT
) STRICT;
CREATE INDEX contact_request_pair ON contact_request (stranger, local);
CREATE INDEX contact_request_domain ON contact_request (stranger_domain);

-- Strangers that a user of ours has invited.
CREATE TABLE contact (
  local TEXT NOT NULL,
  stranger TEXT NOT NULL,
  PRIMARY KEY (local, stranger)
) STRICT, WITHOUT ROWID;

CREATE TABLE discovered_partner (
  domain TEXT PRIMARY KEY,
  protocol TEXT NOT NULL,
  proof TEXT NOT NULL,
  last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE distinct_target (
  domain TEXT NOT NULL,
  target TEXT NOT NULL,
  PRIMARY KEY (domain, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the saved base of service time.
CREATE TABLE clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  service_ms INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  clean INTEGER NOT NULL
) STRICT;

CREATE TABLE decision (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  network TEXT NOT NULL,
  proof TEXT NOT NULL,
  allowed INTEGER NOT NULL,
  code TEXT,
  file TEXT,
  key TEXT,
  ids TEXT
) STRICT;

CREATE TABLE decision_name (
  hash INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (hash, number)
) STRICT, WITHOUT ROWID;
