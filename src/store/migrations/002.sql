-- What partners have shown of themselves on the wire (model/passport.ts). Wall time in ms.

CREATE TABLE passport (
  domain TEXT NOT NULL,
  protocol TEXT NOT NULL,
  direction TEXT NOT NULL,
  data TEXT NOT NULL,
  last_seen_at INTEGER NOT NULL,
  PRIMARY KEY (domain, protocol, direction)
) STRICT, WITHOUT ROWID;

CREATE TABLE passport_change (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  domain TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX passport_change_domain ON passport_change (domain, at);
