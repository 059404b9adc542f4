// Personal data against a real core on a real store, without sockets: clients that ask, and write down what they are sent.

import assert from 'node:assert/strict';
import { SILENT } from '../../../../../src/log.ts';
import { type Address, bareKey, sameBare, show } from '../../../../../src/model/address.ts';
import type { Level } from '../../../../../src/model/core.ts';
import type { ListEntry } from '../../../../../src/model/core-stores.ts';
import { discovery, serverCaps } from '../../../../../src/protocols/xmpp/clients/handlers.ts';
import { type Asker, IqTable } from '../../../../../src/protocols/xmpp/clients/iq-table.ts';
import { CLIENT_SETTINGS } from '../../../../../src/protocols/xmpp/clients/limits.ts';
import { capsVersion } from '../../../../../src/protocols/xmpp/clients/personal/caps.ts';
import type { NodeLimits } from '../../../../../src/protocols/xmpp/clients/personal/nodes.ts';
import { makePersonal, type Personal } from '../../../../../src/protocols/xmpp/clients/personal/personal.ts';
import { child, type Element, elements, text } from '../../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../../src/protocols/xmpp/names.ts';
import { parseElement } from '../../../../../src/protocols/xmpp/parse.ts';
import { printElement } from '../../../../../src/protocols/xmpp/print.ts';
import { type CoreWorld, coreWorld, HERE, nora } from '../../../../core/world.ts';
import { countingIds } from '../../../../outbox/events.ts';

export const PUBSUB = `xmlns='${NS.pubsub}'`;

/** One client. */
export interface Screen extends Asker {
  /** Everything it was sent, questions about itself left out. */
  readonly got: Element[];
  /** How often it was asked what it can do. */
  asked: number;
  /** Presence as it went on, with the hash of the picture. */
  presence(notify: readonly string[], type?: 'unavailable'): Promise<Element>;
  /** @returns the answer's payload, or the words of the error: `forbidden`, `conflict precondition-not-met` */
  ask(type: 'get' | 'set', xml: string, to?: Address): Promise<Element | string>;
  publish(node: string, payload: string, more?: { id?: string; options?: Readonly<Record<string, string>> }): Promise<Element | string>;
  items(owner: Address, node: string): Promise<Element | string>;
  /** `node id` of every event, `node -id` of what was retracted. */
  events(): string[];
}

export interface PersonalWorld extends AsyncDisposable {
  readonly core: CoreWorld;
  readonly personal: Personal;
  /** What the features of a stream say of the server. */
  readonly caps: Element;
  screen(user: Address, resource?: string): Promise<Screen>;
  /** What `user` has in their list of somebody. */
  entry(user: Address, other: Address, more: Partial<ListEntry>): Promise<void>;
  /** A client of somebody whom nora has in her list like this, for as long as it is used. */
  at(other: Address, more: Partial<ListEntry>): Promise<AsyncDisposable & { readonly screen: Screen }>;
  /** The core has noticed that somebody is described otherwise. */
  changed(user: Address): void;
  settle(): Promise<void>;
}

export async function personalWorld(limits: Partial<NodeLimits> = {}): Promise<PersonalWorld> {
  const core = await coreWorld();
  const { people, personal: store, contacts } = core.temp.store;
  const screens: Screen[] = [];
  let hear: (user: Address) => void = () => {};
  const personal = makePersonal({
    ...{ store, people, limits, core: core.core },
    onChange: (hearing) => (hear = hearing),
    clock: core.temp.clock,
    ids: countingIds(),
    log: SILENT,
    clientsOf: (user) => screens.filter((screen) => sameBare(screen.user, user)),
  });
  const table = new IqTable((made) => [...discovery(made), ...personal.handlers]);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 6; i += 1) {
      await core.settle();
      await new Promise((turn) => setImmediate(turn));
    }
  };
  let version = 1;
  const world: PersonalWorld = {
    core,
    personal,
    caps: serverCaps(table),
    settle,
    changed: (user) => hear(user),
    async entry(user, other, more) {
      const entry: ListEntry = {
        ...{ address: bareKey(other), groups: [], sees: false, seen: false, asked: false, asks: false, approved: false },
        ...{ listed: true, favourite: false },
        ...more,
      };
      version += 1;
      await contacts.write([{ owner: bareKey(user), address: bareKey(other), entry, wasListed: false, version }]);
    },
    async screen(user, resource = 'desk') {
      const { session } = await core.client(user, resource);
      const jid = show({ ...user, resource });
      let features: readonly string[] = [];
      const info = (): string => features.map((feature) => `<feature var='${feature}+notify'/>`).join('');
      const made: Screen = {
        ...{ user, jid, session, carbons: false, interested: false, got: [], asked: 0 },
        push: () => {},
        siblings: () => screens.filter((other) => sameBare(other.user, user)),
        send(line) {
          const stanza = read(line);
          if (child(stanza, 'query', NS.discoInfo) === undefined) {
            made.got.push(stanza);
            return;
          }
          made.asked += 1;
          const { id, from } = stanza.attrs;
          const answer = `<iq type='result' id='${id}' to='${from}'><query xmlns='${NS.discoInfo}'>${info()}</query></iq>`;
          setImmediate(() => personal.answered(made, read(answer)));
        },
        async presence(notify, type) {
          features = notify;
          const ver = capsVersion(read(`<query xmlns='${NS.discoInfo}'>${info()}</query>`), 'sha-1');
          const c = `<c xmlns='${NS.caps}' hash='sha-1' node='urn:test' ver='${ver}'/>`;
          const raw = read(`<presence${type === undefined ? '' : ` type='${type}'`}>${type === undefined ? c : ''}</presence>`);
          const pictured = await personal.withPicture(made, raw);
          personal.presented(made, pictured, (change) => void made.got.push(read(change(printElement(pictured)))));
          await settle();
          return pictured;
        },
        async ask(type, xml, to = user) {
          const stanza = read(`<iq type='${type}' id='q' from='${jid}'>${xml}</iq>`);
          const target = to.local === '' ? 'server' : sameBare(to, user) ? 'account' : 'user';
          const answer = await table.answer({ asker: made, type, stanza, target, to });
          await settle();
          const [payload] = elements(answer);
          if (answer.attrs.type !== 'error') return payload ?? answer;
          return elements(payload!) // every error has its element
            .filter(({ name }) => name !== 'text')
            .map(({ name }) => name)
            .join(' ');
        },
        publish(node, payload, { id, options } = {}) {
          const item = `<item${id === undefined ? '' : ` id='${id}'`}>${payload}</item>`;
          const fields = Object.entries(options ?? {}).map(
            ([name, value]) => `<field var='pubsub#${name}'><value>${value}</value></field>`,
          );
          const form = options && `<publish-options><x xmlns='${NS.forms}' type='submit'>${fields.join('')}</x></publish-options>`;
          return made.ask('set', `<pubsub ${PUBSUB}><publish node='${node}'>${item}</publish>${form ?? ''}</pubsub>`);
        },
        items: (owner, node) => made.ask('get', `<pubsub ${PUBSUB}><items node='${node}'/></pubsub>`, owner),
        events: () =>
          made.got.flatMap((stanza) => {
            const event = child(stanza, 'event', NS.pubsubEvent);
            const [inner] = event === undefined ? [] : elements(event);
            if (inner === undefined) return [];
            if (inner.name !== 'items') return [`${inner.attrs.node} ${inner.name}`];
            return elements(inner).map(({ name, attrs }) => `${inner.attrs.node} ${name === 'retract' ? '-' : ''}${attrs.id}`);
          }),
      };
      screens.push(made);
      return made;
    },
    async at(other, more) {
      const screen = await world.screen(other, `as-${version}`);
      const { level: wanted, ...entry } = more;
      const mine = await core.client(nora, `list-${version}`);
      const { address, groups } = { address: other, groups: entry.groups ?? [] };
      await mine.session.putContact({ address, groups, level: wanted ?? null });
      return {
        screen,
        async [Symbol.asyncDispose]() {
          screen.session.close();
          mine.session.close();
          await settle();
        },
      };
    },
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  };
  return world;
}

export function read(xml: string): Element {
  const found = parseElement(xml, NS.server, CLIENT_SETTINGS.after);
  assert.ok(found !== undefined, xml.slice(0, 500));
  return found;
}

/** Ids of an answer to `items`. */
export function idsOf(answer: Element | string): string[] {
  if (typeof answer === 'string') return [answer];
  const [items] = elements(answer);
  return items === undefined ? [] : elements(items).map(({ attrs }) => attrs.id ?? '');
}

/** The text of the first element on a path of names. */
export function at(answer: Element | string | undefined, ...path: readonly string[]): string | undefined {
  if (answer === undefined || typeof answer === 'string') return answer;
  const [name, ...rest] = path;
  if (name === undefined) return text(answer);
  return at(
    elements(answer).find((one) => one.name === name),
    ...rest,
  );
}

export const server: Address = { local: '', domain: HERE };
export const level = (of: Level): { readonly level: Level } => ({ level: of });
