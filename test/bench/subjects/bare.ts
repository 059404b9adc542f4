// The yardstick everybody has: a pass-through on node and nothing else. TLS in, cut, the least that must be rewritten, TLS out. No
// policy, no store, no log, no limits, nothing of the repository: what remains is the price of node's sockets and of strings.
//   node test/bench/subjects/bare.ts SIP_PORT STANZA_PORT SIP_END STANZA_END CERT KEY CA

import { readFileSync } from 'node:fs';
import { connect, createServer, type TLSSocket } from 'node:tls';

const [sipPort, stanzaPort, sipEnd, stanzaEnd] = process.argv.slice(2, 6).map(Number);
const [cert, key, ca] = process.argv.slice(6, 9).map((file) => readFileSync(file, 'utf8'));
const credentials = { cert, key, ca };
const served = { ...credentials, requestCert: true, rejectUnauthorized: true };

/** Everything written during one data event leaves as one write. */
const out = new Map<TLSSocket, string>();
function write(socket: TLSSocket, text: string): void {
  out.set(socket, (out.get(socket) ?? '') + text);
}
function flush(): void {
  for (const [socket, text] of out) socket.write(text);
  out.clear();
}

function far(port: number | undefined, take: (text: string) => string): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port: port ?? 0, ...credentials, checkServerIdentity: () => undefined });
  socket.setNoDelay(true);
  read(socket, take);
  return socket;
}

/** @param take consumes whole messages and returns the rest */
function read(socket: TLSSocket, take: (text: string) => string): void {
  let rest = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    rest = take(rest + chunk.toString('utf8'));
    flush();
  });
}

let toSip: TLSSocket | undefined;
let toXmpp: TLSSocket | undefined;
let count = 0;

const header = (head: string, name: string): string => {
  const at = head.indexOf(`\r\n${name}: `) + name.length + 4;
  return head.slice(at, head.indexOf('\r\n', at));
};
const uri = (value: string): string => value.slice(value.indexOf('<sip:') + 5, value.indexOf('>'));

function sipMessages(text: string, take: (head: string, body: string) => void): string {
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) break;
    const head = text.slice(at, end + 2);
    const length = Number(header(head, 'Content-Length'));
    if (text.length < end + 4 + length) break;
    take(head, text.slice(end + 4, end + 4 + length));
    at = end + 4 + length;
  }
  return text.slice(at);
}

createServer(served, (socket) => {
  socket.setNoDelay(true);
  toXmpp ??= far(stanzaEnd, () => '');
  const line = toXmpp;
  read(socket, (text) =>
    sipMessages(text, (head, body) => {
      const [from, to] = [header(head, 'From'), header(head, 'To')];
      const escaped = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      write(line, `<message from='${uri(from)}' to='${uri(to)}' id='${++count}'><body>${escaped}</body></message>`);
      const same = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(head, name)}\r\n`).join('');
      write(socket, `SIP/2.0 200 OK\r\n${same}To: ${to};tag=b\r\nContent-Length: 0\r\n\r\n`);
    }),
  );
}).listen(sipPort, '127.0.0.1');

createServer(served, (socket) => {
  socket.setNoDelay(true);
  toSip ??= far(sipEnd, (text) => sipMessages(text, () => {}));
  const line = toSip;
  read(socket, (text) => {
    let at = 0;
    for (let end = text.indexOf('</message>'); end !== -1; end = text.indexOf('</message>', at)) {
      const one = text.slice(at, end);
      const attr = (name: string): string => {
        const from = one.indexOf(` ${name}='`) + name.length + 3;
        return one.slice(from, one.indexOf("'", from));
      };
      const start = one.indexOf('<body>') + 6;
      const body = one.slice(start, one.indexOf('</body>')).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
      const [from, to] = [attr('from').split('/')[0], attr('to')];
      write(
        line,
        `MESSAGE sip:${to} SIP/2.0\r\nVia: SIP/2.0/TLS bare;branch=z9hG4bK${++count}\r\nMax-Forwards: 70\r\nFrom: <sip:${from}>;tag=${count}\r\n` +
          `To: <sip:${to}>\r\nCall-ID: ${count}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      at = end + 10;
    }
    return text.slice(at);
  });
}).listen(stanzaPort, '127.0.0.1');
