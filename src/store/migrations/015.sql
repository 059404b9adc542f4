-- Files that users of the core share (model/uploads.ts): what is known of each; the octets are in the data folder's uploads/.
-- `state`: slot (nothing has come yet), writing, kept. `owner` is a bare key. Wall time in ms.

CREATE TABLE upload (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  size INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX upload_owner ON upload (owner);
CREATE INDEX upload_made ON upload (made_at);
