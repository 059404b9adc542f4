-- Tries that failed, for `explain`: a JSON array of {at, attempt, code, text}, oldest first, the last 20.
ALTER TABLE ledger ADD COLUMN tries TEXT;
