// DNS: answers, caching by time, what happens when it fails.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeResolver } from '../../src/edge/resolver.ts';
import type { Clock } from '../../src/model/ports.ts';
import { type DnsServer, startDns } from '../support/dns.ts';

class HandClock implements Clock {
  ms = 1_000_000;
  now = () => this.ms;
  monotonic = () => this.ms;
  after = () => ({ cancel() {} });
}

async function withDns(run: (dns: DnsServer, clock: HandClock, resolver: ReturnType<typeof makeResolver>) => Promise<void>): Promise<void> {
  await using dns = await startDns();
  const clock = new HandClock();
  await run(dns, clock, makeResolver({ clock, servers: [dns.server], timeoutMs: 60 }));
}

describe('resolver', () => {
  it('gives SRV records without trailing dots, in lower case', () =>
    withDns(async (dns, _, resolver) => {
      dns.set('_sips._tcp.partner.example', { srv: [{ target: 'Edge.Partner.example', port: 5061, priority: 10, weight: 5 }] });
      assert.deepEqual(await resolver.srv('_sips._tcp.partner.example'), {
        kind: 'records',
        records: [{ target: 'edge.partner.example', port: 5061, priority: 10, weight: 5 }],
      });
    }));

  it('tells "there is none" from "not offered" from "DNS failed"', () =>
    withDns(async (dns, _, resolver) => {
      dns.set('_xmpp-server._tcp.no.example', { srv: [{ target: '.', port: 0 }] });
      dns.set('_xmpp-server._tcp.empty.example', { a: ['192.0.2.1'] });
      dns.fail('_xmpp-server._tcp.broken.example', 'SERVFAIL');
      dns.fail('_xmpp-server._tcp.shut.example', 'REFUSED');
      dns.fail('_xmpp-server._tcp.quiet.example', 'silent');
      const kinds = await Promise.all(
        ['no', 'empty', 'absent', 'broken', 'shut', 'quiet'].map(
          async (name) => (await resolver.srv(`_xmpp-server._tcp.${name}.example`)).kind,
        ),
      );
      assert.deepEqual(kinds, ['notOffered', 'none', 'none', 'failed', 'failed', 'failed']);
      const broken = await resolver.srv('_xmpp-server._tcp.broken.example');
      assert.equal(broken.kind === 'failed' && broken.reason.code, 'NET_DNS_FAILED');
    }));

  it('asks IPv6 and IPv4 and joins the addresses; a literal address is not asked', () =>
    withDns(async (dns, _, resolver) => {
      dns.set('edge.partner.example', { a: ['192.0.2.7'], aaaa: ['2001:db8::7'] });
      assert.deepEqual(await resolver.addresses('edge.partner.example'), { kind: 'addresses', addresses: ['2001:db8::7', '192.0.2.7'] });
      assert.deepEqual(await resolver.addresses('192.0.2.9'), { kind: 'addresses', addresses: ['192.0.2.9'] });
      assert.deepEqual(await resolver.addresses('absent.example'), { kind: 'none' });
      assert.equal(dns.questions.filter((question) => question.includes('192.0.2.9')).length, 0);
    }));

  it('gives NAPTR records (RFC 3263), none when DNS fails', () =>
    withDns(async (dns, _, resolver) => {
      const record = { order: 10, preference: 20, flags: 's', service: 'SIPS+D2T', replacement: '_sips._tcp.partner.example' };
      dns.set('partner.example', { naptr: [record] });
      dns.fail('broken.example', 'SERVFAIL');
      assert.deepEqual(await resolver.naptr('partner.example'), [record]);
      assert.deepEqual(await resolver.naptr('broken.example'), []);
    }));

  it('remembers SRV for 300 s, "there is none" for 60 s, addresses for their TTL', () =>
    withDns(async (dns, clock, resolver) => {
      dns.set('_a._tcp.x.example', { srv: [{ target: 'h.x.example', port: 1 }] });
      dns.set('h.x.example', { a: ['192.0.2.1'], ttl: 30 });
      const questions = ['SRV _a._tcp.x.example', 'SRV _b._tcp.x.example', 'A h.x.example'];
      const ask = async (): Promise<number[]> => {
        await Promise.all([resolver.srv('_a._tcp.x.example'), resolver.srv('_b._tcp.x.example'), resolver.addresses('h.x.example')]);
        return questions.map((question) => dns.asked(question));
      };
      assert.deepEqual(await ask(), [1, 1, 1]);
      clock.ms += 29_000;
      assert.deepEqual(await ask(), [1, 1, 1]);
      clock.ms += 2000;
      assert.deepEqual(await ask(), [1, 1, 2]);
      clock.ms += 30_000;
      assert.deepEqual(await ask(), [1, 2, 3]);
      clock.ms += 240_000;
      assert.deepEqual((await ask())[0], 2);
    }));

  it('asks the same question once at a time', () =>
    withDns(async (dns, _, resolver) => {
      dns.set('_a._tcp.x.example', { srv: [{ target: 'h.x.example', port: 1 }] });
      await Promise.all(Array.from({ length: 20 }, () => resolver.srv('_a._tcp.x.example')));
      assert.equal(dns.asked('SRV _a._tcp.x.example'), 1);
    }));

  it('uses an old answer for up to an hour while DNS fails, and the new one when it is back', () =>
    withDns(async (dns, clock, resolver) => {
      dns.set('_a._tcp.x.example', { srv: [{ target: 'old.x.example', port: 1 }] });
      const target = async (): Promise<string> => {
        const answer = await resolver.srv('_a._tcp.x.example');
        return answer.kind === 'records' ? answer.records[0]!.target : answer.kind;
      };
      assert.equal(await target(), 'old.x.example');
      dns.fail('*', 'SERVFAIL');
      clock.ms += 301_000;
      assert.equal(await target(), 'old.x.example');
      const asked = dns.questions.length;
      assert.equal(await target(), 'old.x.example');
      assert.equal(dns.questions.length, asked, 'a failing server is not asked again at once');
      clock.ms += 3_600_000;
      assert.equal(await target(), 'failed');
      dns.fail('*', undefined);
      dns.set('_a._tcp.x.example', { srv: [{ target: 'new.x.example', port: 1 }] });
      clock.ms += 6000;
      assert.equal(await target(), 'new.x.example');
    }));
});
