// `isthmus partner add|remove`: a partner's file is written or taken away, the set is checked, the diff is shown.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { readHomeFiles } from '../../config/files.ts';
import { type Plain, printYaml } from '../../config/yaml-plain.ts';
import { utcDay } from '../../model/utc.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { EFFECT_OPTIONS, editPartner } from './edit.ts';
import { fileOf, noPartner, partnerFiles } from './file.ts';
import { dateInput, domainInput } from './words.ts';

const list = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string()).max(100)).default([]);

export const partnerAdd = verb({
  words: 'partner add',
  summary: 'makes a domain a partner: writes its file',
  positionals: ['domain'],
  options: {
    also: {
      type: 'string',
      value: 'DOMAIN',
      multiple: true,
      says: 'another domain of the same partner, such as conference.partner.example for XMPP rooms',
    },
    protocol: { type: 'string', value: 'sip|xmpp', multiple: true, says: 'speak only this; twice: in this order. Default: xmpp, then sip' },
    host: {
      type: 'string',
      value: 'HOST:PORT',
      multiple: true,
      says: 'where we connect, instead of what DNS says; goes with one --protocol',
    },
    name: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      says: 'a certificate name besides the domain that may speak for it; goes with one --protocol',
    },
    dialect: { type: 'string', value: 'lync', says: 'the partner is Lync, Skype for Business or Teams' },
    proof: { type: 'string', value: 'dialback', says: 'XMPP without a usable certificate; its sessions are shown as unproven' },
    note: { type: 'string', value: 'TEXT', says: 'a ticket, a reason' },
    owner: { type: 'string', value: 'WHO', says: 'who answers for this partner at our side' },
    contact: { type: 'string', value: 'WHO', says: "the partner's administrator" },
    review: { type: 'string', value: 'DATE', says: 'check warns once this day has come' },
    ...EFFECT_OPTIONS,
    test: { type: 'boolean', says: 'afterwards isthmus partner test' },
  },
  details: [
    'Without options the shortest useful file: found by DNS, proven by its certificate, messages and availability as listed.allow says.',
    'With --now the partner is in force at once, and other changes that wait for isthmus apply go on waiting. Every choice is explained in routes/README.md.',
  ].join('\n'),
  example: 'isthmus partner add fabrikam.example --note "ticket 4711" --owner edge-team@corp.example --review 2027-06-01 --now --test',
  input: z.object({
    domain: domainInput.describe('The first domain of the partner, and the name of its file.'),
    also: z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(domainInput).max(100)).default([]),
    protocol: z
      .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.enum(['sip', 'xmpp'], 'sip or xmpp')).max(2))
      .default([]),
    host: list,
    name: list,
    dialect: z.enum(['lync', 'standard'], 'lync or standard').optional(),
    proof: z.enum(['certificate', 'dialback'], 'certificate or dialback').optional(),
    note: z.string().max(500).optional(),
    owner: z.string().max(200).optional(),
    contact: z.string().max(200).optional(),
    review: dateInput.optional(),
    now: z.boolean().default(false).describe('Takes effect at once: this edit alone.'),
    keepFiles: z.boolean().default(false).describe('With now: leave the files as they are.'),
    test: z.boolean().default(false).describe('Afterwards isthmus partner test.'),
  }),
  http: { method: 'POST', path: '/partners/{domain}' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, input) {
    const { domain, now, keepFiles, test, ...given } = input;
    const usage = misfit(input);
    if (usage !== undefined) return { text: `isthmus partner add: ${usage}`, json: { error: 'usage', text: usage }, exit: 2 };
    const known = fileOf(operations, domain);
    if (known !== undefined && !keepFiles)
      return {
        ...thereAlready(operations, domain, known),
        exit: 2,
        status: 409,
      };
    const path = `routes/partners/${domain}.yaml`;
    const schema = existsSync(join(operations.dir, 'routes/partner.schema.json'))
      ? '# yaml-language-server: $schema=../partner.schema.json\n'
      : '';
    const day = utcDay(operations.clock.now());
    const text = printYaml(`${schema}# Added on ${day}. Every key and its default: routes/README.md`, keysOf(input));
    const report = await editPartner(operations, {
      words: 'partner add',
      given: { domain, ...given },
      now,
      keepFiles,
      make: (read) => (read(path) === undefined ? { [path]: text } : `${domain} is a partner already (${path})`),
    });
    if (!test || report.exit !== 0 || operations.live !== undefined) return report;
    const tested = await operations.ask('partner test', { domain });
    if (tested === undefined)
      return { ...report, text: `${report.text}\nnothing runs with this home; isthmus partner test ${domain} tries it from here` };
    return {
      ...tested,
      text: `${report.text}\n\n${tested.text}`,
      json: { ...Object(report.json), test: tested.json },
      ...(report.changes !== undefined && { changes: report.changes }),
    };
  },
});

/** A new home has examples that are switched off, and their names are what people type first. */
function thereAlready({ dir }: Pick<Operations, 'dir'>, domain: string, file: string): Pick<Report, 'text' | 'json'> {
  const off = /^enabled:\s*false\b/m.test(readHomeFiles(dir).get(file)?.text ?? '');
  const text = off
    ? `isthmus partner add: ${domain} has a file, ${file}, and is switched off (enabled: false). Take that line out, or first isthmus partner remove ${domain}`
    : `isthmus partner add: ${domain} is a partner already (${file}); isthmus partner show ${domain}`;
  return { text, json: { error: 'exists', text, file } };
}

type Given = z.output<typeof partnerAdd.input>;

/** What cannot be meant together. */
function misfit({ protocol, host, name, dialect, proof }: Given): string | undefined {
  if ((host.length > 0 || name.length > 0) && protocolOf(protocol, dialect, proof) === undefined)
    return '--host and --name belong to one protocol: add --protocol sip or --protocol xmpp';
  if (dialect === 'lync' && !protocol.includes('sip') && protocol.length > 0) return '--dialect lync is about SIP: add --protocol sip';
  if (proof === 'dialback' && !protocol.includes('xmpp') && protocol.length > 0)
    return '--proof dialback is about XMPP: add --protocol xmpp';
  return undefined;
}

/** The one protocol that hosts and names are about. */
function protocolOf(protocol: Given['protocol'], dialect: Given['dialect'], proof: Given['proof']): 'sip' | 'xmpp' | undefined {
  if (protocol.length === 1) return protocol[0];
  if (protocol.length === 0 && dialect === 'lync' && proof !== 'dialback') return 'sip';
  return protocol.length === 0 && proof === 'dialback' && dialect === undefined ? 'xmpp' : undefined;
}

function keysOf(given: Given): Readonly<Record<string, Plain>> {
  const { domain, also, protocol, host, name, dialect, proof, note, owner, contact, review } = given;
  const at = protocolOf(protocol, dialect, proof);
  const face = { ...(host.length > 0 && { hosts: host }), ...(name.length > 0 && { names: name }) };
  const sip = { ...(dialect !== undefined && { dialect }), ...(at === 'sip' && face) };
  const xmpp = { ...(proof !== undefined && { proof }), ...(at === 'xmpp' && face) };
  const filled = (section: object): boolean => Object.keys(section).length > 0;
  const prefer =
    protocol.length > 0 &&
    (protocol.length > 1 || !filled(protocol[0] === 'sip' ? sip : xmpp) || filled(protocol[0] === 'sip' ? xmpp : sip));
  return {
    ...(also.length > 0 && { domains: [domain, ...also.filter((one) => one !== domain)] }),
    ...(prefer && { prefer: protocol }),
    ...(filled(sip) && { sip }),
    ...(filled(xmpp) && { xmpp }),
    ...(contact !== undefined && { contact }),
    ...(owner !== undefined && { owner }),
    ...(review !== undefined && { reviewBefore: review }),
    ...(note !== undefined && { note }),
  };
}

export const partnerRemove = verb({
  words: 'partner remove',
  summary: 'ends a partnership: takes its file away',
  positionals: ['domain'],
  options: { trust: { type: 'boolean', says: 'its own roots in certs/trust/partners/ too; that takes effect at once' }, ...EFFECT_OPTIONS },
  details:
    'DOMAIN is the first domain of the partner. The diff shows the whole file. Once in force, its open connections end; what waits for it is refused.',
  example: 'isthmus partner remove fabrikam.example --why "contract ended" --now',
  input: z.object({
    domain: domainInput.describe('The first domain of the partner.'),
    trust: z.boolean().default(false).describe('Its own roots too.'),
    now: z.boolean().default(false).describe('Takes effect at once: this edit alone.'),
    keepFiles: z.boolean().default(false).describe('With now: leave the files as they are.'),
  }),
  http: { method: 'DELETE', path: '/partners/{domain}' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { domain, trust, now, keepFiles }) {
    const files = readHomeFiles(operations.dir);
    const own = partnerFiles(files).find(({ domains }) => domains.includes(domain));
    if (own === undefined && !keepFiles) return noPartner(operations, 'partner remove', domain);
    const path = `routes/partners/${domain}.yaml`;
    if (own !== undefined && own.path !== path) {
      const text = `isthmus partner remove: ${domain} is one of the domains of ${own.path}; take it out of domains: there, or remove ${own.domains[0]}`;
      return { text, json: { error: 'notFirst', file: own.path }, exit: 2, status: 409 };
    }
    const roots = [...files.keys()].filter((file) => (own?.domains ?? []).some((one) => file.startsWith(`certs/trust/partners/${one}/`)));
    if (roots.length > 0 && !trust && !keepFiles) {
      const text = `isthmus partner remove: ${domain} has roots of its own (${roots.join(', ')}), which mean nothing without it; --trust removes them too, at once`;
      return { text, json: { error: 'trust', roots }, exit: 2, status: 409 };
    }
    return editPartner(operations, {
      words: 'partner remove',
      given: { domain },
      now,
      keepFiles,
      make(read) {
        if (read(path) === undefined) return `${domain} has no file`;
        if (keepFiles) return { [path]: undefined };
        return Object.fromEntries([path, ...roots].flatMap((file) => (read(file) === undefined ? [] : [[file, undefined]])));
      },
    });
  },
});
