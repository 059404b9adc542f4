// The contact list (RFC 6121 §2, versioned as in §2.6) and the block list (XEP-0191) of a client.

import { type Address, bare, sameBare } from '../../../model/address.ts';
import type { Contact } from '../../../model/core.ts';
import { type Element, element, elements, text } from '../element.ts';
import { toAddress, toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { errorOf } from '../replies.ts';
import { type IqHandler, type IqRequest, refuse } from './iq-table.ts';

const MAX_NAME = 1023;
const MAX_GROUPS = 64;
/** RFC 6121 §2.1.2 has no field for it, so this group says it. */
const FAVOURITES = 'Favourites';
/** Addresses in one request of the block list. */
const MAX_BLOCKED = 1000;

/** `<item/>` of RFC 6121 §2.1.2; undefined: its address can be no JID. */
function itemOf(contact: Contact, removed = false): Element | undefined {
  const jid = toJid(bare(contact.address));
  if (typeof jid !== 'string') return undefined;
  if (removed) return element('item', NS.roster, { jid, subscription: 'remove' });
  const { name, subscription, ask, approved, favourite } = contact;
  const groups = favourite && !contact.groups.includes(FAVOURITES) ? [...contact.groups, FAVOURITES] : contact.groups;
  return element(
    'item',
    NS.roster,
    { jid, name, subscription, ask: ask ? 'subscribe' : undefined, approved: approved ? 'true' : undefined },
    groups.map((group) => element('group', NS.roster, {}, [group])),
  );
}

/** What a client is told when the list changes (RFC 6121 §2.1.6). */
export function contactPush(contact: Contact, removed: boolean, version: string): Element | undefined {
  const item = itemOf(contact, removed);
  return item && element('query', NS.roster, { ver: version }, [item]);
}

export const ROSTER: IqHandler = {
  ns: NS.roster,
  targets: ['account'],
  features: {},
  async get({ asker, payload }) {
    asker.interested = true;
    const { contacts, version } = await asker.session.contacts();
    // RFC 6121 §2.6.3: nothing has changed.
    if (payload.attrs.ver === version) return [];
    const items = contacts.flatMap((contact) => itemOf(contact) ?? []);
    return [element('query', NS.roster, { ver: version }, items)];
  },
  async set({ asker, payload }) {
    const items = elements(payload).filter((part) => part.name === 'item' && part.ns === NS.roster);
    const [item] = items;
    // RFC 6121 §2.3.3.
    if (item === undefined || items.length !== 1) return refuse('bad-request', 'modify', 'one item, no more and no less');
    const address = toAddress(item.attrs.jid ?? '');
    if ('code' in address) return refuse('jid-malformed', 'modify', address.text);
    if (address.resource !== undefined || sameBare(address, asker.user))
      return refuse('not-allowed', 'cancel', 'a contact is a bare address other than your own');
    if (item.attrs.subscription === 'remove') return outcome(await asker.session.removeContact(address));
    const groups = elements(item).filter((part) => part.name === 'group' && part.ns === NS.roster);
    const names = [...new Set(groups.map((group) => text(group)))];
    const name = item.attrs.name?.trim();
    if (names.includes('')) return refuse('not-acceptable', 'modify', 'a group needs a name');
    if ((name?.length ?? 0) > MAX_NAME || names.length > MAX_GROUPS || names.some((group) => group.length > MAX_NAME))
      return refuse('not-acceptable', 'modify', `names have at most ${MAX_NAME} characters, a contact at most ${MAX_GROUPS} groups`);
    return outcome(
      await asker.session.putContact({
        address,
        groups: names,
        favourite: names.includes(FAVOURITES),
        ...(name !== undefined && name !== '' && { name }),
      }),
    );
  },
};

function outcome(of: Awaited<ReturnType<IqRequest['asker']['session']['putContact']>>) {
  return of.kind === 'refused' || of.kind === 'failed' ? { error: errorOf(of.reason, false) } : [];
}

export const BLOCKING: IqHandler = {
  ns: NS.blocking,
  targets: ['account'],
  features: { account: [NS.blocking], server: [NS.blocking] },
  async get({ asker, payload }) {
    if (payload.name !== 'blocklist') return refuse('bad-request', 'modify');
    const blocked = await asker.session.blocked();
    return [element('blocklist', NS.blocking, {}, blocked.map(blockItem))];
  },
  async set({ asker, payload }) {
    const named = addressesIn(payload);
    if (named === undefined) return refuse('jid-malformed', 'modify');
    // XEP-0191 §3.3: to block nobody is a mistake; to unblock nobody is to unblock everybody.
    if (payload.name === 'block' && named.length > 0) await asker.session.block(named);
    else if (payload.name === 'unblock') await asker.session.unblock(named.length > 0 ? named : await asker.session.blocked());
    else return refuse('bad-request', 'modify');
    const push = element(payload.name, NS.blocking, {}, named.map(blockItem));
    for (const sibling of asker.siblings()) if (sibling.interested) sibling.push(push);
    return [];
  },
};

function blockItem(jid: string): Element {
  return element('item', NS.blocking, { jid });
}

/** The addresses of a request, each as it is written on the wire; undefined: one of them is no JID, or they are too many. */
function addressesIn(payload: Element): readonly string[] | undefined {
  const items = elements(payload).filter((part) => part.name === 'item' && part.ns === NS.blocking);
  if (items.length > MAX_BLOCKED) return undefined;
  const named: string[] = [];
  for (const item of items) {
    const address = toAddress(item.attrs.jid ?? '');
    const jid = 'code' in address ? address : toJid(address);
    if (typeof jid !== 'string') return undefined;
    named.push(jid);
  }
  return named;
}

/** May `asker` reach this user, by the user's own block list? */
export function blocks(blocked: readonly string[], asker: Address): boolean {
  const full = toJid(asker);
  const plain = toJid(bare(asker));
  return blocked.some((entry) => entry === full || entry === plain || entry === asker.domain);
}
