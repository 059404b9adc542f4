-- What users say about their presence beside their state (model/presence-settings.ts): notes, absence, place, time zone, levels
-- of domains, privacy. One sealed document for each; addresses are bare keys.
CREATE TABLE presence_settings (
  owner TEXT PRIMARY KEY,
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
