// Accounts made with an invitation, before anybody signs in (XEP-0445, XEP-0077): an invitation is shown, and with it alone a
// name and a password are taken; without one there is nothing but a refusal. Users who are signed in change their password here.

import type { SignInFrom } from '../../../../model/core.ts';
import type { Invitation, InvitationDesk } from '../../../../model/invitations.ts';
import { child, type Element, element, elements, text } from '../../element.ts';
import { iqError } from '../../iq.ts';
import { toAddress } from '../../jid.ts';
import { NS } from '../../names.ts';
import { stanzaError } from '../../replies.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';

/** Of a name or a password, characters. */
const MAX_FIELD = 1024;
const NEEDED = 'an invitation is needed; ask whoever runs this server for one';
const OVER = 'this invitation is unknown, used up or over';

/** One stream on which somebody who is invited may be. */
export interface InvitedGuest {
  /** @returns the answer to an iq with names in `jabber:server` */
  answer(request: Element): Promise<Element>;
}
export type InvitedDoor = (domain: string, from: SignInFrom) => InvitedGuest;

/** Who comes with an invitation, stream by stream. */
export function invitedDoor(desk: InvitationDesk): InvitedDoor {
  return (domain, { address }) => {
    let shown: Invitation | undefined;
    const answer = async (request: Element, payload: Element): Promise<IqAnswer> => {
      if (payload.ns === NS.preAuth) {
        if (payload.name !== 'preauth' || request.attrs.type !== 'set') return refuse('bad-request', 'modify');
        const found = await desk.look(payload.attrs.token ?? '', address);
        shown = found?.domain === domain ? found : undefined;
        // XEP-0445 §5.
        return shown === undefined ? refuse('item-not-found', 'cancel', OVER) : [];
      }
      if (child(payload, 'remove', NS.register) !== undefined) return refuse('not-allowed', 'cancel');
      if (shown === undefined) return refuse('forbidden', 'auth', NEEDED);
      if (request.attrs.type === 'get') return [form(shown)];
      const [name, password] = [field(payload, 'username'), field(payload, 'password')];
      if (name === undefined || password === undefined) return refuse('not-acceptable', 'modify', 'a name and a password are needed');
      const wished = localOf(name, domain);
      if (wished === undefined) return refuse('not-acceptable', 'modify', 'no account can have that name');
      const joined = await desk.join(shown, wished, password, address);
      if (joined.ok) shown = undefined;
      else if (joined.about === 'name') return refuse('conflict', 'cancel', joined.text);
      else if (joined.about === 'password') return refuse('not-acceptable', 'modify', joined.text);
      else return refuse('item-not-found', 'cancel', joined.text);
      return [];
    };
    return {
      async answer(request) {
        const [payload] = elements(request);
        const { id, type } = request.attrs;
        if (payload === undefined || id === undefined || (type !== 'get' && type !== 'set'))
          return iqError(request, stanzaError('bad-request', 'modify'));
        const said = await answer(request, payload);
        if ('error' in said) return iqError({ ...request, attrs: { ...request.attrs, to: domain } }, said.error);
        return element('iq', NS.server, { type: 'result', from: domain, id }, said);
      },
    };
  };
}

/** XEP-0077 §3.1: what is wanted. */
function form({ address }: Invitation): Element {
  const name = address === undefined ? [] : [address.slice(0, address.lastIndexOf('@'))];
  const words = address === undefined ? 'Choose a name and a password.' : 'Choose a password.';
  return element('query', NS.register, {}, [
    element('instructions', NS.register, {}, [words]),
    element('username', NS.register, {}, name),
    element('password', NS.register),
  ]);
}

/** RFC 7622 §3.3; undefined: it can be nobody's. */
function localOf(name: string, domain: string): string | undefined {
  const address = /[@/]/.test(name) ? undefined : toAddress(`${name}@${domain}`);
  return address === undefined || 'code' in address || address.local === '' ? undefined : address.local;
}

function field(query: Element, name: string): string | undefined {
  const found = child(query, name, NS.register);
  const value = found === undefined ? '' : text(found);
  return value === '' || value.length > MAX_FIELD ? undefined : value;
}

/** XEP-0077 §3.2 and §3.3 for users who are signed in: the password may change, the account is not theirs to remove. */
export function ownAccount(desk: InvitationDesk): IqHandler {
  return {
    ns: NS.register,
    targets: ['account', 'server'],
    features: { server: [NS.register] },
    get: ({ asker }) => [
      element('query', NS.register, {}, [
        element('registered', NS.register),
        element('username', NS.register, {}, [asker.user.local]),
        element('password', NS.register),
      ]),
    ],
    set: (request) => change(request, desk),
  };
}

async function change({ asker, payload }: IqRequest, desk: InvitationDesk): Promise<IqAnswer> {
  if (child(payload, 'remove', NS.register) !== undefined)
    return refuse('not-allowed', 'cancel', 'accounts are removed by whoever runs this server');
  const [name, password] = [field(payload, 'username'), field(payload, 'password')];
  if (name === undefined || password === undefined) return refuse('bad-request', 'modify', 'a name and a password are needed');
  // XEP-0077 §3.3: the own account only.
  if (localOf(name, asker.user.domain) !== asker.user.local) return refuse('not-allowed', 'cancel', 'that is not your account');
  const wrong = await desk.change(asker.user, password);
  if (wrong === undefined) return [];
  return wrong.kind === 'elsewhere' ? refuse('not-allowed', 'cancel', wrong.text) : refuse('not-acceptable', 'modify', wrong.text);
}
