// Operation of a running process, tied together: what verbs work with here, the admin socket, and TCP where the home says so.

import { createServer } from 'node:http';
import type { Home } from '../../config/home.ts';
import type { Loaded } from '../../config/load.ts';
import type { MovingStores } from '../../core/people/moving.ts';
import type { DeskParts } from '../../core/people/people-desk.ts';
import type { OwnCertificates } from '../../edge/own-certificates.ts';
import type { Web } from '../../edge/web.ts';
import type { Log } from '../../log.ts';
import type { Actor } from '../../model/audit.ts';
import type { Clock } from '../../model/ports.ts';
import { ACTOR_HEADER } from '../../ops/api/answer.ts';
import type { Api, ApiParts, CallSite } from '../../ops/api/api.ts';
import { lazyApi } from '../../ops/api/lazy.ts';
import type { Live } from '../../ops/live.ts';
import type { Operations, Records } from '../../ops/operations.ts';
import { perform } from '../../ops/verb-command.ts';
import { VERBS } from '../../ops/verb-table.ts';
import { judgeTest } from '../../routing/policy-test.ts';
import { replay } from '../../routing/replay.ts';
import { openAudit } from '../../store/audit.ts';
import { certificateDesk } from '../certificates.ts';
import { dnsView } from '../domain-dns.ts';
import { deskOf } from '../people/people.ts';
import { openDoors, refusalNotes } from './doors.ts';
import { oidcDesk } from './oidc.ts';
import { listenOnSocket } from './socket.ts';

export interface AdminParts {
  readonly live: Live;
  readonly records: Records;
  readonly people: Pick<DeskParts, 'directory' | keyof MovingStores>;
  readonly clock: Clock;
  readonly log: Log;
  readonly own: OwnCertificates;
  /** The way out, to an OpenID issuer. */
  readonly web: Web;
  /** What isthmus.yaml said when it was read last. */
  home(): Home;
  /** The home as its files stand now, checked. */
  load(): Loaded;
}

export interface Admin {
  /** Of the listeners on TCP, in the order of `admin:`. */
  readonly ports: readonly number[];
  /** Something that the process did by itself, or was told by a signal, for the audit log. */
  note(act: string, exit: number, changes?: string): Promise<void>;
  /** Closes the doors: calls on their way get `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Opens the admin socket. @throws with a sentence for the operator */
export async function openAdmin(parts: AdminParts): Promise<Admin> {
  const { live, log } = parts;
  const audit = openAudit(live.home.data);
  const append = async (actor: Actor, act: string, input: object, exit: number, changes?: string): Promise<void> => {
    const entry = { at: parts.clock.now(), actor, act, input: JSON.stringify(input), exit };
    try {
      await audit.append({ ...entry, ...(changes !== undefined && { changes }) });
    } catch (error) {
      log.error({ event: 'store.failed', err: error }, 'the audit log could not be written');
    }
  };
  const common: Omit<ApiParts, 'server' | 'who'> = {
    verbs: VERBS,
    version: live.version,
    log,
    operations: (site) => operationsOf(parts, audit, site),
    async forbidden(actor, verb) {
      await append(actor, verb.words, { refused: `the role ${verb.role} is needed` }, 2);
    },
  };
  const opened: Pick<Api, 'close'>[] = [];
  const ports: number[] = [];
  let started = false;
  const note: Admin['note'] = (act, exit, changes) =>
    append({ name: 'isthmus', role: 'admin', via: 'process' }, act, { pid: process.pid, version: live.version }, exit, changes);
  const close = async (graceMs: number): Promise<void> => {
    await Promise.all(opened.map((api) => api.close(graceMs)));
    if (started) await note('stop', 0);
    audit.close();
  };
  try {
    const who: ApiParts['who'] = async ({ headers }) => localActor(headers[ACTOR_HEADER]);
    const local = lazyApi({ ...common, who }, createServer);
    opened.push(local);
    await listenOnSocket(local.server, live.home.admin.socket);
    const refused = refusalNotes(parts.clock, (actor, act, input) => append(actor, act, input, 2));
    const oidc = oidcDesk({ dir: live.home.dir, web: parts.web, clock: parts.clock, log });
    const doors = await openDoors({ ...parts, oidc, refused }, common);
    opened.push(...doors.apis);
    ports.push(...doors.ports);
  } catch (error) {
    await close(0);
    throw error;
  }
  const [before] = await audit.list({ limit: 1, act: 'start' });
  const [stopped] = await audit.list({ limit: 1, act: 'stop' });
  const killed = before !== undefined && before.number > (stopped?.number ?? 0);
  started = true;
  await note('start', 0, killed ? `the run that began at ${new Date(before.at).toISOString()} did not end properly` : undefined);
  log.info({ event: 'admin.opened', socket: live.home.admin.socket }, 'the command line and the API reach this process');
  return { ports, note, close };
}

/** Who may open the file may do everything; the command line says who typed. */
function localActor(header: string | string[] | undefined): Actor {
  if (typeof header !== 'string') return { name: 'admin socket', role: 'admin', via: 'api' };
  let name = header;
  try {
    name = decodeURIComponent(header);
  } catch {
    // not encoded: as it came
  }
  return { name: name.slice(0, 200), role: 'admin', via: 'commandLine' };
}

/** What a verb works with inside the process. */
function operationsOf(parts: AdminParts, audit: ReturnType<typeof openAudit>, site: CallSite): Operations {
  const operations: Operations = {
    dir: parts.live.home.dir,
    clock: parts.clock,
    actor: site.actor,
    load: parts.load,
    judge: (table, test) => judgeTest(table, test, parts.clock.now()),
    replay,
    records: () => parts.records,
    audit: () => audit,
    people: async () => deskOf(parts.live.home.dir, parts.live.home.data, parts.people, parts.clock),
    snapshots: async () => (await import('../../store/backup.ts')).snapshots,
    certificates: () => certificateDesk(parts.live.home.dir, parts.clock),
    renewals: async () => parts.live.renewals,
    live: parts.live,
    prober: async () => parts.live.partners.prober(),
    dns: async (home) => dnsView(home.dns.servers),
    async ask(words, input) {
      const verb = await VERBS.find((row) => row.words === words)?.load();
      if (verb === undefined) throw new Error(`no verb is called "${words}"`);
      const { why, ...given } = input;
      return perform(verb, operations, verb.input.parse(given), given, typeof why === 'string' ? why : undefined);
    },
    progress: site.progress,
    line: site.line,
    signal: site.signal,
  };
  return operations;
}
