// Which names of a certificate speak for which domain: the table of RFC 5922 (SIP) and RFC 6120/9525 (XMPP).

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { carriesHost, namesOf, speaksFor } from '../../src/edge/certificate-names.ts';
import { type LeafOptions, makeCa } from '../support/ca.ts';

const ca = makeCa('Names');
const names = (options: LeafOptions) => namesOf(new X509Certificate(ca.issue({ cn: 'nobody', ...options }).certPem));

// [what the certificate carries, domain asked for, SIP, XMPP]
const rows: readonly (readonly [LeafOptions, string, boolean, boolean])[] = [
  [{ names: ['partner.example'] }, 'partner.example', true, true],
  [{ names: ['PARTNER.Example'] }, 'partner.example', true, true],
  [{ names: ['partner.example'] }, 'PARTNER.example', true, true],
  [{ names: ['other.example', 'partner.example'] }, 'partner.example', true, true],
  [{ names: ['partner.example'] }, 'im.partner.example', false, false],
  [{ names: ['im.partner.example'] }, 'partner.example', false, false],
  [{ names: ['notpartner.example'] }, 'partner.example', false, false],
  [{ names: ['*.partner.example'] }, 'im.partner.example', false, true],
  [{ names: ['*.partner.example'] }, 'partner.example', false, false],
  [{ names: ['*.partner.example'] }, 'a.im.partner.example', false, false],
  [{ names: ['*.partner.example'] }, '.partner.example', false, false],
  [{ names: ['i*.partner.example'] }, 'im.partner.example', false, false],
  [{ names: ['*m.partner.example'] }, 'im.partner.example', false, false],
  [{ names: ['im.*.example'] }, 'im.partner.example', false, false],
  [{ names: ['*.example'] }, 'partner.example', false, false],
  [{ names: ['*'] }, 'partner.example', false, false],
  [{ cn: 'partner.example' }, 'partner.example', false, false],
  [{ cn: 'partner.example', names: ['other.example'] }, 'partner.example', false, false],
  [{ names: ['partner.example\0.evil.example'] }, 'partner.example', false, false],
  [{ names: ['partner.example\0'] }, 'partner.example', false, false],
  [{ names: ['partner.example.'] }, 'partner.example', false, false],
  [{ names: [' partner.example'] }, 'partner.example', false, false],
  [{ names: [''] }, '', false, false],
  [{ names: ['xn--bcher-kva.example'] }, 'xn--bcher-kva.example', true, true],
  [{ names: ['xn--bcher-kva.example'] }, 'bücher.example', true, true],
  [{ names: ['bücher.example'] }, 'xn--bcher-kva.example', false, false],
  [{ names: ['192.0.2.1'] }, '192.0.2.1', false, false],
  [{ ips: ['192.0.2.1'] }, '192.0.2.1', false, false],
  [{ uris: ['sip:partner.example'] }, 'partner.example', true, false],
  [{ uris: ['SIP:Partner.Example'] }, 'partner.example', true, false],
  [{ uris: ['sip:partner.example:5061;transport=tls'] }, 'partner.example', true, false],
  [{ uris: ['sip:nora@partner.example'] }, 'partner.example', false, false],
  [{ uris: ['sip:nora@evil.example;x=@partner.example'] }, 'partner.example', false, false],
  [{ uris: ['sip:partner.example?x=@y'] }, 'partner.example', false, false],
  [{ uris: ['sips:partner.example'] }, 'partner.example', false, false],
  [{ uris: ['xmpp:partner.example'] }, 'partner.example', false, false],
  [{ uris: ['https://partner.example'] }, 'partner.example', false, false],
  [{ uris: ['sip:*.partner.example'] }, 'im.partner.example', false, false],
  // RFC 5922 §7.1: DNS names count only when there is no sip: URI identity; one with a user part is none.
  [{ uris: ['sip:other.example'], names: ['partner.example'] }, 'partner.example', false, true],
  [{ uris: ['sip:nora@other.example'], names: ['partner.example'] }, 'partner.example', true, true],
  [{ srvIds: ['_xmpp-server.partner.example'] }, 'partner.example', false, true],
  [{ srvIds: ['_xmpp-client.partner.example'] }, 'partner.example', false, false],
  [{ srvIds: ['_xmpp-server.*.example'] }, 'partner.example', false, false],
  [{ xmppAddrs: ['partner.example'] }, 'partner.example', false, false],
];

describe('names in certificates', () => {
  for (const [options, domain, sip, xmpp] of rows) {
    const { cn, ...rest } = options;
    it(`${JSON.stringify(cn === undefined ? rest : options)} for ${JSON.stringify(domain)}: SIP ${sip ? 'yes' : 'no'}, XMPP ${xmpp ? 'yes' : 'no'}`, () => {
      const found = names(options);
      assert.deepEqual({ sip: speaksFor(found, domain, 'sip'), xmpp: speaksFor(found, domain, 'xmpp') }, { sip, xmpp });
    });
  }

  it('finds hosts and addresses that an operator listed', () => {
    const found = names({ names: ['sip.partner.example'], ips: ['192.0.2.1', '2001:db8:0:0::1'] });
    assert.equal(carriesHost(found, 'SIP.partner.example'), true);
    assert.equal(carriesHost(found, 'partner.example'), false);
    assert.equal(carriesHost(found, '192.0.2.1'), true);
    assert.equal(carriesHost(found, '2001:DB8::1'), true);
    assert.equal(carriesHost(found, '2001:db8::2'), false);
  });

  it('shows names to people without control characters', () => {
    assert.deepEqual(names({ names: ['a\u001b[2J.example', 'b\r\n.example'] }).shown, ['a\\x1b[2J.example', 'b\\x0d\\x0a.example']);
  });

  it('never throws and never matches a domain that is not literally there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 30 }), { maxLength: 4 }),
        fc.array(fc.string({ maxLength: 30 }), { maxLength: 2 }),
        (dns, uris) => {
          const found = names({ names: dns, uris: uris.map((uri) => `sip:${uri}`), srvIds: dns });
          assert.equal(speaksFor(found, 'partner.example', 'sip') || speaksFor(found, 'partner.example', 'xmpp'), false);
        },
      ),
      { numRuns: 50 },
    );
  });
});
