-- When the archive was purged last, and what came of it (model/archive.ts). Wall time in ms.
CREATE TABLE archive_purge (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL,
  before INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  held INTEGER NOT NULL
) STRICT;
