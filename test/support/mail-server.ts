// A mail server of a few words, for tests: what it took, and what it says when it is told to be difficult.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface PlayedMailServer extends AsyncDisposable {
  readonly port: number;
  /** Every line that clients said. */
  readonly heard: string[];
  /** The mails it took, whole. */
  readonly mails: string[];
  /** Asked at each RCPT TO and at the end of each mail; a text is said in place of yes. */
  answer: (at: 'rcpt' | 'mail', text: string) => string | undefined;
}

/** Plain SMTP on a free port. */
export async function playMailServer(): Promise<PlayedMailServer> {
  const open = new Set<Socket>();
  const played = { heard: [] as string[], mails: [] as string[], answer: (): string | undefined => undefined };
  const server = createServer((socket) => {
    open.add(socket);
    let mail: string[] | undefined;
    let rest = '';
    socket.write('220 mail.test ESMTP\r\n');
    const reply = (text: string): boolean => socket.write(`${text}\r\n`);
    const line = (said: string): unknown => {
      if (mail !== undefined) {
        if (said !== '.') return mail.push(said.replace(/^\.\./, '.'));
        const whole = mail.join('\r\n');
        mail = undefined;
        const no = server_.answer('mail', whole);
        if (no === undefined) played.mails.push(whole);
        return reply(no ?? '250 taken');
      }
      played.heard.push(said);
      if (/^EHLO/.test(said)) return reply('250-mail.test\r\n250 AUTH PLAIN');
      if (/^AUTH/.test(said)) return reply('235 welcome');
      if (/^QUIT/.test(said)) return socket.end('221 bye\r\n');
      if (/^RCPT/.test(said)) return reply(server_.answer('rcpt', said) ?? '250 fine');
      if (said !== 'DATA') return reply('250 fine');
      mail = [];
      return reply('354 go on');
    };
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const one of lines) line(one);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const server_: PlayedMailServer = Object.assign(played, {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  });
  return server_;
}
