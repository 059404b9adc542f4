// Linphone 5.1 without a face (linphone-daemon): one account over TLS, driven by lines on its own Unix socket.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { until } from '../wait.ts';

export interface LinphoneOptions {
  readonly folder: string;
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** `host:port` of its server. */
  readonly server: string;
  readonly rootsFile: string;
}

/** It makes its pipe here, whatever it is told. */
const PIPES = '/tmp';

export class Linphone {
  readonly process: PeerProcess;
  readonly #pipe: string;
  readonly #log: string;
  #socket: Socket | undefined;
  #said = '';

  constructor({ folder, user, domain, password, server, rootsFile }: LinphoneOptions) {
    // It keeps its database below HOME and does not make the folders.
    for (const path of ['.local/share/linphone', '.config/linphone', '.cache']) mkdirSync(join(folder, path), { recursive: true });
    this.#log = join(folder, 'own.log');
    const name = `isthmus-linphone-${crypto.randomUUID().slice(0, 8)}`; // every run of every suite has the same /tmp
    this.#pipe = join(PIPES, name);
    const lines = [
      ...['[sip]', 'sip_port=0', 'sip_tcp_port=0', 'sip_tls_port=-1', 'use_ipv6=0', 'default_proxy=0'],
      ...[`root_ca=${rootsFile}`, 'verify_server_certs=1', 'verify_server_cn=1', 'guess_hostname=0'],
      ...['[proxy_0]', `reg_proxy=<sip:${server};transport=tls>`, `reg_route=<sip:${server};transport=tls;lr>`],
      ...[`reg_identity=sip:${user}@${domain}`, 'reg_expires=600', 'reg_sendregister=1', 'publish=1'],
      ...['[auth_info_0]', `username=${user}`, `passwd=${password}`, `realm=${domain}`],
    ];
    writeFileSync(join(folder, 'rc'), `${lines.join('\n')}\n`);
    this.process = new PeerProcess({
      name: 'linphone',
      command: 'linphone-daemon',
      args: ['--pipe', name, '--config', join(folder, 'rc'), '--log', this.#log],
      env: { HOME: folder },
      logFile: join(folder, 'linphone.log'),
      ready: async () => /State: LinphoneRegistrationOk/.test(await this.command('register-status ALL').catch(() => '')),
    });
  }

  /** One command; what it answers. */
  async command(line: string): Promise<string> {
    this.#socket ??= await this.#connect();
    this.#said = '';
    this.#socket.write(`${line}\n`);
    await until(`linphone's answer to ${line}`, () => /^Status: /m.test(this.#said), 5000);
    return this.#said;
  }

  async message(to: string, text: string): Promise<void> {
    const answer = await this.command(`message sip:${to} ${text}`);
    if (!answer.includes('Status: Ok')) throw new Error(`linphone: ${answer}`);
  }

  /** What it tells of itself, with every SIP message. */
  ownLog(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
  }

  /** To be called when it has ended. */
  close(): void {
    this.#socket?.destroy();
    rmSync(this.#pipe, { force: true }); // it leaves it behind
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#pipe);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.on('data', (bytes: Buffer) => (this.#said += bytes.toString('utf8')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.#socket = undefined));
    return socket;
  }
}
