// The text of new files: a partner's, a provider's, entries of the block list. Written as an operator would write them, with
// a first line that says where they came from.

import type { BlockDraft, PartnerDraft, ProviderDraft } from './drafts.ts';
import { type Origin, showOrigin } from './record.ts';

const SHOWN_ORIGINS = 4;

/** @param day for the comment, `2026-11-23` @param schema the home has routes/partner.schema.json */
export function partnerText(partner: PartnerDraft, day: string, schema: boolean): string {
  const { domains, sip, xmpp } = partner;
  return lines(
    heading('partner', partner.from, day, schema),
    partner.off !== undefined && `enabled: false                # ${partner.off}`,
    domains.length > 1 && `domains: [${domains.map(scalar).join(', ')}]`,
    sip !== undefined &&
      xmpp !== undefined &&
      'prefer: [xmpp, sip]           # it was a partner over both; leave one out to speak the other only',
    sip !== undefined && `sip: ${flow(sipKeys(sip))}`,
    xmpp !== undefined && `xmpp: ${flow(xmpp)}`,
    partner.invited && 'allow: { firstContact: localUserInvites }',
    partner.notes.length > 0 && `note: ${scalar(noteOf(partner))}`,
  );
}

/** What the import says about SIP with a partner. Whoever spoke to Lync speaks its dialect. */
export function sipKeys(sip: NonNullable<PartnerDraft['sip']>): Readonly<Record<string, string>> {
  return { dialect: 'lync', ...sip };
}

export function noteOf(partner: PartnerDraft): string {
  return [...new Set(partner.notes)].join('; ');
}

export function providerText(provider: ProviderDraft, day: string, schema: boolean): string {
  const { hosts, names, domains } = provider;
  return lines(
    heading('provider', [provider.from], day, schema),
    'enabled: false',
    `sip: ${flow({ dialect: 'lync', hosts, names, proof: 'certificate' })}`,
    `domains: [${domains.map(scalar).join(', ')}]                   # which domains may arrive through it`,
    provider.invited && 'allow: { firstContact: localUserInvites }',
    `note: ${scalar(provider.note)}`,
  );
}

/** One entry of `blocked:`. */
export function blockText({ domain, subdomains, note }: BlockDraft): string {
  return flow({ domain, ...(subdomains && { subdomains: 'true' }), ...(note !== undefined && { note }) });
}

function heading(kind: 'partner' | 'provider', from: readonly Origin[], day: string, schema: boolean): string {
  const more = from.length - SHOWN_ORIGINS;
  const origins = from.slice(0, SHOWN_ORIGINS).map(showOrigin).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const editor = `# yaml-language-server: $schema=../${kind}.schema.json\n`;
  return `${schema ? editor : ''}# Imported on ${day} from ${origins.replaceAll(/[\r\n]/g, ' ')}.`;
}

function flow(keys: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : `${key}: ${scalar(value)}`));
  return `{ ${entries.join(', ')} }`;
}

/** A plain scalar where it can only be text (or the word true), else quoted; JSON's quoting is a part of YAML's. */
function scalar(text: string): string {
  const plain = /^[A-Za-z][A-Za-z0-9._-]*(?::\d+)?$/.test(text) && !/^(?:null|yes|no|on|off|false)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

function lines(...parts: readonly (string | false)[]): string {
  return `${parts.filter((part) => part !== false).join('\n')}\n`;
}
