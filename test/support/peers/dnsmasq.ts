// dnsmasq as the world's DNS server: every name under `test` is known here or does not exist (NXDOMAIN), nothing is forwarded.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DNS_ADDRESS } from '../namespace.ts';
import { PeerProcess } from '../peer-process.ts';
import { listens } from '../wait.ts';

export interface SrvEntry {
  /** `_xmpp-server._tcp.prosody.test` */
  readonly name: string;
  /** Empty: the service is explicitly not offered (target `.`). */
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

export interface DnsRecords {
  /** Host name -> address. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly srv: readonly SrvEntry[];
}

/** The world's DNS. `change` replaces all records (a restart of some milliseconds). */
export class Dnsmasq {
  readonly process: PeerProcess;
  readonly #config: string;
  readonly #log: string;

  constructor(folder: string, records: DnsRecords) {
    this.#config = join(folder, 'dnsmasq.conf');
    this.#log = join(folder, 'dnsmasq.log');
    this.#write(records);
    this.process = new PeerProcess({
      name: 'dnsmasq',
      command: 'dnsmasq',
      args: ['--no-daemon', `--conf-file=${this.#config}`], // no daemon: no other user either, which a namespace of ours may not have
      logFile: this.#log,
      ready: () => listens(DNS_ADDRESS, 53),
    });
  }

  async change(records: DnsRecords): Promise<void> {
    this.#write(records);
    await this.process.stop('SIGTERM');
    await this.process.start();
  }

  /** The names that were asked, `TYPE name`, in order. */
  queries(): readonly string[] {
    const lines = readFileSync(this.#log, 'utf8').matchAll(/query\[([A-Z]+)\] (\S+) from/g);
    return [...lines].map((match) => `${match[1]} ${match[2]}`);
  }

  #write(records: DnsRecords): void {
    const lines = [
      'no-resolv',
      'no-hosts',
      'local=/test/',
      `listen-address=${DNS_ADDRESS}`,
      'bind-interfaces',
      'log-queries',
      'log-facility=-',
      'local-ttl=1',
      'neg-ttl=1',
      ...Object.entries(records.hosts).map(([name, address]) => `host-record=${name},${address}`),
      ...records.srv.map((entry) =>
        entry.target === ''
          ? `srv-host=${entry.name}`
          : `srv-host=${entry.name},${entry.target},${entry.port},${entry.priority ?? 0},${entry.weight ?? 0}`,
      ),
    ];
    writeFileSync(this.#config, `${lines.join('\n')}\n`);
  }
}
