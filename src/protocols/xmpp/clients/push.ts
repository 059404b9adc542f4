// Push services (XEP-0357): a client names one for itself, and we publish there that something waits. Of what was said nothing
// goes out, only how many messages; `pubsub#publish-options` go back to the service as the client wrote them.

import { type Address, bareKey } from '../../../model/address.ts';
import type { Clock } from '../../../model/ports.ts';
import type { PushField, PushPublisher, PushResult, PushStore, PushTarget } from '../../../model/push.ts';
import { child, type Element, element, elements, text } from '../element.ts';
import { toAddress, toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { readError } from '../replies.ts';
import type { Answered } from '../requests.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from './iq-table.ts';

/** Services of one user, and what a client may write of each. */
const MOST_TARGETS = 20;
const MAX_NODE = 1024;
const MAX_FIELDS = 20;
const MAX_FORM = 4096;
const PUBLISH_MS = 30_000;
const PUBSUB = 'http://jabber.org/protocol/pubsub';
const PUBLISH_OPTIONS = `${PUBSUB}#publish-options`;
const SUMMARY = 'urn:xmpp:push:summary';

export interface PushParts {
  readonly store: PushStore;
  readonly clock: Pick<Clock, 'now'>;
  /** Has an operator named the service (`clients.push`)? @param service its address */
  allowed(service: string): boolean;
  /** Is any service named at all? */
  readonly offered: boolean;
}

/** The row of the table of requests. */
export function pushServices(parts: PushParts): IqHandler {
  return {
    ns: NS.push,
    targets: ['account'],
    // XEP-0357 §4.1: announced only where it is of use.
    features: parts.offered ? { account: [NS.push] } : {},
    set(request) {
      switch (request.payload.name) {
        case 'enable':
          return enable(request, parts);
        case 'disable':
          return disable(request, parts);
        default:
          return refuse('bad-request', 'modify');
      }
    },
  };
}

async function enable({ asker, payload }: IqRequest, { store, clock, allowed }: PushParts): Promise<IqAnswer> {
  const { jid = '', node = '' } = payload.attrs;
  const service = toAddress(jid);
  if ('code' in service) return refuse('jid-malformed', 'modify', 'jid is the address of a push service');
  const options = readOptions(child(payload, 'x', NS.forms));
  if (node.length > MAX_NODE || options === undefined)
    return refuse('bad-request', 'modify', 'the node or the form is too large, or is none');
  if (!allowed(jid))
    return refuse('not-allowed', 'cancel', `${service.domain} is no push service that this server tells anything (clients.push)`);
  const user = bareKey(asker.user);
  const mine = await store.of(user);
  const again = mine.some((one) => one.service === jid && one.node === node);
  if (!again && mine.length >= MOST_TARGETS)
    return refuse('resource-constraint', 'wait', `at most ${MOST_TARGETS} push services; disable one first`);
  // XEP-0357 §5: the last request counts.
  await store.put(user, { service: jid, node, resource: asker.session.resource, options, failures: 0, enabledAt: clock.now() });
  return [];
}

async function disable({ asker, payload }: IqRequest, { store }: PushParts): Promise<IqAnswer> {
  const { jid, node } = payload.attrs;
  if (jid === undefined) return refuse('bad-request', 'modify', 'which push service?');
  await store.remove(bareKey(asker.user), jid, node);
  return [];
}

/** The fields without FORM_TYPE; undefined: not a form that we would send on. */
function readOptions(form: Element | undefined): readonly PushField[] | undefined {
  if (form === undefined) return [];
  const fields = elements(form).flatMap((field): PushField[] => {
    const { var: name } = field.attrs;
    if (field.name !== 'field' || field.ns !== NS.forms || name === undefined) return [];
    return [{ name, values: elements(field).flatMap((part) => (part.name === 'value' ? [text(part)] : [])) }];
  });
  const kind = fields.find(({ name }) => name === 'FORM_TYPE')?.values[0];
  if (kind !== PUBLISH_OPTIONS || fields.length > MAX_FIELDS || JSON.stringify(fields).length > MAX_FORM) return undefined;
  return fields.filter(({ name }) => name !== 'FORM_TYPE');
}

/** How a publication goes out. @param ask sends a request and waits for its answer */
export function pushPublisher(ask: (ourDomain: string, to: Address, iq: Element, withinMs: number) => Promise<Answered>): PushPublisher {
  return async (user, target, count) => {
    const [from, service] = [toJid({ local: user.local, domain: user.domain }), toAddress(target.service)];
    if (typeof from !== 'string' || 'code' in service) return { kind: 'refused', lasting: true, text: 'no address of a push service' };
    const answer = await ask(user.domain, service, publication(from, target, count), PUBLISH_MS);
    return answer.kind === 'failed' ? answer : resultOf(answer.stanza);
  };
}

function resultOf(stanza: Element): PushResult {
  if (stanza.attrs.type !== 'error') return { kind: 'taken' };
  const { condition, type, text: words } = readError(stanza);
  const said = words === undefined ? '' : ` (${words.slice(0, 120)})`;
  return { kind: 'refused', lasting: type !== 'wait', text: `the service answered ${condition}${said}` };
}

/** XEP-0357 §7. */
function publication(from: string, { service, node, options }: PushTarget, count: number): Element {
  const summary = form('result', SUMMARY, [{ name: 'message-count', values: [String(count)] }]);
  const item = element('item', PUBSUB, {}, [element('notification', NS.push, {}, [summary])]);
  const publish = element('publish', PUBSUB, { node: node === '' ? undefined : node }, [item]);
  const more = options.length === 0 ? [] : [element('publish-options', PUBSUB, {}, [form('submit', PUBLISH_OPTIONS, options)])];
  return element('iq', NS.server, { type: 'set', from, to: service }, [element('pubsub', PUBSUB, {}, [publish, ...more])]);
}

function form(type: string, kind: string, fields: readonly PushField[]): Element {
  const all = [{ name: 'FORM_TYPE', values: [kind] }, ...fields].map(({ name, values }) =>
    element(
      'field',
      NS.forms,
      { var: name, type: name === 'FORM_TYPE' ? 'hidden' : undefined },
      values.map((value) => element('value', NS.forms, {}, [value])),
    ),
  );
  return element('x', NS.forms, { type }, all);
}
