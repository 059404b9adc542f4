// prosody.cfg.lua to drafts: whom Prosody trusted by name, whom it exempted, whom it let in or kept out, and where it
// connected. Its own hosts are told, so that they are not mistaken for partners.

import type { Drafts } from './drafts.ts';
import { type LuaStatement, type LuaTable, type LuaValue, readLua } from './lua.ts';
import type { Origin } from './record.ts';

/** Takes a configuration. @returns why it cannot be read, in words */
export function takeProsody(file: string, text: string, drafts: Drafts): string | undefined {
  const statements = readLua(text);
  if (typeof statements === 'string') return statements;
  let host: string | undefined;
  const [first] = statements;
  if (first !== undefined) {
    const from: Origin = { file, row: first.line, unit: 'line' };
    drafts.federation = { value: 'discovered', from, because: 'Prosody lets everybody in unless a list of its own says otherwise' };
  }
  for (const statement of statements) {
    const from: Origin = { file, row: statement.line, unit: 'line' };
    if (statement.kind === 'section') {
      host = statement.name;
      const domain = drafts.domain(statement.name, from, statement.word);
      if (domain !== undefined && !drafts.ownDomains.has(domain)) drafts.ownDomains.set(domain, from);
    } else if (statement.kind === 'include') {
      drafts.remark(
        'lost',
        from,
        'Include',
        statement.path.slice(0, 80),
        'included files are not followed; name them on the command line too',
      );
    } else if (statement.kind === 'code') {
      if (/s2s|secure/.test(statement.text))
        drafts.remark('lost', from, 'code', statement.text, 'it is code, not a plain value, and was not run');
    } else takeOption(statement, host, from, drafts);
  }
  return undefined;
}

type Setting = Extract<LuaStatement, { kind: 'set' }>;

function takeOption({ name, value }: Setting, host: string | undefined, from: Origin, drafts: Drafts): void {
  const subject = host ?? 'every host';
  const lost = (what: string, why: string): void => drafts.remark('lost', from, subject, `${name} ${what}`.trim().slice(0, 120), why);
  if (host !== undefined && isList(name))
    drafts.remark(
      'note',
      from,
      host,
      name,
      'it was for this host alone; a partner here is one for every domain of yours (rules: in routes/policy.yaml can say more)',
    );
  switch (name) {
    case 's2s_secure_domains':
    case 's2s_whitelist':
      for (const domain of domainsOf(value, name, from, drafts)) drafts.partner(domain, from).xmpp ??= { proof: 'certificate' };
      if (name === 's2s_whitelist') drafts.federation = { value: 'closed', from, because: 's2s_whitelist let nobody else in' };
      return;
    case 's2s_insecure_domains':
      for (const domain of domainsOf(value, name, from, drafts)) {
        const partner = drafts.partner(domain, from);
        if (partner.xmpp?.proof === 'certificate')
          drafts.remark('invalid', from, domain, name, 'it is in s2s_secure_domains too; the secure one was taken');
        else partner.xmpp = { ...partner.xmpp, proof: 'dialback' };
        partner.invited = true;
      }
      return;
    case 's2s_blacklist':
      for (const domain of domainsOf(value, name, from, drafts)) drafts.blocks.push({ domain, subdomains: false, from, note: name });
      return;
    case 's2sout_override':
    case 's2s_connect_overrides':
      takeOverrides(value, name, from, drafts);
      return;
    case 's2s_secure_auth':
      if (value === false) {
        lost(
          '= false',
          'who is not listed is refused unless routes/policy.yaml says federation: discovered, and must then show a good certificate; dialback is allowed for single partners (xmpp: { proof: dialback })',
        );
      }
      return;
    case 's2s_require_encryption':
      if (value === false) lost('= false', 'TLS is always required here: a partner without it cannot be carried over');
      return;
    case 's2s_ports':
    case 's2s_direct_tls_ports':
    case 's2s_interfaces':
      lost(shown(value), 'write the listeners under edge: xmpp: in isthmus.yaml');
      return;
    case 's2s_ssl':
    case 'ssl':
      lost('', 'certificates belong into certs/own/<name>/, roots into certs/trust/; TLS 1.2 and 1.3 are spoken');
      return;
    case 'modules_enabled':
    case 'modules_disabled':
      for (const module of listOf(value))
        if (MODULES[module] !== undefined) drafts.remark('note', from, subject, `${name}: ${module}`, MODULES[module]);
      return;
    default:
      if (/^s2s/.test(name)) lost(shown(value), 'there is no counterpart');
  }
}

const isList = (name: string): boolean => /^s2s_(?:secure_domains|insecure_domains|whitelist|blacklist)$/.test(name);

/** Modules whose absence an operator would notice. */
const MODULES: Readonly<Record<string, string>> = {
  firewall: 'its rules are not read; write blocked: and rules: in routes/policy.yaml',
  s2s_auth_dane: 'certificates are not proven by DANE here: DNSSEC answers cannot be seen',
  s2s_auth_dane_in: 'certificates are not proven by DANE here: DNSSEC answers cannot be seen',
  limits: "limits are written as limits: in a partner's file or in routes/policy.yaml",
};

/** `{ ["partner.example"] = "tcp://host:5269" }`. */
function takeOverrides(value: LuaValue, name: string, from: Origin, drafts: Drafts): void {
  if (typeof value !== 'object') {
    drafts.remark('lost', from, name, shown(value), 'it is not a table of domains');
    return;
  }
  for (const [written, target] of value.keys) {
    const domain = drafts.domain(written, from, name);
    if (domain === undefined || typeof target !== 'string') continue;
    const at = drafts.host(target.replace(/^[a-z+-]+:\/\//i, '').replace(/\/$/, ''), 5269, from, domain, name);
    if (at === undefined) continue;
    const partner = drafts.partner(domain, from);
    partner.xmpp = { proof: 'certificate', ...partner.xmpp, hosts: at.at };
  }
}

function domainsOf(value: LuaValue, name: string, from: Origin, drafts: Drafts): readonly string[] {
  const written = listOf(value);
  if (written.length === 0 && typeof value === 'object' && value.keys.size > 0)
    drafts.remark('invalid', from, name, 'a table with keys', 'it is a list of domains; keys mean nothing there, and here');
  return written.flatMap((one) => drafts.domain(one, from, name) ?? []);
}

function listOf(value: LuaValue): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' ? value.items.filter((item) => typeof item === 'string') : [];
}

function shown(value: LuaValue): string {
  if (typeof value !== 'object') return `= ${String(value).slice(0, 60)}`;
  return `= { ${(value satisfies LuaTable).items.map(String).join(', ').slice(0, 60)} }`;
}
