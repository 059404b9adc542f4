-- Acts that a second person must approve (model/archive.ts), and how far the archive has been journaled. Wall time in ms.

CREATE TABLE approval (
  id TEXT PRIMARY KEY,
  act TEXT NOT NULL,
  input TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  why TEXT NOT NULL,
  until INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  decided_why TEXT,
  yes INTEGER,
  used_at INTEGER
) STRICT;
CREATE INDEX approval_time ON approval (asked_at);

-- One row: the number of the last line of the archive that the journal mailbox has.
CREATE TABLE journal_position (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  number INTEGER NOT NULL
) STRICT;
