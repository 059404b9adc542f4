// What every client may ask of its account and of our domain: disco (XEP-0030), ping (XEP-0199), version (XEP-0092), time
// (XEP-0202), copies (XEP-0280), the session of old clients. Other rooms add their rows where the table is made (clients.ts).

import type { Clock } from '../../../model/ports.ts';
import { type Element, element } from '../element.ts';
import { NS } from '../names.ts';
import { type IqAnswer, type IqHandler, type IqRequest, type IqTable, refuse, type Target } from './iq-table.ts';
import { capsVersion } from './personal/caps.ts';

const EVERY: readonly Target[] = ['account', 'server', 'user', 'directory', 'upload'];

const IDENTITIES: Readonly<Record<Target, Readonly<Record<string, string>>>> = {
  server: { category: 'server', type: 'im', name: 'Isthmus' },
  account: { category: 'account', type: 'registered' },
  user: { category: 'account', type: 'registered' },
  directory: { category: 'directory', type: 'user', name: 'People' },
  upload: { category: 'store', type: 'file', name: 'Shared files' },
};

export function discovery(table: IqTable): readonly IqHandler[] {
  return [
    {
      ns: NS.discoInfo,
      targets: EVERY,
      get: (request) => known(request, () => info(table, request)),
    },
    {
      ns: NS.discoItems,
      targets: EVERY,
      get: (request) =>
        known(
          request,
          async () => (await table.node(request, 'items')) ?? [element('query', NS.discoItems, { node: request.payload.attrs.node })],
        ),
    },
  ];
}

/** DESIGN 7: of another user only their contacts learn anything. */
async function known(request: IqRequest, answer: () => Promise<IqAnswer>): Promise<IqAnswer> {
  if (request.target !== 'user') return answer();
  const { contacts } = await request.asker.session.contacts();
  const { local, domain } = request.to;
  const contact = contacts.find(({ address }) => address.local === local && address.domain === domain);
  const sees = contact?.subscription === 'to' || contact?.subscription === 'both';
  return sees ? answer() : refuse('service-unavailable', 'cancel');
}

async function info(table: IqTable, request: IqRequest): Promise<IqAnswer> {
  const { target, payload } = request;
  // XEP-0115 §6.3: what our mark in the stream's features stands for.
  if (target === 'server' && payload.attrs.node === `${CAPS_NODE}#${serverCaps(table).attrs.ver ?? ''}`)
    return [element('query', NS.discoInfo, { node: payload.attrs.node }, whatIs(table, target))];
  // XEP-0030 §3.2: a node that does not exist.
  if (payload.attrs.node !== undefined) return (await table.node(request, 'info')) ?? refuse('item-not-found', 'cancel');
  return [element('query', NS.discoInfo, {}, whatIs(table, target))];
}

/** A name for this program, which no other has (XEP-0115 §4). */
const CAPS_NODE = 'urn:isthmus:server';

/** What our domain can do, in one hash, for the features of a stream (XEP-0115 §6.3). */
export function serverCaps(table: IqTable): Element {
  const ver = capsVersion(element('query', NS.discoInfo, {}, whatIs(table, 'server')), 'sha-1');
  return element('c', NS.caps, { hash: 'sha-1', node: CAPS_NODE, ver });
}

/** Identities, features and forms of one target. */
function whatIs(table: IqTable, target: Target): readonly Element[] {
  const identities = [IDENTITIES[target], ...table.identities(target)].map((attrs) => element('identity', NS.discoInfo, attrs));
  const features = table.features(target).map((name) => element('feature', NS.discoInfo, { var: name }));
  return [...identities, ...features, ...table.forms(target)];
}

/** The rest. @param version of this program */
export function basics(clock: Pick<Clock, 'now'>, version: string): readonly IqHandler[] {
  return [
    { ns: NS.ping, targets: ['account', 'server'], get: () => [] },
    {
      ns: NS.version,
      targets: ['server'],
      get: () => [
        element('query', NS.version, {}, [element('name', NS.version, {}, ['Isthmus']), element('version', NS.version, {}, [version])]),
      ],
    },
    {
      ns: NS.time,
      targets: ['server'],
      get: () => [time(clock.now())],
    },
    {
      ns: NS.carbons,
      targets: ['account'],
      features: { account: [NS.carbons], server: [NS.carbons] },
      set({ asker, payload }) {
        if (payload.name !== 'enable' && payload.name !== 'disable') return refuse('bad-request', 'modify');
        asker.carbons = payload.name === 'enable';
        return [];
      },
    },
    { ns: NS.session, targets: ['account', 'server'], features: {}, set: () => [] },
  ];
}

function time(now: number): Element {
  const utc = new Date(now).toISOString().replace(/\.\d+/, '');
  return element('time', NS.time, {}, [element('tzo', NS.time, {}, ['+00:00']), element('utc', NS.time, {}, [utc])]);
}
