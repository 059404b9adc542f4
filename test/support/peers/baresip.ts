// baresip 1.0: one account over TLS with RFC 5626 outbound, driven over its control socket. It answers MD5 alone and gives up where
// another algorithm is offered beside it, to come back half a minute later.

import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';

export interface BaresipOptions {
  readonly folder: string;
  readonly address: string;
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** `host:port` of its server. */
  readonly server: string;
  readonly rootsFile: string;
  /** The one in its contact list, whom it watches and writes to. */
  readonly contact: string;
}

const CONTROL_PORT = 4444;

export class Baresip {
  readonly process: PeerProcess;
  readonly #address: string;

  constructor({ folder, address, user, domain, password, server, rootsFile, contact }: BaresipOptions) {
    this.#address = address;
    const modules = [
      'module_tmp uuid.so',
      'module_tmp account.so',
      ...['menu', 'contact', 'presence', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
    ];
    const lines = [
      `sip_listen ${address}:0`,
      `sip_cafile ${rootsFile}`,
      'module_path /usr/lib/baresip/modules',
      ...modules,
      `ctrl_tcp_listen ${address}:${CONTROL_PORT}`,
    ];
    writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
    const account = `<sip:${user}@${domain};transport=tls>;auth_pass=${password};outbound="sip:${server};transport=tls";sipnat=outbound;regint=600`;
    writeFileSync(join(folder, 'accounts'), `${account}\n`);
    writeFileSync(join(folder, 'contacts'), `"Contact" <sip:${contact}>;presence=p2p\n`);
    this.process = new PeerProcess({
      name: 'baresip',
      command: 'baresip',
      args: ['-f', folder, '-v', '-s'], // with every SIP message in its log
      logFile: join(folder, 'baresip.log'),
      ready: (said) => /200 OK \(\) \[1 binding\]/.test(said()),
    });
  }

  /** One command of its menu, e.g. `message` and a text. */
  async command(command: string, params = ''): Promise<string> {
    const socket = connect({ host: this.#address, port: CONTROL_PORT });
    let said = '';
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const words = Buffer.from(JSON.stringify({ command, params, token: '1' }));
    const answered = new Promise<void>((resolve) =>
      socket.on('data', (bytes: Buffer) => {
        said += bytes.toString('utf8');
        if (said.includes('"response":true')) resolve();
      }),
    );
    socket.write(`${words.length}:${words.toString()},`); // a netstring
    await answered;
    socket.destroy();
    return said;
  }
}
