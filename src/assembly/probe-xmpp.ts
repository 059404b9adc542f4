// The rungs above TCP for XMPP: a stream to the partner as the shore opens it, with STARTTLS or direct TLS, identity and
// authentication; closed again as soon as it is open.

import { systemClock } from '../edge/system-clock.ts';
import { SILENT } from '../log.ts';
import type { Link } from '../model/ports.ts';
import type { Climber, Rung } from '../ops/partner-test/ports.ts';
import { connectTargets } from '../protocols/xmpp/dial.ts';
import { locate } from '../protocols/xmpp/locate.ts';
import { StreamOut } from '../protocols/xmpp/stream-out.ts';
import { type Wire, XMPP_SETTINGS } from '../protocols/xmpp/wire.ts';
import { failedWith, type ProbeParts, proofWords, tcpOnly, tlsWords } from './probe-rungs.ts';

/** So long the partner has to close its side, ms. */
const GOODBYE_MS = 500;

/** The XMPP ladder toward the partner of `parts`. */
export function xmppClimber(parts: ProbeParts): Climber {
  const hop = parts.hop('xmpp');
  const { ourDomain, theirDomain } = hop;
  const { partner } = parts;
  // The resolver has just been asked; this only reads what it remembers.
  const hasSrv = async (): Promise<boolean> => {
    const names = [`_xmpp-server._tcp.${theirDomain}`, `_xmpps-server._tcp.${theirDomain}`];
    const answers = await Promise.all(names.map((name) => parts.resolver.srv(name)));
    return answers.some((answer) => answer.kind === 'records');
  };
  return {
    protocol: 'xmpp',
    async locate() {
      const located = await locate(theirDomain, partner, parts.resolver, Math.random);
      if (located.kind === 'failed') return located;
      const found = partner.xmpp.hosts.length > 0 ? "the partner's file" : (await hasSrv()) ? 'SRV' : 'no SRV record: the domain itself';
      return { kind: 'targets', targets: located.targets.map((target) => ({ ...target, found })) };
    },
    tcp: (target, signal) => tcpOnly(parts, 'xmpp', target, signal),
    async above(target, signal) {
      const started = performance.now();
      const passed = () => Math.round(performance.now() - started);
      const { first, upgraded } = connectTargets({ ourDomain, theirDomain }, partner, target);
      let link: Link;
      try {
        link = await parts.connector.connect(first, signal);
      } catch (error) {
        const why = failedWith(error);
        return [{ name: 'tls', ok: false, says: why.text, ms: passed(), reason: why }];
      }
      const stream = new StreamOut(wireOf(parts), link, {
        ourDomain,
        theirDomain,
        dialback: partner.xmpp.proof === 'dialback',
        bidi: false,
        upgrade: (plain) => parts.upgrade.asClient(plain, upgraded),
      });
      signal.addEventListener('abort', () => stream.close(), { once: true });
      const result = await stream.result;
      const rungs: Rung[] = [];
      const add = (name: Rung['name'], says: string) => rungs.push({ name, ok: true, says, ms: passed() });
      const reached = result.kind === 'failed' ? result.reached : 'open';
      // A stream that broke before TLS has no TLS to tell about.
      if (stream.link.secure && reached !== 'tls') add('tls', tlsWords(stream.link));
      if (stream.link.secure && (reached === 'stream' || reached === 'open')) {
        const proof = await stream.link.peer.proves(theirDomain, 'xmpp');
        add('identity', (proof.proven ? proofWords(proof.how) : undefined) ?? 'unproven; dialback is accepted');
      }
      if (result.kind === 'failed') {
        const name = reached === 'tls' || !stream.link.secure ? 'tls' : reached === 'identity' ? 'identity' : 'stream';
        rungs.push({ name, ok: false, says: result.reason.text, ms: passed(), reason: result.reason });
      } else {
        add('stream', `open, and we are accepted (${stream.provenBy === 'dialback' ? 'dialback' : 'SASL EXTERNAL'})`);
      }
      stream.close();
      // A peer that refused us may keep its side open for long; the report does not wait for it.
      systemClock.after(GOODBYE_MS, () => stream.link.socket.destroy());
      return rungs;
    },
  };
}

/** A wire that only opens streams: nothing arrives over it that would be acted on. */
function wireOf(parts: ProbeParts): Wire {
  return {
    clock: systemClock,
    ids: parts.ids,
    log: SILENT,
    connector: parts.connector,
    tlsUpgrade: parts.upgrade,
    resolver: parts.resolver,
    table: parts.table,
    // A partner that answers with dialback asks the running process; its secret is not ours to know.
    dialbackSecret: parts.ids.token(32),
    secret: () => '',
    random: Math.random,
    settings: XMPP_SETTINGS,
    onStanza() {},
    pingAnswered: () => false,
    roadBack: () => undefined,
    reply() {},
    verifyKey: async () => ({ is: 'error', error: 'remote-server-not-found' }),
  };
}
