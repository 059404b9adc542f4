// dns-01 (RFC 8555 §8.4): a TXT record at _acme-challenge.NAME. Who writes it is another file (hook, dynamic update); here
// is what the record says, and the wait until every name server of the zone shows it - a CA asks any of them.

import { createHash } from 'node:crypto';
import type { Resolver as SystemResolver } from 'node:dns/promises';
import type { AcmeCode } from '../../model/acme.ts';
import type { Clock } from '../../model/ports.ts';
import type { HostPort } from '../../model/table.ts';
import type { Challenger, Proof } from './challenger.ts';
import { pauseFor } from './pause.ts';
import { aliasEnd, resolverAt, resolverOf, type TxtRecords } from './txt-records.ts';

export interface DnsWait {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly dnsServers: readonly HostPort[];
  /** At most so long. */
  readonly waitMs: number;
  readonly remark: (text: string) => void;
}

const ASK_EVERY_MS = 2000;
const MAX_SERVERS = 16;

/** What the record must say (RFC 8555 §8.4). */
export function txtValue(keyAuthorization: string): string {
  return createHash('sha256').update(keyAuthorization).digest('base64url');
}

export function dnsChallenger(records: TxtRecords, wait: DnsWait): Challenger {
  const standing: { readonly name: string; readonly value: string }[] = [];
  return {
    type: 'dns-01',
    async present({ name, keyAuthorization }: Proof) {
      const record = { name: `_acme-challenge.${name}`, value: txtValue(keyAuthorization) };
      standing.push(record); // before the try: half a success is taken down too
      await records.add(record.name, record.value);
    },
    async settle(progress) {
      const late = await propagated(standing, wait, progress);
      if (late.length > 0) {
        const names = [...new Set(late)].join(', ');
        wait.remark(`after ${wait.waitMs / 1000} s not every name server shows the record of ${names}; the CA is asked all the same`);
      }
    },
    async close() {
      for (const { name, value } of standing.splice(0)) {
        await records.remove(name, value).catch((error: unknown) => {
          wait.remark(`the TXT record ${name} "${value}" could not be removed: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
    },
    advice: (name, code) => dnsAdvice(name, code, standing, records.what),
  };
}

/** Waits until all name servers show all records, or the time is over. @returns the names that are not everywhere yet */
async function propagated(
  records: readonly { readonly name: string; readonly value: string }[],
  { clock, signal, dnsServers, waitMs }: DnsWait,
  progress: (line: string) => void,
): Promise<readonly string[]> {
  const until = clock.monotonic() + waitMs;
  const asked = await Promise.all(records.map(async ({ name, value }) => ({ value, ...(await authoritative(name, dnsServers)) })));
  let missing = asked.flatMap(({ name, value, servers }) => servers.map((server) => ({ name, value, server })));
  for (let told = false; ; told = true) {
    const shown = await Promise.all(missing.map(({ name, value, server }) => shows(server, name, value)));
    missing = missing.filter((_, index) => shown[index] !== true);
    if (missing.length === 0 || clock.monotonic() >= until) return missing.map(({ name }) => name);
    if (!told) progress(`waiting for the name servers to show the TXT record (at most ${waitMs / 1000} s)`);
    await pauseFor(clock, Math.min(ASK_EVERY_MS, Math.max(1, until - clock.monotonic())), signal);
  }
}

/** The name servers of the zone that holds the record of `name`, as resolvers; the configured ones where they cannot be found. */
async function authoritative(
  written: string,
  dnsServers: readonly HostPort[],
): Promise<{ readonly name: string; readonly servers: readonly SystemResolver[] }> {
  const ours = resolverOf(dnsServers);
  const name = await aliasEnd(written, dnsServers);
  const labels = name.split('.');
  for (let skip = 1; skip < labels.length - 1; skip++) {
    const hosts = await ours.resolveNs(labels.slice(skip).join('.')).catch(() => []);
    if (hosts.length === 0) continue;
    const found = await Promise.all(
      hosts.slice(0, MAX_SERVERS).map(async (host) => {
        const [v4, v6] = await Promise.all([ours.resolve4(host).catch(() => []), ours.resolve6(host).catch(() => [])]);
        return v4[0] ?? (v6[0] === undefined ? undefined : `[${v6[0]}]`);
      }),
    );
    const servers = found.filter((address) => address !== undefined);
    if (servers.length > 0) return { name, servers: servers.map((address) => resolverAt([address])) };
    break;
  }
  return { name, servers: [ours] };
}

async function shows(server: SystemResolver, name: string, value: string): Promise<boolean> {
  const found = await server.resolveTxt(name).catch(() => []);
  return found.some((parts) => parts.join('') === value);
}

function dnsAdvice(
  name: string,
  code: AcmeCode,
  records: readonly { readonly name: string; readonly value: string }[],
  what: string,
): string | undefined {
  if (code !== 'ACME_DNS' && code !== 'ACME_WRONG_ANSWER' && code !== 'ACME_NOT_REACHED') return undefined;
  const at = `_acme-challenge.${name.replace(/^\*\./, '')}`;
  const values = records.filter((record) => record.name === at).map(({ value }) => `"${value}"`);
  return `The CA wants to see ${at} TXT ${values.join(' and ')} at every name server of the zone; ${what} was to write it. See that it does, and whether wait: is long enough for all of them`;
}
