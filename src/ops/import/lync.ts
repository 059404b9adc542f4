// Objects of Lync and Skype for Business to drafts. The properties are those of the cmdlets' documentation; what has no
// counterpart here is remarked with the row it stood in.

import type { Drafts, PartnerDraft } from './drafts.ts';
import { Fields, oneLine } from './lync-fields.ts';
import type { LyncKind } from './lync-kinds.ts';
import { takeProvider } from './lync-provider.ts';
import { tellAccessEdge, tellExternalAccess, tellGateway } from './lync-settings.ts';
import { carryOver, type Wish } from './negotiation.ts';
import type { ExportedObject } from './record.ts';

/** Takes one object. */
export function takeLync(object: ExportedObject, kind: LyncKind, drafts: Drafts): void {
  const fields = new Fields(object, drafts);
  switch (kind) {
    case 'allowedDomain':
      takeAllowed(fields, kind);
      break;
    case 'blockedDomain':
      takeBlocked(fields, kind);
      break;
    case 'xmppPartner':
      takeXmpp(fields, kind);
      break;
    case 'publicProvider':
    case 'hostingProvider':
      takeProvider(fields, kind);
      break;
    case 'accessEdge':
      tellAccessEdge(fields);
      break;
    case 'externalAccess':
      tellExternalAccess(fields);
      break;
    case 'xmppGateway':
      tellGateway(fields);
      break;
    default:
      kind satisfies never;
  }
}

function takeAllowed(fields: Fields, kind: LyncKind): void {
  const { drafts, from } = fields;
  const domain = fields.domain();
  if (domain === undefined) return;
  const partner = drafts.partner(domain, from);
  const proxy = fields.text('ProxyFqdn');
  const at = proxy === undefined ? undefined : drafts.host(proxy, 5061, from, domain, 'ProxyFqdn');
  if (partner.sip !== undefined && at !== undefined && partner.sip.hosts !== at.at) {
    fields.remark('lost', `ProxyFqdn ${proxy}`, 'the domain stands in the lists twice; the first entry was taken');
  } else partner.sip ??= at === undefined ? {} : { hosts: at.at, names: at.host };
  verification(fields, partner);
  noteOf(fields, partner, 'Comment');
  if (fields.truth('MarkForMonitoring', false)) partner.notes.push('was marked for monitoring');
  fields.tellUnread(kind);
}

/** VerificationLevel of an allowed domain: whether strangers of it may begin. */
function verification(fields: Fields, partner: PartnerDraft): void {
  switch (fields.word('VerificationLevel')) {
    case undefined:
    case 'alwaysverifiable':
      return;
    case 'usesourceverification':
      fields.remark(
        'note',
        'VerificationLevel UseSourceVerification',
        "the partner's own mark on each message is not believed here; its certificate proves the domain, and then anyone of it may begin",
      );
      return;
    case 'alwaysunverifiable':
    case 'number':
      partner.invited = true;
      return;
    default:
      partner.invited = true;
      fields.remark(
        'lost',
        `VerificationLevel ${fields.text('VerificationLevel')?.slice(0, 40)}`,
        'this word is not known; a local user must invite first',
      );
  }
}

function takeBlocked(fields: Fields, kind: LyncKind): void {
  const domain = fields.domain();
  if (domain === undefined) return;
  const note = fields.text('Comment');
  fields.drafts.blocks.push({ domain, subdomains: false, from: fields.from, ...(note !== undefined && { note: oneLine(note) }) });
  fields.tellUnread(kind);
}

function takeXmpp(fields: Fields, kind: LyncKind): void {
  const { drafts, from } = fields;
  const domain = fields.domain();
  if (domain === undefined) return;
  const partner = drafts.partner(domain, from);
  const further = fields.list('AdditionalDomains').flatMap((written) => drafts.domain(written, from, 'AdditionalDomains') ?? []);
  for (const name of further) drafts.addDomain(partner, name, from);

  const wishes = {
    tls: wish(fields, 'TlsNegotiation'),
    sasl: wish(fields, 'SaslNegotiation'),
    dialback: fields.truth('SupportDialbackNegotiation', true),
  };
  const shown = `TLS ${WISH_WORDS[wishes.tls]}, SASL ${WISH_WORDS[wishes.sasl]}, dialback ${wishes.dialback ? 'yes' : 'no'}`;
  const { proof, remarks } = carryOver(wishes);
  for (const { kind: level, why } of remarks) fields.remark(level, shown, why);
  if (proof === undefined) partner.off = 'its negotiation settings were invalid where it came from';

  const proxy = fields.text('ProxyFqdn');
  const at = proxy === undefined ? undefined : drafts.host(proxy, 5269, from, domain, 'ProxyFqdn');
  if (partner.xmpp !== undefined) fields.remark('lost', 'a second entry for the domain', 'the first one was taken');
  else partner.xmpp = { proof: proof ?? 'certificate', ...(at !== undefined && { hosts: at.at }) };

  firstContact(fields, partner, proof);
  noteOf(fields, partner, 'Description');
  const limit = fields.text('ConnectionLimit');
  if (limit !== undefined && limit !== '0')
    fields.remark(
      'lost',
      `ConnectionLimit ${limit}`,
      'one stream for each pair of domains is opened here, and one address may have 100 connections',
    );
  if (!fields.truth('EnableKeepAlive', true)) fields.remark('lost', 'EnableKeepAlive False', 'keep-alives cannot be switched off here');
  fields.tellUnread(kind);
}

const WISH_WORDS: Readonly<Record<Wish, string>> = { required: 'Required', optional: 'Optional', notsupported: 'NotSupported' };

/** Both negotiations are Required when nothing is said. */
function wish(fields: Fields, name: string): Wish {
  const word = fields.word(name);
  if (word === 'required' || word === 'optional' || word === 'notsupported') return word;
  if (word !== undefined && word !== 'number')
    fields.remark('lost', `${name} ${word.slice(0, 40)}`, 'this word is not known; Required was taken');
  return 'required';
}

function firstContact(fields: Fields, partner: PartnerDraft, proof: 'certificate' | 'dialback' | undefined): void {
  const type = fields.word('PartnerType') ?? 'publicunverified';
  if (type === 'publicunverified' || type === 'number') partner.invited = true;
  else if (type !== 'federated' && type !== 'publicverified') {
    partner.invited = true;
    fields.remark(
      'lost',
      `PartnerType ${type.slice(0, 40)}`,
      'this word is not known; a local user must invite first, as with PublicUnverified',
    );
  } else if (proof === 'dialback') {
    fields.remark(
      'note',
      `PartnerType ${fields.text('PartnerType')} with dialback`,
      'who is proven by dialback only must be invited by a local user first; allow: { firstContact: anyone } in its file has it as it was there',
    );
  }
}

function noteOf(fields: Fields, partner: PartnerDraft, name: string): void {
  const text = fields.text(name);
  if (text !== undefined) partner.notes.push(oneLine(text));
}
