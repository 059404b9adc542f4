-- Users of split domains that have moved from the core to the internal system (model/moves.ts). Wall time in ms. Addresses are bare keys.

CREATE TABLE moved_inside (
  address TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
