-- What a running process asks of its people again and again (model/people.ts): who changed since it last looked, whether they
-- were added, changed, removed or given another password; when they last signed in; and what the directory knows of them.

CREATE TABLE person_change (
  address TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_change_version ON person_change (version);

CREATE TABLE signed_in (
  address TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The entry of a directory that a person came from (model/directory.ts). `stamp`: the entry's own mark of its last change.
-- `disabled`: the directory switched the person off, and may switch them on again; an operator's word is not touched.
CREATE TABLE directory_entry (
  address TEXT PRIMARY KEY,
  dn TEXT NOT NULL,
  stamp TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE photo (
  address TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  hash TEXT NOT NULL,
  data BLOB NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
