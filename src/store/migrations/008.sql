-- What users of the core said and were told (model/history.ts), one row for each user it concerns. Wall time in ms.
-- Addresses are bare keys, written once each: the numbers stand in every row and index.

CREATE TABLE history_party (
  number INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE
) STRICT;

-- `sealed`: event and payload, with the key of the archive. `at` never goes back within the rows of a running process, so that
-- a client which asks for what came after a line it has misses nothing.
CREATE TABLE history (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  direction TEXT NOT NULL,
  border INTEGER NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_id ON history (owner, id);
CREATE INDEX history_time ON history (owner, at);
CREATE INDEX history_peer ON history (owner, peer, at);
