-- How connections of partners to us went (model/peer-try.ts): a bounded memory. Wall time in ms.

CREATE TABLE peer_try (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  domain TEXT,
  address TEXT,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX peer_try_domain ON peer_try (domain, number);
CREATE INDEX peer_try_address ON peer_try (address, number);
