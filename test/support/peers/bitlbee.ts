// bitlbee with libpurple: one account of one of its protocols, driven by IRC. libpurple's `simple` knows
// SIP over TCP and UDP, no TLS.

import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { Inbox, listens } from '../wait.ts';

const IRC_PORT = 6667;

/** bitlbee itself: a process for each IRC client, which is what libpurple wants. */
export function bitlbee(folder: string, address: string): PeerProcess {
  const config = join(folder, 'bitlbee.conf');
  writeFileSync(config, '[settings]\n[defaults]\n');
  return new PeerProcess({
    name: 'bitlbee',
    command: 'bitlbee',
    args: ['-F', '-n', '-i', address, '-p', String(IRC_PORT), '-P', join(folder, 'pid'), '-c', config, '-d', folder],
    logFile: join(folder, 'bitlbee.log'),
    ready: () => listens(address, IRC_PORT),
  });
}

export class BitlbeeUser {
  /** Lines of its IRC side. */
  readonly lines = new Inbox<string>('the IRC side of bitlbee');
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    let rest = '';
    socket.on('data', (bytes: Buffer) => {
      const all = (rest + bytes.toString('utf8')).split('\r\n');
      rest = all.pop() ?? '';
      for (const line of all) this.lines.push(line);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.lines.end(new Error('bitlbee has ended')));
  }

  /** Signs in an account. @param settings of the account, by name */
  static async signIn(
    address: string,
    protocol: string,
    account: string,
    password: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<BitlbeeUser> {
    const user = new BitlbeeUser(connect({ host: address, port: IRC_PORT }));
    user.#send('NICK tester');
    user.#send('USER tester 0 * :tester');
    await user.lines.next('its control channel', (line) => line.includes('JOIN :&bitlbee'));
    await user.root(`account add ${protocol} ${account} ${password}`, /successfully added/);
    for (const [name, value] of Object.entries(settings))
      await user.root(`account ${protocol} set ${name} ${value}`, new RegExp(`${name} = `));
    await user.root(`account ${protocol} on`, /Logged in/);
    return user;
  }

  /** A command to bitlbee itself, and the line that answers it. */
  root(command: string, answer: RegExp): Promise<string> {
    this.#send(`PRIVMSG &bitlbee :${command}`);
    const what = `an answer to ${command.split(' ', 2).join(' ')}`;
    return this.lines
      .next(what, (line) => answer.test(line))
      .catch((error: Error) =>
        Promise.reject(new Error(`${error.message}; it said:\n${this.lines.waiting().join('\n')}`, { cause: error })),
      );
  }

  message(nick: string, text: string): void {
    this.#send(`PRIVMSG ${nick} :${text}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }
}
