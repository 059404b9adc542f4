-- What clients on phones need (model/push.ts, model/sign-in-tokens.ts), and invitations (model/invitations.ts).

-- Push services that clients have named for themselves (XEP-0357). `sealed`: the options of a publication, with what the
-- service wants to see of us. `resource`: the client that has named it.
CREATE TABLE push_service (
  address TEXT NOT NULL,
  service TEXT NOT NULL,
  node TEXT NOT NULL,
  resource TEXT NOT NULL,
  sealed BLOB NOT NULL,
  failures INTEGER NOT NULL,
  enabled_at INTEGER NOT NULL,
  PRIMARY KEY (address, service, node)
) STRICT, WITHOUT ROWID;

-- Tokens with which a device signs in again (XEP-0484). `stamp`: of the user's passwords when it was made.
CREATE TABLE device_token (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL,
  device TEXT NOT NULL,
  mechanism TEXT NOT NULL,
  sealed BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  used INTEGER NOT NULL,
  stamp TEXT NOT NULL
) STRICT;
CREATE INDEX device_token_address ON device_token (address);
CREATE INDEX device_token_end ON device_token (expires_at);

-- `hash`: SHA-256 of the token that the invited person has; the token itself is nowhere. `id`: its first letters, by which
-- operators name it. `address` null: for anybody who is given it, in `domain`. `groups`: of whoever comes with it.
CREATE TABLE invitation (
  hash TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  domain TEXT NOT NULL,
  address TEXT,
  groups TEXT NOT NULL,
  uses INTEGER NOT NULL,
  used INTEGER NOT NULL,
  used_by TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
