-- What users of the core keep here for their clients and publish to others (model/personal.ts). Owners are bare keys, wall time in ms.

-- `config`: JSON of NodeConfig.
CREATE TABLE personal_node (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

-- An item that is published again gets a new number: the order is that of the last word. `sealed`: its payload.
CREATE TABLE personal_item (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  node TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (owner, node, id)
) STRICT;
CREATE INDEX personal_item_order ON personal_item (owner, node, number);

-- Who asked to be told, besides contacts and the owner. `subscriber`: a bare key, or one with a resource.
CREATE TABLE personal_subscription (
  owner TEXT NOT NULL,
  node TEXT NOT NULL,
  subscriber TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, node, subscriber)
) STRICT, WITHOUT ROWID;

-- Whatever clients keep for themselves (XEP-0049), by element name and namespace.
CREATE TABLE private_xml (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
