// Kamailio 5.6 as SIP system: internal to our organisation, or a federated partner. Permissions (pres-rules) are rows in its
// SQLite file, written here, and an RPC tells it to look again. (With subs_db_mode 0 it asks no permissions at all.)

import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PeerProcess } from '../peer-process.ts';
import { listens, until } from '../wait.ts';
import { CLIENT_PORT, type Foreign, kamailioScript, kamailioTls, RPC_PORT, TLS_PORT } from './kamailio-config.ts';

export interface KamailioOptions {
  readonly folder: string;
  readonly address: string;
  readonly host: string;
  readonly domain: string;
  readonly users: Readonly<Record<string, string>>;
  readonly foreign: Foreign;
  readonly trusts: readonly string[];
  /** Default true. */
  readonly aliases?: boolean;
  /** Isthmus has people of the same domain. */
  readonly split?: boolean;
  readonly certificate: { readonly chainFile: string; readonly keyFile: string };
  readonly rootsFile: string;
}

/** What a presentity decided about a watcher (RFC 5025 sub-handling). */
export type Handling = 'allow' | 'block' | 'polite-block' | 'confirm';

export type { Foreign };

export class Kamailio {
  readonly process: PeerProcess;
  readonly #options: KamailioOptions;
  readonly #database: string;
  readonly #rules = new Map<string, Map<string, Handling>>();

  constructor(options: KamailioOptions) {
    this.#options = options;
    const { folder, address } = options;
    mkdirSync(folder, { recursive: true });
    this.#database = join(folder, 'presence.sqlite');
    makeTables(this.#database);
    const modules = globSync('/usr/lib/*/kamailio/modules')[0] ?? '';
    const script = join(folder, 'kamailio.cfg');
    writeFileSync(script, kamailioScript({ ...options, aliases: options.aliases ?? true, modules, database: this.#database }));
    writeFileSync(join(folder, 'tls.cfg'), kamailioTls(options.certificate, options.rootsFile));
    this.process = new PeerProcess({
      name: `kamailio ${options.domain}`,
      command: 'kamailio',
      // -x fm -X fm: the packaged default allocator is a debugging one
      args: ['-f', script, '-DD', '-E', '-m', '64', '-M', '8', '-x', 'fm', '-X', 'fm', '-Y', folder, '-P', join(folder, 'kamailio.pid')],
      logFile: join(folder, 'kamailio.log'),
      ready: async () => (await Promise.all([CLIENT_PORT, TLS_PORT].map((port) => listens(address, port)))).every(Boolean),
    });
  }

  /** What `user` decides about `watcher` (bare address), now and from now on. Nothing decided: pending. */
  async decide(user: string, watcher: string, handling: Handling): Promise<void> {
    const { domain } = this.#options;
    const decided = this.#rules.get(user) ?? new Map<string, Handling>();
    this.#rules.set(user, decided.set(watcher, handling));
    const database = new DatabaseSync(this.#database, { timeout: 5000 });
    try {
      database
        .prepare(
          `INSERT INTO xcap (username, domain, doc, doc_type, etag, source, doc_uri, port) VALUES (?, ?, ?, 2, ?, 0, ?, 0)
           ON CONFLICT (doc_uri) DO UPDATE SET doc = excluded.doc, etag = excluded.etag`,
        )
        .run(user, domain, presRules(decided), String(Date.now()), `pres-rules/users/sip:${user}@${domain}/index`);
    } finally {
      database.close();
    }
    // Kamailio has no busy timeout: while somebody else is at the file it gives up at once.
    await until('Kamailio to look at the new permissions', () =>
      this.rpc('presence.refreshWatchers', [`sip:${user}@${domain}`, 'presence', 0]).then(
        () => true,
        () => false,
      ),
    );
  }

  /** The requests it was given, oldest first: `SUBSCRIBE from=a@b to=c@d expires=600 by=tls:127.0.0.1`. */
  saw(method: string, from: string, to: string): readonly string[] {
    const start = `saw ${method} from=${from} to=${to} `;
    return this.process
      .log()
      .split('\n')
      .flatMap((line) => (line.includes(start) ? [line.slice(line.indexOf('saw ') + 4)] : []));
  }

  /** Calls one of its RPC commands. */
  async rpc(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = await fetch(`http://${this.#options.address}:${RPC_PORT}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const body = (await answer.json()) as { result?: unknown; error?: { message: string } };
    if (body.error !== undefined) throw new Error(`kamailio: ${method}: ${body.error.message}`);
    return body.result;
  }
}

function makeTables(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL'); // Kamailio has no busy timeout; its reads must not meet our writes
  for (const name of ['standard', 'presence']) {
    database.exec(readFileSync(`/usr/share/kamailio/db_sqlite/${name}-create.sql`, 'utf8'));
  }
  database.close();
}

function presRules(decided: ReadonlyMap<string, Handling>): string {
  const rules = [...decided].map(
    ([watcher, handling], index) => `<cr:rule id="r${index}">
  <cr:conditions><cr:identity><cr:one id="sip:${watcher}"/></cr:identity></cr:conditions>
  <cr:actions><pr:sub-handling>${handling}</pr:sub-handling></cr:actions>
  <cr:transformations>${handling === 'allow' ? '<pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-devices><pr:all-devices/></pr:provide-devices><pr:provide-all-attributes/>' : ''}</cr:transformations>
</cr:rule>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<cr:ruleset xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">
${rules.join('\n')}
</cr:ruleset>
`;
}
