// The fault zoo: every broken partner gets exactly its findings, every good one none, each within ten seconds. Isthmus runs as a
// process of its own and climbs; Prosody, ejabberd and Kamailio are real, the others are scripted (servers.ts).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { commandLineOperations } from '../../src/assembly/operations.ts';
import { FINER } from '../../src/ops/diagnosis-table.ts';
import { partnerTest } from '../../src/ops/partner-test/verb.ts';
import { keep } from '../ops/terminal.ts';
import { makeCa } from '../support/ca.ts';
import { type DnsServer, startDns } from '../support/dns.ts';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import { certificateOf, EDGE, organisation, records, startEjabberd, startKamailio, startProsody } from '../support/organisations.ts';
import { SipPeer } from '../support/sip-peer.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { type Animal, BLACK_HOLE, BROKEN, GOOD, type Stage } from './animals.ts';
import { connectBack } from './servers.ts';

/** Finer codes that no animal shows: what shows them, or why none can. */
const SEEN_ELSEWHERE: ReadonlySet<string> = new Set([
  'OUR_SRV_NONE', // test/ops/partner-test/inbound.test.ts, as the next one
  'OUR_SRV_ELSEWHERE',
  'TLS_NAME_UNKNOWN', // test/edge/tls-failure.test.ts, as those of our certificate and the next two
  'TLS_CLOSED',
  'TLS_NOT_SPOKEN',
  'OUR_CERT_UNTRUSTED',
  'OUR_CERT_EXPIRED',
  'OUR_CERT_REVOKED',
  'OUR_CERT_REFUSED',
  'OUR_CERT_NOT_SHOWN',
]);

/** What the first finding must name besides its code. */
const NAMED: Readonly<Record<string, RegExp>> = {
  alias: /edge\.alias\.test is an alias \(CNAME\) of server\.alias\.test/,
  private: /10\.1\.2\.3/,
  web: /HTTP\/1\.1 400/,
  leafonly: /issuer "Test World Issuing"/,
  unknownroot: /authority "Nobody We Know Root"/,
  expired: /expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC, 24 h before our clock \(\d{4}-.* UTC\)/,
  future: /valid only from .* UTC, 2 days after our clock/,
  othername: /carries somebody\.example, else\.example/,
  wildcard: /\*\.test/,
  notauthorized: /not-authorized \(who are you\?\)/,
  s403: /ms-diagnostics 1002: not authorized for federation .*edge\.s403\.test/,
  s503: /again after 30 s/,
  s504: /ms-diagnostics 1047: the TLS negotiation with a federated peer failed/,
  walled: /routes\/policy\.yaml:\d+ \/rules\/0/,
  blocked: /routes\/policy\.yaml:\d+ \/blocked\/0/,
  flooding: /their messages were refused, each time until/,
};

const noWorld = enterNamespace();
const LIMIT_MS = 10_000;
const AT_ONCE = 6;

/** Ours: one that XMPP partners cross to, one for SIP partners, and both again with a certificate for servers only. */
const OURS = { forXmpp: 'corp.test', forSip: 'chat.test', oldForXmpp: 'oldsip.test', oldForSip: 'old.test' } as const;

interface Row {
  readonly animal: Animal;
  readonly codes: readonly string[];
  /** Of the first finding. */
  readonly seen: string;
  readonly ms: number;
  readonly text: string;
  /** Findings that ask something of the partner. */
  readonly sentences: readonly string[];
}

if (noWorld !== undefined) {
  test('the fault zoo', { skip: noWorld });
} else {
  describe('the fault zoo', async () => {
    const animals = [...BROKEN, ...GOOD];
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'li');
    const DIRECT = organisation('direct.test', '127.0.3.2', 'li');
    const DIALBACK = organisation('dialback.test', '127.0.3.3', 'li');
    const EJABBERD = organisation('ejabberd.test', '127.0.4.1', 'li');
    const KAMAILIO = organisation('kamailio.test', '127.0.5.1', 'li');
    const real = [PROSODY, DIRECT, DIALBACK, EJABBERD, KAMAILIO];
    const known = records([PROSODY, DIALBACK, EJABBERD], [KAMAILIO], Object.values(OURS), [DIRECT]);
    const world = await World.open(known);
    const dns = await startDns();
    after(() => dns[Symbol.asyncDispose]());
    const stranger = makeCa('Nobody We Know');
    openBlackHole();

    const stages = new Map(animals.map((animal, index) => [animal, stageOf(animal, index)]));
    for (const [animal, stage] of stages) layOut(animal, stage, dns);
    for (const one of real) {
      dns.set(one.host, { a: [one.address] });
      const service = one === KAMAILIO ? '_sipfederationtls' : one === DIRECT ? '_xmpps-server' : '_xmpp-server';
      dns.set(`${service}._tcp.${one.domain}`, {
        srv: [{ target: one.host, port: one === KAMAILIO ? 5061 : one === DIRECT ? 5270 : 5269 }],
      });
    }
    dns.set(EDGE.host, { a: [EDGE.address] });
    for (const domain of Object.values(OURS)) {
      dns.set(`_sipfederationtls._tcp.${domain}`, { srv: [{ target: EDGE.host, port: 5061 }] });
      dns.set(`_xmpp-server._tcp.${domain}`, { srv: [{ target: EDGE.host, port: 5269 }] });
    }

    const revoked = world.ca.issue({ names: ['revoked.test', 'server.revoked.test'] });
    const component = { name: 'isthmus.chat.test', dial: 'plain://127.0.2.2:5347', secret: { secret: 'component' } };
    const nextHop = { served: 'sip', nextHop: 'plain://127.0.2.1:5060', acceptFrom: '127.0.2.1' };
    const home = new Home(world.room('home'), {
      isthmus: {
        dns: { servers: dns.server },
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
      },
      domains: {
        [OURS.forXmpp]: nextHop,
        [OURS.forSip]: { served: 'xmpp', component },
        [OURS.oldForXmpp]: nextHop,
        [OURS.oldForSip]: { served: 'xmpp', component: { ...component, name: 'isthmus.old.test' } },
      },
      policy: {
        federation: 'closed',
        blocked: [{ domain: 'blocked.test' }],
        rules: [{ who: 'everyone', with: 'walled.test', messages: 'none', theySee: [], weSee: false }],
      },
      partners: Object.fromEntries(
        [...stages].filter(([animal]) => animal.domain === undefined).map(([animal, stage]) => [stage.domain, fileOf(animal)]),
      ),
      own: {
        main: world.certificate({ names: [OURS.forXmpp, OURS.forSip, EDGE.host] }),
        old: world.certificate({ names: [OURS.oldForXmpp, OURS.oldForSip], eku: 'server' }),
      },
      trustEdge: { world: world.ca.rootPem },
      secrets: { component: 'component-secret' },
    });
    home.file('certs/revoked/world.crl.pem', world.ca.crlPem([revoked]));

    const good = (of: (typeof real)[number]) => certificateOf(world, of);
    const selfSigned = { clientCertificate: good(DIALBACK), dialback: true };
    const standing = await Promise.all([
      ...[...stages].map(([animal, stage]) => animal.serve?.({ ...stage, leaf: animal.name === 'revoked' ? () => revoked : stage.leaf })),
      startProsody(world, PROSODY, good(PROSODY)).then(() => undefined),
      startProsody(world, DIRECT, good(DIRECT), { directTls: true }).then(() => undefined),
      startProsody(world, DIALBACK, certificateOf(world, DIALBACK, 'selfSigned'), selfSigned).then(() => undefined),
      startEjabberd(world, EJABBERD, good(EJABBERD)).then(() => undefined),
      startKamailio(world, KAMAILIO, good(KAMAILIO), { kind: 'discovered' }, [OURS.forSip]).then(() => undefined),
      world.start(home.isthmus).then(() => undefined),
    ]);
    after(() => {
      for (const one of standing) one?.close();
    });
    await Promise.all([...stages].map(([animal, stage]) => past(animal, stage)));

    const rows = await everybody();

    for (const row of rows) {
      const { animal, codes, text } = row;
      const should = animal.expected.length === 0 ? 'nothing is found' : animal.expected.join(' and ');
      test(`${animal.expected.length === 0 ? 'good' : 'broken'} (${animal.protocol}): ${animal.how}: ${should}`, () => {
        assert.deepEqual(codes, [...animal.expected], text);
      });
    }

    test('at least 30 are broken, at least 10 good, and every kind of fault that operators meet is there', () => {
      assert.ok(BROKEN.length >= 30 && GOOD.length >= 10);
      const shownCodes = new Set(BROKEN.flatMap((animal) => animal.expected));
      const unseen = Object.keys(FINER).filter((code) => !shownCodes.has(code as keyof typeof FINER) && !SEEN_ELSEWHERE.has(code));
      assert.deepEqual(unseen, []);
    });

    for (const { animal, seen } of rows.filter((row) => row.animal.name in NAMED)) {
      test(`the finding about "${animal.how}" names what an administrator needs`, () => {
        assert.match(seen, NAMED[animal.name] ?? /never/);
      });
    }

    test('each is done within ten seconds', () => {
      assert.deepEqual(rows.filter(({ ms }) => ms > LIMIT_MS).map(shown), []);
    });

    test('every fault has the sentence for the administrator who can mend it, with their name, ours, and the time', () => {
      const OURS_TO_MEND = new Set(['POLICY_MESSAGES_OFF', 'POLICY_BLOCKED']);
      for (const { animal, codes, sentences } of rows) {
        const wanted = codes.filter((code) => !OURS_TO_MEND.has(code));
        assert.equal(sentences.length, wanted.length, `${animal.name}: ${sentences.join('\n')}`);
        const theirs = animal.domain ?? `${animal.name}.test`;
        for (const one of sentences) {
          assert.match(one, /^At \d{4}-\d\d-\d\d \d\d:\d\d UTC /, animal.name);
          assert.ok(one.includes(theirs) && one.includes(EDGE.host), `${animal.name}: ${one}`);
        }
      }
    });

    /** Tests all of them, some at a time, as an operator's command line does: it asks the running process. */
    async function everybody(): Promise<readonly Row[]> {
      const left = [...animals];
      const done: Row[] = [];
      const worker = async (): Promise<void> => {
        for (let animal = left.shift(); animal !== undefined; animal = left.shift()) done.push(await visit(animal));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      done.sort((a, b) => animals.indexOf(a.animal) - animals.indexOf(b.animal));
      process.stdout.write(`${done.map(shown).join('\n')}\n`);
      return done;
    }

    async function visit(animal: Animal): Promise<Row> {
      const terminal = keep();
      const operations = commandLineOperations(home.folder, terminal, () => ({
        message: { allowed: true, because: '' },
        presence: { allowed: true, because: '' },
      }));
      const began = performance.now();
      try {
        const domain = stages.get(animal)?.domain;
        const report = await partnerTest.run(operations, {
          domain,

          ...(animal.as !== undefined && { as: animal.as }),
        });
        const { findings = [], by } = report.json as { findings?: { code: string; seen: string; them?: string }[]; by?: string };
        assert.equal(by, 'process', report.text);
        const sentences = findings.flatMap((one) => one.them ?? []);
        return {
          animal,
          codes: findings.map((one) => one.code),
          seen: findings[0]?.seen ?? '',
          ms: performance.now() - began,
          text: report.text,
          sentences,
        };
      } finally {
        operations.close();
      }
    }

    function stageOf(animal: Animal, index: number): Stage {
      const domain = animal.domain ?? `${animal.name}.test`;
      const host = `server.${domain}`;
      const leaf: Stage['leaf'] = (changes = {}) => world.ca.issue({ names: [domain, host], ...changes });
      return { domain, host, address: `127.1.${index + 1}.1`, edge: EDGE.address, ca: world.ca, stranger, dns, leaf };
    }

    /** What happened before: how it came to us. */
    async function past(animal: Animal, stage: Stage): Promise<void> {
      if (animal.before === undefined) return;
      const { domain, leaf, edge } = stage;
      if (animal.before === 'flood') {
        const stream = await connectBack({ edge, credentials: leaf() }, domain, OURS.forXmpp);
        for (let number = 0; number < 20; number++) {
          stream.send(
            `<message type="chat" from="li@${domain}" to="nora@${OURS.forXmpp}" id="m${number}"><body>${number}</body></message>`,
          );
        }
        await home.logged('message.limited', domain);
        return;
      }
      const expired = { notBefore: new Date(Date.now() - 90 * 86_400_000), notAfter: new Date(Date.now() - 86_400_000) };
      const peer = await SipPeer.connect(edge, domain, leaf(animal.before === 'expiredKnock' ? expired : {}));
      await peer.request('MESSAGE', `li@${domain}`, `juliet@${OURS.forSip}`, { lines: ['Content-Type: text/plain'], body: 'hello' });
      peer.close();
      await until('it to be noted', () => home.log().some((line) => JSON.stringify(line).includes(domain)));
    }
  });
}

/** Its records: one service, one host, one address, unless it says otherwise. */
function layOut(animal: Animal, stage: Stage, dns: DnsServer): void {
  if (animal.records !== undefined) {
    animal.records(stage);
    return;
  }
  if (animal.domain !== undefined || animal.serve === undefined) return;
  const { domain, host, address } = stage;
  dns.set(animal.protocol === 'sip' ? `_sipfederationtls._tcp.${domain}` : `_xmpp-server._tcp.${domain}`, {
    srv: [{ target: host, port: animal.protocol === 'sip' ? 5061 : 5269 }],
  });
  dns.set(host, { a: [address] });
}

function fileOf(animal: Animal): object {
  const file = { prefer: animal.protocol, allowPrivateAddresses: true, allow: { theySee: ['availability'] }, ...animal.file };
  return Object.fromEntries(Object.entries(file).filter(([, value]) => value !== undefined));
}

function shown({ animal, codes, ms }: Row): string {
  const good = codes.join() === animal.expected.join();
  return `${good ? 'right' : 'WRONG'}  ${animal.name.padEnd(16)} ${animal.how.padEnd(58)} ${codes.join(', ') || '-'}${good ? '' : ` (expected ${animal.expected.join(', ') || '-'})`} [${Math.round(ms)} ms]`;
}

/** A network whose only other address never answers: packets leave, nobody takes them. */
function openBlackHole(): void {
  for (const words of [
    ['link', 'add', 'hole0', 'type', 'veth', 'peer', 'name', 'hole1'],
    ['addr', 'add', '10.77.0.1/24', 'dev', 'hole0'],
    ['link', 'set', 'hole0', 'up'],
    ['link', 'set', 'hole1', 'up'],
    ['neigh', 'add', BLACK_HOLE, 'lladdr', '02:00:00:00:00:01', 'dev', 'hole0', 'nud', 'permanent'],
  ]) {
    const done = spawnSync('ip', words, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`ip ${words.join(' ')}: ${done.stderr}`);
  }
}
