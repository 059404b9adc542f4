import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { diagnosesDocument } from '../../docs/print-diagnoses.ts';
import { ERRORS, reason } from '../../src/errors.ts';
import { codeOf, diagnosis, sentenceFor } from '../../src/ops/diagnoses.ts';
import { COARSE, FINER } from '../../src/ops/diagnosis-table.ts';

const FACTS = {
  theirDomain: 'partner.example',
  ourDomain: 'corp.example',
  ourHost: 'edge.corp.example',
  protocol: 'sip',
  target: '192.0.2.1:5061',
} as const;
const rows = Object.entries({ ...FINER, ...COARSE });

test('docs/diagnoses.md is what the catalogue says today, with one row for each code', () => {
  const written = readFileSync(new URL('../../docs/diagnoses.md', import.meta.url), 'utf8');
  assert.equal(written, diagnosesDocument(), 'run: node docs/print-diagnoses.ts > docs/diagnoses.md');
  const told = [...written.matchAll(/^\| `([A-Z0-9_]+)` /gm)].map(([, code]) => code);
  assert.deepEqual(told.toSorted(), rows.map(([code]) => code).toSorted());
});

for (const [code, row] of rows) {
  test(`${code} says what would be right, why, and what to do, in whole sentences`, () => {
    assert.ok(row.expected.length > 3 && row.us.length > 10, code);
    assert.match(row.cause, /^[A-Z].*\.$/);
    const asked = row.them?.({ ...FACTS });
    if (asked === undefined) return;
    assert.match(asked, /\.$/, asked);
    assert.match(asked, /Please|should|until|Your log/i, 'something is asked');
    assert.doesNotMatch(asked, /undefined|isthmus/i, 'the partner has another product');
  });
}

test('a finer code never has the name of a coarse one, and what no row names reads as the errors have it', () => {
  for (const code of Object.keys(FINER)) assert.ok(!Object.hasOwn(ERRORS, code), code);
  assert.equal(diagnosis('QUEUE_EXPIRED').cause, ERRORS.QUEUE_EXPIRED.meaning);
});

test('the sentence for the partner has the time with its zone, both names, the road and what was seen', () => {
  const why = reason('CERT_PEER_EXPIRED', "the peer's certificate expired on 2026-01-01; a renewed one is needed");
  const at = Date.UTC(2026, 0, 2, 10, 14);
  assert.equal(
    sentenceFor(why, FACTS, at, 'out'),
    'At 2026-01-02 10:14 UTC our server edge.corp.example (for corp.example) tried to reach partner.example over SIP at 192.0.2.1:5061. We saw: Your certificate expired on 2026-01-01; a renewed one is needed. Please renew the certificate; your clients may not notice, federation does.',
  );
  assert.match(
    sentenceFor(why, FACTS, at, 'in') ?? '',
    /your server \(for partner\.example\) tried to reach ours, edge\.corp\.example \(for corp\.example\), over SIP from 192\.0\.2\.1:5061/,
  );
  assert.equal(codeOf({ ...why, finer: 'CERT_PEER_WILDCARD' }), 'CERT_PEER_WILDCARD');
});
