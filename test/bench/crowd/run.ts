// A whole organisation signed in to the core over real sockets: how long a start takes, what a sign-in, an idle session and a
// working day cost. Nothing is asserted; docs/bench.md keeps one run.
//   node test/bench/crowd/run.ts [--users 10000] [--contacts 80] [--seconds 30] [--profile FOLDER] [--keep]

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeCa } from '../../support/ca.ts';
import { freePorts } from '../../support/free-ports.ts';
import { Home } from '../../support/home.ts';
import { PeerProcess } from '../../support/peer-process.ts';
import { cpuUs, residentBytes } from '../cpu.ts';
import { columns } from '../table.ts';
import { type CrowdOrder, type CrowdReport, type CrowdResult, contactsOf, DOMAIN, HOST, local, PASSWORD } from './cast.ts';
import { settle } from './people.ts';

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '10000' },
    contacts: { type: 'string', default: '80' },
    seconds: { type: 'string', default: '30' },
    profile: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const [users, contacts, seconds] = [Number(values.users), Number(values.contacts), Number(values.seconds)];
const [PORT = 0, EDGE_SIP = 0, EDGE_XMPP = 0] = await freePorts(3);
const MAIN = join(import.meta.dirname, '../../../src/main.ts');
/** Garbage is collected before memory is read, so that what is not held is not counted; at other times as always. */
const COLLECT = ['--expose-gc', '--import', "data:text/javascript,process.on('SIGUSR2',()=>globalThis.gc())"];
/** issue: 220 presence stanzas and 60 messages a second, 20 sign-ins a second. */
const STANZAS_PER_SECOND = 220;
const MESSAGES_PER_SECOND = 60;
const SIGN_INS_PER_SECOND = 20;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'isthmus-crowd-'));
const ca = makeCa('Crowd');
const home = new Home(join(folder, 'home'), {
  isthmus: {
    edge: { host: HOST, sip: `tls://127.0.0.1:${EDGE_SIP}`, xmpp: `starttls://127.0.0.1:${EDGE_XMPP}` },
    clients: { host: HOST, xmpp: `tls://127.0.0.1:${PORT}` },
    log: { level: 'info' },
  },
  domains: { [DOMAIN]: { served: 'core' } },
  partners: {},
  own: { people: ca.issue({ names: [DOMAIN, HOST] }) },
  trustEdge: { crowd: ca.rootPem },
});

function isthmus(nodeArguments: readonly string[]): PeerProcess {
  return new PeerProcess({
    name: 'isthmus',
    command: process.execPath,
    args: [...nodeArguments, MAIN, 'start', '--home', home.folder],
    logFile: join(folder, 'isthmus.log'),
    ready: (said) => said().includes('"event":"ready"'),
  });
}

const rows: string[][] = [['what', 'found', 'goal']];
const note = (what: string, found: string, goal = ''): void => {
  rows.push([what, found, goal]);
  say(`${what}: ${found}`);
};
let running: PeerProcess | undefined;
let load: ChildProcess | undefined;
try {
  say(`writing ${users} users with ${contacts} contacts each`);
  await settle(
    join(home.folder, 'var'),
    DOMAIN,
    PASSWORD,
    Array.from({ length: users }, (_, n) => ({ local: local(n, users), contacts: contactsOf(n, users, contacts) })),
  );

  running = isthmus([]);
  await running.start();
  note('start', `${(running.startMs / 1000).toFixed(1)} s`, '5 s');
  await running.stop();

  running = isthmus([...COLLECT, ...(values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`])]);
  await running.start();
  const group = running.pid ?? 0;
  const resident = async (): Promise<number> => {
    for (let round = 0; round < 3; round += 1) {
      await pause(1000);
      process.kill(group, 'SIGUSR2');
    }
    await pause(1000);
    return residentBytes(group);
  };
  const base = await resident();
  note('base', `${(base / 1e6).toFixed(0)} MB`, '90 MB');

  load = fork(join(import.meta.dirname, 'load.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await order(load, { do: 'join', port: PORT, ca: ca.rootPem, users });
  const measured = async (what: CrowdOrder): Promise<CrowdResult & { readonly cpuMs: number }> => {
    const before = cpuUs(group);
    const result = await order(load!, what); // made above
    await pause(300);
    if (result === undefined) throw new Error(`${what.do} gave no result`);
    return { ...result, cpuMs: (cpuUs(group) - before) / 1000 };
  };
  const calm = Math.min(users, SIGN_INS_PER_SECOND * seconds);
  const slow = await measured({ do: 'signIn', count: calm, perSecond: SIGN_INS_PER_SECOND });
  note(`sign-ins at ${SIGN_INS_PER_SECOND} a second`, signIns(slow), '0 failed');
  // The rest as fast as one processor can: everybody comes back after a restart.
  const fast = await measured({ do: 'signIn', count: users - calm, perSecond: 400 });
  note(`${users - calm} sign-ins at once`, signIns(fast), '0 failed');
  const each = ((await resident()) - base) / users;
  note('idle session with TLS, list and its presence', `${(each / 1000).toFixed(1)} kB`, '100 kB');
  const day = {
    do: 'live',
    changesPerSecond: STANZAS_PER_SECOND / contacts,
    messagesPerSecond: MESSAGES_PER_SECOND,
    ms: seconds * 1000,
  } as const;
  const lived = await measured(day);
  const share = lived.cpuMs / lived.ms;
  note(
    `${STANZAS_PER_SECOND} presence stanzas and ${MESSAGES_PER_SECOND} messages a second`,
    `${Math.round((lived.stanzas / lived.ms) * 1000)} and ${Math.round((lived.done / lived.ms) * 1000)} a second, ${lived.failed} failed, ${(share * 100).toFixed(0)} % of a core, median ${lived.medianMs.toFixed(1)} ms, p99 ${lived.p99Ms.toFixed(1)} ms`,
    '50 %',
  );
  const idle = cpuUs(group);
  await pause(10_000);
  note('nobody does anything', `${((cpuUs(group) - idle) / 1e5).toFixed(1)} % of a core`);
  process.stdout.write(
    `\n${users} users with ${contacts} contacts, all of them each other's, on node ${process.version}\n\n${columns(rows)}\n`,
  );
} finally {
  load?.disconnect();
  await running?.stop('SIGTERM', 20_000);
  if (values.keep) say(folder);
  else rmSync(folder, { recursive: true, force: true });
}

function signIns({ done, failed, ms, cpuMs, medianMs, p99Ms }: CrowdResult & { readonly cpuMs: number }): string {
  const rate = ((done / ms) * 1000).toFixed(0);
  return `${done} at ${rate} a second, ${failed} failed, ${(cpuMs / Math.max(1, done)).toFixed(1)} ms of CPU each, median ${medianMs.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms`;
}

function order(load: ChildProcess, what: CrowdOrder): Promise<CrowdResult | undefined> {
  return new Promise((resolve, reject) => {
    load.once('message', (report: CrowdReport) => (report.ok ? resolve(report.result) : reject(new Error(report.error))));
    load.send(what);
  });
}
