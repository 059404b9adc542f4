-- Contact lists, blocked addresses, chosen states, and what waits for people who are away (model/core-stores.ts).
-- Addresses are bare keys, wall time in ms.

CREATE TABLE contact_entry (
  owner TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT,
  groups TEXT NOT NULL,
  sees INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  asks INTEGER NOT NULL,
  approved INTEGER NOT NULL,
  listed INTEGER NOT NULL,
  favourite INTEGER NOT NULL,
  level TEXT,
  request BLOB,
  PRIMARY KEY (owner, address)
) STRICT, WITHOUT ROWID;

-- Counts every change of a list; never goes back, so that a client's old version is recognised.
CREATE TABLE contact_list (
  owner TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blocked_address (
  owner TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (owner, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE chosen_state (
  owner TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  until INTEGER
) STRICT, WITHOUT ROWID;

-- `sealed` is null once a client has it: the row then only recognises copies, and goes after a day.
CREATE TABLE kept_item (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  sealed BLOB,
  taken_at INTEGER,
  UNIQUE (owner, id)
) STRICT;
CREATE INDEX kept_item_taken ON kept_item (taken_at) WHERE taken_at IS NOT NULL;
CREATE INDEX kept_item_waiting ON kept_item (owner, number) WHERE sealed IS NOT NULL;
