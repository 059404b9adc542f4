-- People of the core (model/people.ts). Addresses are bare keys, wall time in ms.

CREATE TABLE person (
  address TEXT PRIMARY KEY,
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  mail TEXT,
  phone TEXT,
  mobile TEXT,
  title TEXT,
  company TEXT,
  office TEXT,
  groups TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_domain ON person (domain, name);

-- What is kept of passwords: one row for each password and mechanism. `device` is empty for the main password.
CREATE TABLE credential (
  address TEXT NOT NULL,
  device TEXT NOT NULL,
  kind TEXT NOT NULL,
  sealed BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (address, device, kind)
) STRICT, WITHOUT ROWID;
