// One running edge, put together from its parts; read top to bottom. Nothing here decides anything: stores, edge, shores and
// neck are made, tied to each other, and opened in an order in which nothing is accepted that could not be kept.

import packageJson from '../../package.json' with { type: 'json' };
import { movesOf } from '../core/people/moving.ts';
import { makeIds } from '../edge/ids.ts';
import type { Listener } from '../edge/listener.ts';
import { PassportBook } from '../edge/passport-book.ts';
import { systemClock } from '../edge/system-clock.ts';
import { type Log, observed } from '../log.ts';
import { bareKey } from '../model/address.ts';
import type { PresenceDenied } from '../model/event.ts';
import { isDurable } from '../model/outbox-store.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Gateway } from '../model/ports.ts';
import { makeTraces } from '../monitoring/trace/traces.ts';
import { lastBackupAt } from '../ops/backup/last.ts';
import type { Live } from '../ops/live.ts';
import type { Ready } from '../ops/start.ts';
import { FirstContact } from '../outbox/first-contact.ts';
import { Outbox } from '../outbox/outbox.ts';
import { Presence } from '../presence/presence.ts';
import { Discovered } from '../routing/discovered.ts';
import { Dispatch } from '../routing/dispatch.ts';
import { EvenAnswers } from '../routing/even-answers.ts';
import { Limits } from '../routing/limits.ts';
import { partnerOf } from '../routing/partner.ts';
import { blockedAddress } from '../routing/rules.ts';
import { detailsFor } from '../routing/way.ts';
import { openStore, type Store } from '../store/store.ts';
import { openAdmin } from './admin/admin.ts';
import { archiveRoom } from './archive.ts';
import { coreRoom } from './core.ts';
import { drain } from './drain.ts';
import { makeEdge, openListeners } from './edge.ts';
import { watchExpiry } from './expiry.ts';
import { passFence } from './fence.ts';
import { borderFilter } from './filter.ts';
import { homeJournal } from './journal.ts';
import { startMonitoring, Watchers } from './monitoring.ts';
import { partnerRoom } from './partner-test/room.ts';
import { watchPeerTries } from './peer-tries.ts';
import { CorePeople, followMoves } from './people/core-people.ts';
import { watchDirectory } from './people/directory.ts';
import { keepHouse, type Reloads, tellFaults, watchCertificates } from './reload.ts';
import { makeRenewals } from './renewal.ts';
import { Rules } from './rules.ts';
import { secretOf } from './secrets.ts';
import { makeSight } from './sight.ts';
import { sipShore } from './sip.ts';
import { endUnwelcome } from './welcome.ts';
import { xmppShore } from './xmpp.ts';

/** For what is on its way at the end, ms. */
const GRACE_MS = 10_000;
/** After the end of everything else, calls of the API get so long to be answered, ms. */
const ANSWER_MS = 2000;

/** A running edge. */
export interface Running {
  readonly store: Store;
  readonly live: Live;
  /** The ports that are really open, in the order of the home's listeners. */
  readonly ports: readonly number[];
  /** Reads routes/ again and takes the set if it is good. */
  reload(): boolean;
  /** Stops accepting, lets what is on its way finish for at most `graceMs`, and closes. What waits is on disk. */
  drain(graceMs?: number): Promise<void>;
  /** Resolves when somebody asked over the admin socket for the end, which has begun then. */
  readonly asked: Promise<void>;
}

/** Opens everything. Rejects when a part cannot be opened; then nothing stays open. */
export async function start(ready: Ready, written: Log): Promise<Running> {
  const { home } = ready;
  const eyes = new Watchers();
  const log = observed(written, [eyes.watch]);
  const clock = systemClock;
  const ids = makeIds(clock);
  const rules = new Rules(ready, clock, log, () => {
    outbox.routesChanged();
    void presence.policyChanged();
    xmpp.routesChanged();
    endUnwelcome(parts.edge.sessions, table(), clock.now(), log);
    core.rulesChanged();
    renewing.reloaded();
  });
  const { table } = rules;

  // --- what is durable ---
  const fence = passFence(home.data, ready.takeover === true, clock, log);
  const store = openStore({ folder: home.data, clock, mode: 'own' });
  eyes.add(watchPeerTries(store.peerTries, clock));
  await fence.begin();
  for (const remark of store.remarks) log.warn({ event: 'store.remark', what: remark.what }, remark.text);
  rules.prepare();

  // --- the edge: who is there, and the way out ---
  const passports = new PassportBook({ store: store.passports, clock, log });
  const parts = makeEdge(home, table, clock, ids, { log, passports });
  const faults = [...parts.own.faults, ...parts.trust.faults];
  tellFaults(faults, log);
  const broken = faults.filter((fault) => fault.level === 'error');
  if (broken.length > 0) {
    store.close();
    throw new Error(broken.map((fault) => `${fault.file}: ${fault.text}`).join('\n'));
  }

  // --- the neck: decide, keep, send ---
  const corePeople = new CorePeople({ people: store.people, table, clock, log });
  const gateways = new Map<Gateway['network'], Gateway>();
  const archive = archiveRoom({ home: rules.home, table, store, clock, log });
  const dispatch = new Dispatch({
    table,
    clock,
    log,
    gateways,
    limits: new Limits(clock),
    requests: store.requests,
    discovered: new Discovered(store.discovered, clock, table),
    decisions: store.decisions,
    sentIds: store.sentIds,
    hold: (event) => firstContact.hold(event),
    people: corePeople,
    reachedAt: (to, from) => core.reachedAt(to, from),
    capture: archive.capture,
    filter: borderFilter({ home, clock, log, ...parts, requests: store.requests }),
  });
  const outbox = new Outbox({
    store: store.outbox,
    serviceClock: store.serviceClock,
    clock,
    ids,
    log,
    resolve: (event) => dispatch.resolve(event),
    queuedMs: () => home.retention.queuedMs,
    endedLate: (event, outcome) => dispatch.endedLate(event, outcome),
  });
  const presence = new Presence({
    store: store.authorizations,
    clock,
    ids,
    log,
    deliver: (event, lastWord) => dispatch.deliver(event, lastWord),
    enqueue: (event) => (isDurable(event) ? dispatch.enqueue(event) : dispatch.deliver(event)),
    isOurs: (domain) => table().domains.has(domain),
    details: (presentity, watcher) => detailsFor(presentity, watcher, table(), clock.now()),
    idleWatcherDays: (watcher) => partnerOf(watcher.domain, table())?.idleWatcherDays ?? 7,
  });
  dispatch.connect(outbox, presence);
  const { requests } = store;
  const deny = (denial: PresenceDenied): Promise<Outcome> => dispatch.enqueue(denial);
  const firstContact = new FirstContact({ store: requests, clock, ids, log, submit: dispatch.submit, deny });

  // --- the shores ---
  const even = new EvenAnswers({ clock, random: Math.random });
  const common = {
    home,
    table,
    clock,
    ids,
    log,
    store,
    ...parts,
    submit: even.around(dispatch.submit),
    noteRefusal: dispatch.noteRefusal,
    partnerSeen: (domain: string) => outbox.partnerConnected(domain),
  };
  const sip = sipShore(common);
  const xmpp = await xmppShore({
    ...common,
    secret: (name) => secretOf(home.dir, name),
    // DESIGN 7: a user of ours is shown only to who has an authorization or a conversation with them.
    visible: async (asker, user) => (await store.requests.knows(bareKey(user), bareKey(asker))) || (await presence.related(asker, user)),
  });
  const refuses = (address: string): boolean => blockedAddress(table().policy, address, clock.now());
  const core = await coreRoom({
    ...common,
    with: { capture: archive.capture },
    ask: xmpp.ask,
    people: corePeople,
    refuses,
    inForce: rules.home,
    version: packageJson.version,
  });
  gateways.set('sip', sip.gateway).set('xmpp', even.watched(xmpp.gateway)).set('core', core.gateway);

  const renewing = makeRenewals({ ready, table, clock, log, web: parts.web, trust: parts.trust });

  // --- eyes: before anything moves ---
  const { version } = packageJson;
  const { sessions } = parts.edge;
  let notReady: string | undefined = 'starting';
  const journal = homeJournal({ home: rules.home, store, clock, log });
  const seen = { home, archive, journal, version, clock, log, watchers: eyes, table, store, outbox, sessions, ...parts };
  const monitoring = await startMonitoring({ ...seen, lastBackup: () => lastBackupAt(home.data), notReady: () => notReady }).catch(
    (error: unknown) => {
      store.close();
      throw error;
    },
  );
  const { health, alerts } = monitoring;

  // --- open: the road out first, then what waits on disk, then the doors ---
  await sip.restore();
  await outbox.start();
  await presence.resume();
  firstContact.start();
  await journal.start();
  await corePeople.begin(followMoves({ core, presence, moves: movesOf(store, clock), table, log }));
  const everything = { log, firstContact, outbox, presence, store, shores: [core, sip, xmpp, journal] };
  const opened: { listeners: readonly Listener[]; watchers: readonly Reloads[] } = { listeners: [], watchers: [] };
  let closing: Promise<void> | undefined;
  const closeAll = (graceMs: number, say?: (line: string) => void): Promise<void> => {
    notReady = 'draining';
    const renewalsEnd = renewing.close();
    return (closing ??= drain({ ...everything, ...opened }, graceMs, say)
      .then(() => monitoring.stop())
      .then(() => fence.mark())
      .then(() => renewalsEnd));
  };
  const failed = async (error: unknown): Promise<never> => {
    await closeAll(0);
    throw error;
  };
  const doors = { sip: sip.accept, xmpp: xmpp.accept, component: xmpp.acceptComponent, refuses };
  opened.listeners = await openListeners(home, parts.edge, doors, log).catch(failed);
  opened.listeners = [...opened.listeners, ...(await core.open().catch(failed))];
  opened.watchers = [
    passports,
    watchCertificates({ home, own: parts.own, trust: parts.trust, clock, log }),
    rules.watch(home, clock),
    { stop: () => corePeople.stop() },
    watchDirectory({ home: rules.home, table, store, clock, log, groupsChanged: (groups) => rules.groupsChanged(groups) }),
    keepHouse(home, store, clock, log),
    archive.watch(),
    watchExpiry({ dir: home.dir, own: parts.own, passports: store.passports, clock, log }),
  ];
  // --- operation: last to open and last to close ---
  const asked = Promise.withResolvers<void>();
  const ended: Live['drain'] = async (say) => {
    const done = closeAll(GRACE_MS, say);
    asked.resolve();
    await done;
    return { waiting: outbox.stats().rows };
  };
  opened.watchers = [...opened.watchers, fence.watch(() => void ended(() => {}))];
  const live: Live = {
    startedAt: clock.now(),
    version,
    home,
    table,
    sessions,
    rules: rules.desk,
    health,
    queue: outbox.desk,
    sight: makeSight({
      lastBackupAt: () => lastBackupAt(home.data),
      sessions,
      outbox,
      store,
      presence,
      clock,
      certificates: monitoring.certificates,
      listeners: () => opened.listeners,
    }),
    traces: makeTraces({ sessions, clock }),
    renewals: renewing.renewals,
    partners: partnerRoom({ ...common, edge: parts, sessions, ledger: store.ledger, ...xmpp }),
    alerts: () => alerts.standing,
    journal: () => journal.state(),
    clients: core.clients,
    erased: core.erased,
    peopleChanged: core.peopleChanged,
    states: core.states,
    archive: archive.sight,
    drain: ended,
  };
  const admin = await openAdmin({
    live,
    records: store,
    people: store,
    clock,
    log,
    own: parts.own,
    web: parts.web,
    home: rules.home,
    load: () => ready.reload(table().generation),
  }).catch(failed);
  archive.onPurge = (changes) => void admin.note('archive purge', 0, changes);
  rules.onReload = (by, taken) => void admin.note('reload', taken ? 0 : 1, `by ${by}`);
  renewing.start();
  rules.begin();
  notReady = undefined;
  return {
    store,
    live,
    ports: opened.listeners.map((listener) => listener.port),
    reload: () => rules.reload(),
    asked: asked.promise,
    drain: async (graceMs = GRACE_MS) => {
      await closeAll(graceMs);
      await admin.close(ANSWER_MS);
    },
  };
}
