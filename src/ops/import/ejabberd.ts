// ejabberd.yml to drafts: hosts, and s2s_access with its access rules and ACLs. Rules are read in order as ejabberd does:
// the first that matches decides, and what none matches is refused.

import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Drafts } from './drafts.ts';
import type { Origin } from './record.ts';

const MAX_DEPTH = 32;

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Takes a configuration. @returns why it cannot be read, in words */
export function takeEjabberd(file: string, text: string, drafts: Drafts): string | undefined {
  const lines = new LineCounter();
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter: lines, merge: false, uniqueKeys: false, prettyErrors: false });
  } catch {
    return 'it is nested too deeply';
  }
  const [problem] = document.errors;
  if (problem !== undefined)
    return `it is not YAML in line ${lines.linePos(problem.pos[0]).line}: ${problem.message.split('\n')[0]!.slice(0, 120)}`;
  const root = document.contents;
  if (!isMap(root)) return 'it is not a mapping of options';
  const lineOf = (path: readonly string[]): Origin => {
    const node: unknown = document.getIn(path, true);
    const range = isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined;
    const pair = isMap(root) ? root.items.find((item) => isScalar(item.key) && item.key.value === path[0]) : undefined;
    const offset = range?.[0] ?? (isScalar(pair?.key) ? pair.key.range?.[0] : undefined) ?? 0;
    return { file, row: Math.max(1, lines.linePos(offset).line), unit: 'line' };
  };
  const top = record(plain(root, 0));
  new Reader(top, lineOf, drafts).take();
  return undefined;
}

class Reader {
  readonly #top: Readonly<Record<string, Plain>>;
  readonly #lineOf: (path: readonly string[]) => Origin;
  readonly #drafts: Drafts;
  constructor(top: Readonly<Record<string, Plain>>, lineOf: (path: readonly string[]) => Origin, drafts: Drafts) {
    this.#top = top;
    this.#lineOf = lineOf;
    this.#drafts = drafts;
  }

  take(): void {
    for (const host of texts(this.#top.hosts)) {
      const from = this.#lineOf(['hosts']);
      const domain = this.#drafts.domain(host, from, 'hosts');
      if (domain !== undefined) this.#drafts.ownDomains.set(domain, from);
    }
    const hosts = Object.entries({ ...record(this.#top.host_config), ...record(this.#top.append_host_config) });
    this.#options(this.#top, 'every host', []);
    for (const [host, options] of hosts) this.#options(record(options), host, ['host_config', host]);
    const limited = [this.#top, ...hosts.map(([, options]) => record(options))].some((options) => options.s2s_access !== undefined);
    if (!limited) this.#open(this.#lineOf(['hosts']), 's2s_access is not there, so everybody was let in');
    for (const path of texts(this.#top.include_config_file))
      this.#drafts.remark(
        'lost',
        this.#lineOf(['include_config_file']),
        'include_config_file',
        path.slice(0, 80),
        'included files are not followed; name them on the command line too',
      );
  }

  #options(options: Readonly<Record<string, Plain>>, subject: string, above: readonly string[]): void {
    const { s2s_access: access, s2s_use_starttls: starttls } = options;
    if (access !== undefined) {
      const from = this.#lineOf([...above, 's2s_access']);
      if (above.length > 0)
        this.#drafts.remark(
          'note',
          from,
          subject,
          's2s_access',
          'it was for this host alone; a partner or block here is one for every domain of yours',
        );
      this.#access(access, from);
    }
    if (starttls !== undefined && starttls !== 'required') {
      const word = String(starttls);
      const why =
        word === 'required_trusted'
          ? 'TLS with a good certificate is what holds here for everybody anyway'
          : 'TLS is always required here: a partner without it cannot be carried over';
      this.#drafts.remark(
        word === 'required_trusted' ? 'note' : 'lost',
        this.#lineOf([...above, 's2s_use_starttls']),
        subject,
        `s2s_use_starttls ${word.slice(0, 30)}`,
        why,
      );
    }
    for (const [name, why] of Object.entries(TOLD)) {
      if (options[name] === undefined) continue;
      const value = options[name];
      const what = typeof value === 'object' ? name : `${name} ${String(value).slice(0, 60)}`;
      this.#drafts.remark('lost', this.#lineOf([...above, name]), subject, what, why);
    }
  }

  /** `s2s_access: NAME`, or the rules written out. */
  #access(access: Plain, from: Origin): void {
    if (access === 'all') {
      this.#open(from, 's2s_access was all');
      return;
    }
    if (access === 'none') {
      this.#drafts.federation = { value: 'off', from, because: 's2s_access was none' };
      return;
    }
    const rules = typeof access === 'string' ? (record(this.#top.access_rules)[access] ?? record(this.#top.access)[access]) : access;
    if (rules === undefined) {
      this.#drafts.remark('invalid', from, 's2s_access', String(access).slice(0, 60), 'there is no access rule of this name in the file');
      return;
    }
    for (const rule of Array.isArray(rules) ? (rules as readonly Plain[]) : [rules]) {
      // `- allow`, `- allow: NAME`, `- deny: [A, B]`, `- allow: { server: a.example }`
      const [verb, whom] = typeof rule === 'string' ? [rule, 'all' as Plain] : (Object.entries(record(rule))[0] ?? ['', null]);
      if (verb !== 'allow' && verb !== 'deny') {
        this.#drafts.remark('lost', from, 's2s_access', String(verb).slice(0, 60), 'it is neither allow nor deny');
        continue;
      }
      const everybody = whom === 'all' || (Array.isArray(whom) && whom.includes('all'));
      if (everybody) {
        if (verb === 'deny') break; // what follows is never reached
        this.#open(from, 'the last rule of s2s_access allowed everybody');
        return;
      }
      for (const acl of Array.isArray(whom) ? (whom as readonly Plain[]) : [whom]) this.#acl(acl, verb, from);
    }
    this.#drafts.federation = { value: 'closed', from, because: 's2s_access let nobody in but those it names' };
  }

  #open(from: Origin, because: string): void {
    this.#drafts.federation = { value: 'discovered', from, because };
  }

  /** An ACL by its name, or written out. */
  #acl(acl: Plain, verb: 'allow' | 'deny', from: Origin): void {
    const named = typeof acl === 'string' || (Object.keys(record(acl)).length === 1 && typeof record(acl).acl === 'string');
    const name = typeof acl === 'string' ? acl : String(record(acl).acl);
    if (named && record(this.#top.acl)[name] === undefined) {
      this.#drafts.remark('invalid', from, 's2s_access', `${verb}: ${name.slice(0, 60)}`, 'there is no ACL of this name in the file');
      return;
    }
    const at = named ? this.#lineOf(['acl', name]) : from;
    const definition = named ? record(this.#top.acl)[name]! : acl;
    const parts = Array.isArray(definition) ? (definition as readonly Plain[]) : [definition];
    for (const [kind, value] of parts.flatMap((part) => Object.entries(record(part)))) {
      const domains = texts(value);
      if (kind === 'server') for (const written of domains) this.#server(written, verb, false, at);
      else if (kind === 'server_glob') for (const written of domains) this.#glob(written, verb, at);
      else if (kind !== 'acl') {
        const why = 'only domains are carried over; write blocked: or rules: in routes/policy.yaml for addresses and users';
        this.#drafts.remark('lost', at, named ? name : 's2s_access', `${verb}: ${kind} ${domains.join(' ').slice(0, 60)}`, why);
      }
    }
  }

  #glob(written: string, verb: 'allow' | 'deny', from: Origin): void {
    const below = /^\*\.([^*?[\]]+)$/.exec(written)?.[1];
    if (!/[*?[]/.test(written)) this.#server(written, verb, false, from);
    else if (verb === 'deny' && below !== undefined) {
      this.#server(below, verb, true, from);
      this.#drafts.remark('note', from, below, `deny: server_glob ${written}`, 'subdomains: true blocks the domain itself too');
    } else
      this.#drafts.remark(
        'lost',
        from,
        written.slice(0, 80),
        `${verb}: server_glob`,
        'a partner is one domain, and a block a domain with or without what is below it',
      );
  }

  #server(written: string, verb: 'allow' | 'deny', subdomains: boolean, from: Origin): void {
    const domain = this.#drafts.domain(written, from, 'server');
    if (domain === undefined) return;
    if (verb === 'deny') this.#drafts.blocks.push({ domain, subdomains, from, note: 'denied by s2s_access' });
    else this.#drafts.partner(domain, from).xmpp ??= { proof: 'certificate' };
  }
}

/** Options about s2s that have no counterpart, with what to do. */
const TOLD: Readonly<Record<string, string>> = {
  s2s_cafile: "put roots besides the system's into certs/trust/edge/ (or certs/trust/partners/<domain>/)",
  s2s_ciphers: 'TLS 1.2 and 1.3 are spoken with the ciphers of node; there is no list to set',
  s2s_protocol_options: "TLS 1.2 and 1.3 are spoken; tls: { atLeast: TLSv1.3 } in a partner's file raises the floor",
  s2s_dhfile: 'there is no list of ciphers to set',
  s2s_zlib: 'streams are not compressed',
  s2s_timeout: 'times are fixed; edge streams that are silent are closed and opened again when needed',
  s2s_queue_timeout: 'retention: { queued: ... } in isthmus.yaml says how long a message waits',
  s2s_dns_timeout: 'times are fixed',
  s2s_max_retry_delay: 'a failed partner is tried again after 1 s, doubling to 5 min',
  outgoing_s2s_families: 'both families are tried, as DNS says',
  outgoing_s2s_port: 'without SRV records a listed partner is tried on 5269; xmpp: { hosts } says otherwise',
  outgoing_s2s_ipv4_address: 'write outbound: { sourceAddress } in isthmus.yaml',
  outgoing_s2s_ipv6_address: 'write outbound: { sourceAddress } in isthmus.yaml',
};

function plain(node: unknown, depth: number): Plain {
  if (depth > MAX_DEPTH) return null;
  if (isMap(node)) {
    return Object.fromEntries(node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '?', plain(value, depth + 1)]));
  }
  if (isSeq(node)) return node.items.map((item) => plain(item, depth + 1));
  if (!isScalar(node)) return null; // an alias: ejabberd's macros are words of their own
  const { value } = node;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function record(value: Plain | undefined): Readonly<Record<string, Plain>> {
  // The cast holds: Array.isArray does not narrow readonly lists.
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Readonly<Record<string, Plain>>) : {};
}

/** A text, or a list of them; ejabberd also allows a mapping whose keys are meant. */
function texts(value: Plain | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return (value as readonly Plain[]).filter((item) => typeof item === 'string');
  return Object.keys(record(value));
}
