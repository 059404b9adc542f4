-- Other addresses by which people are known (model/core.ts, Person.addresses), and the mail address, for look-ups. Lower case.

ALTER TABLE person ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]';

CREATE TABLE person_address (
  other TEXT NOT NULL,
  owner TEXT NOT NULL,
  PRIMARY KEY (other, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_address_owner ON person_address (owner);
INSERT INTO person_address (other, owner) SELECT lower(mail), address FROM person WHERE mail IS NOT NULL AND mail <> '';
