// `admin: oidc:`: what comes of it, and what is told about mistakes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, exampleWith } from './example.ts';

const admin = (lines: string): ReturnType<typeof check> =>
  check(exampleWith({ 'isthmus.yaml': `edge: { host: sip.corp.example }\nadmin:\n  listen: https://10.0.0.5:8443\n  oidc:\n${lines}` }));
const GOOD = '    issuer: https://id.corp.example/realms/staff\n    audience: isthmus\n    roles: { ops: operator }\n';
const faults = (lines: string): string[] => admin(lines).faults.map(({ line, found, right }) => `${line} ${found}; ${right}`);

test('an issuer with its roles, a path to the claim, and its own authority', () => {
  const result = admin(`${GOOD}    rolesClaim: realm_access.roles\n`);
  assert.ok(result.ok, JSON.stringify(result.faults));
  assert.deepEqual(result.home.admin.https?.oidc, {
    issuer: 'https://id.corp.example/realms/staff',
    audience: ['isthmus'],
    rolesClaim: ['realm_access', 'roles'],
    roles: new Map([['ops', 'operator']]),
  });
});

test('mistakes are told with the line and what would be right', () => {
  assert.match(faults(GOOD.replace('https', 'http')).join(), /^5 "http:\/\/id\.corp\.example.*; an address such as https:/);
  assert.match(faults(GOOD.replace('operator', 'root')).join(), /^7 .*viewer.*admin/);
  assert.match(faults(GOOD.replace('{ ops: operator }', '{}')).join(), /^7 no role; what values/);
  assert.match(faults(GOOD.replace('isthmus', '[]')).join(), /^6 an empty list; what the issuer writes/);
  assert.match(faults(`${GOOD}    ca: certs/trust/inside/id.pem\n`).join(), /^8 certs\/trust\/inside\/id\.pem is not there/);
});
