// Certificates under traffic: ours is replaced again and again (F9), the partner's runs out (F10).

import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { count, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld, PARTNER } from '../world.ts';

/** The watcher of certs/ lets an editor finish: src/assembly/reload.ts. */
const USED_WITHIN_MS = 1000;

export async function F9(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, replaced, pairs] = scale === 'full' ? [10_000, 50, 50] : [300, 4, 15];
  await using world = await FaultWorld.open();
  await world.bothWays(pairs, pairs);
  const before = { sip: world.sip.shown.length, streams: world.partner.streams };
  // The load goes on the connections that are open; they must stay.
  const load = world.bothWays(messages, pairs, { from: 10 });
  const used: number[] = [];
  let failed = 0;
  for (let round = 0; round < replaced; round += 1) {
    const fresh = world.ownCertificate();
    const serial = new X509Certificate(fresh.certPem).serialNumber;
    world.home.certificate('edge', fresh);
    const written = performance.now();
    for (;;) {
      const shown = await world.probeInside();
      if (shown === undefined) failed += 1;
      if (shown === serial || performance.now() - written > 10_000) break;
      await pause(20);
    }
    used.push(performance.now() - written);
  }
  await load;
  await world.settled();
  const torn = world.sip.shown.length - before.sip + (world.partner.streams - before.streams);
  // And what we show as a client, on a new connection.
  world.proxies.toPartner.reset();
  await world.fromSip(1, 1, { from: 100_000 });
  await world.settled();
  const latest = new X509Certificate(world.lastOwn.certPem).serialNumber;
  const shownOut = world.partner.shown.includes(latest);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F9',
    fault: `our certificate is replaced ${replaced} times under traffic`,
    load: `${messages} messages, ${pairs} pairs, both ways`,
    recoveryMs: Math.max(...used),
    goals: [
      ...promise(tally),
      count('sessions dropped', torn, torn === 0),
      count('handshakes failed', failed, failed === 0),
      count('the last one is shown to the partner on a new stream', shownOut, shownOut),
      time('new one used after it was written, the longest', Math.max(...used), USED_WITHIN_MS),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F10(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, lifeMs, pairs] = scale === 'full' ? [1000, 6000, 25] : [100, 3000, 10];
  const dies = Date.now() + lifeMs + 2500;
  await using world = await FaultWorld.open({
    partnerCertificate: (ca) => ca.issue({ names: [PARTNER], notAfter: new Date(dies) }),
  });
  await world.fromSip(pairs, pairs);
  await world.settled();
  const mark = world.isthmus.logSize();
  await pause(Math.max(0, dies + 1100 - Date.now())); // certificates count whole seconds
  // The session that is open goes on; a new one is refused, and the queue holds.
  await world.fromSip(pairs, pairs, { from: 1 });
  await world.settled();
  const kept = world.ledger.open === 0;
  const expired = performance.now();
  world.proxies.toPartner.reset();
  await world.fromSip(messages, pairs, { from: 10 });
  const shown = await world
    .waitForLog('outbox.waits', mark, (line) => line.code === 'CERT_PEER_EXPIRED')
    .then(
      () => performance.now() - expired,
      () => Number.NaN,
    );
  const held = world.ledger.open;
  world.partner.credentials = world.ca.issue({ names: [PARTNER] });
  const renewed = performance.now();
  await world.settled(60_000);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F10',
    fault: "the partner's certificate expires",
    load: `${messages} messages, ${pairs} pairs, SIP to XMPP`,
    recoveryMs: world.ledger.firstArrivalAfter(renewed),
    goals: [
      ...promise(tally),
      count('the session that was open is kept', kept, kept),
      count('the queue holds', held, held === messages),
      count('CERT_PEER_EXPIRED is shown', !Number.isNaN(shown), !Number.isNaN(shown)),
      time('CERT_PEER_EXPIRED shown within', shown, 5000),
    ],
    tookMs: performance.now() - began,
  };
}
