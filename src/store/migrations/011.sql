-- The archive of the organisation and its holds (model/archive.ts). Wall time in ms. Addresses are bare keys, written once each.

CREATE TABLE archive_party (
  number INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE
) STRICT;

-- `sealed`: the event, with the key of the records. `scope` 0 is internal, 1 external; `exported` 1: handed out.
CREATE TABLE archive (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  recipient INTEGER NOT NULL,
  exported INTEGER NOT NULL DEFAULT 0,
  sealed BLOB NOT NULL
) STRICT;
CREATE INDEX archive_sender ON archive (sender);
CREATE INDEX archive_recipient ON archive (recipient);

-- From this number on the clock stood further back: between two of these `at` never goes back, so that a time is found by halving.
CREATE TABLE archive_step (
  first INTEGER PRIMARY KEY
) STRICT;

-- `who`: a JSON list of bare keys and domains. Released ones stay, as a record.
CREATE TABLE hold (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  matter TEXT NOT NULL,
  who TEXT NOT NULL,
  since INTEGER,
  until INTEGER,
  why TEXT NOT NULL,
  held_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  released_by TEXT,
  released_at INTEGER,
  released_why TEXT
) STRICT;
CREATE UNIQUE INDEX hold_in_force ON hold (matter) WHERE released_at IS NULL;
