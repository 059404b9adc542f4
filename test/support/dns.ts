// A small authoritative DNS server on a loopback UDP port (RFC 1035, 2782, 3403), for tests of discovery: its records can
// change while it runs, and it can be told to fail.
//
//   await using dns = await startDns();
//   dns.set('partner.example', { a: ['192.0.2.1'] });
//   dns.set('_xmpp-server._tcp.partner.example', { srv: [{ target: 'x.partner.example', port: 5269 }] });
//   makeResolver({ clock, servers: [dns.server] })

import { createSocket, type Socket } from 'node:dgram';

export interface DnsRecords {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  /** Target `.`: decidedly not available. */
  readonly srv?: readonly { readonly target: string; readonly port: number; readonly priority?: number; readonly weight?: number }[];
  readonly naptr?: readonly { order: number; preference: number; flags: string; service: string; replacement: string }[];
  /** The name is another name for this one; its A and AAAA come along. */
  readonly cname?: string;
  /** Seconds, default 300. */
  readonly ttl?: number;
}
/** `silent`: no answer at all. */
export type DnsFailure = 'SERVFAIL' | 'REFUSED' | 'silent';

const CNAME = 5;
const TYPES = new Map([
  [1, 'A'],
  [5, 'CNAME'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [35, 'NAPTR'],
]);

export class DnsServer implements AsyncDisposable {
  /** `127.0.0.1:PORT`, as `dns.servers` wants it. */
  readonly server: string;
  /** Every question so far: `SRV _xmpp-server._tcp.partner.example`. */
  readonly questions: string[] = [];
  readonly #socket: Socket;
  readonly #names = new Map<string, DnsRecords>();
  readonly #failures = new Map<string, DnsFailure>();

  constructor(socket: Socket) {
    this.#socket = socket;
    this.server = `127.0.0.1:${socket.address().port}`;
    socket.on('message', (message, from) => {
      const answer = this.#answer(message);
      if (answer) socket.send(answer, from.port, from.address);
    });
  }

  set(name: string, records: DnsRecords): void {
    this.#names.set(name.toLowerCase(), records);
  }
  remove(name: string): void {
    this.#names.delete(name.toLowerCase());
  }
  /** @param name a name, or `*` for every question; `undefined` ends the failure */
  fail(name: string, how: DnsFailure | undefined): void {
    if (how === undefined) this.#failures.delete(name);
    else this.#failures.set(name, how);
  }
  /** How often this was asked, e.g. `asked('A partner.example')`. */
  asked(question: string): number {
    return this.questions.filter((one) => one === question).length;
  }
  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => void this.#socket.close(() => resolve()));
  }

  #answer(message: Buffer): Buffer | undefined {
    const { name, end } = readName(message, 12);
    const type = TYPES.get(message.readUInt16BE(end)) ?? 'other';
    this.questions.push(`${type} ${name}`);
    const failure = this.#failures.get(name) ?? this.#failures.get('*');
    if (failure === 'silent') return undefined;
    const question = message.subarray(12, end + 4);
    const records = this.#names.get(name);
    const answers = failure || !records ? [] : recordsOf(type, records);
    const real = failure || type === 'CNAME' ? undefined : records?.cname;
    const code = failure === 'SERVFAIL' ? 2 : failure === 'REFUSED' ? 5 : records ? 0 : 3;
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580 | code, 2); // response, authoritative, recursion desired and available
    head.writeUInt16BE(1, 4);
    const ttl = records?.ttl ?? 300;
    const resources = answers.map((data) => resource(message.readUInt16BE(end), ttl, data));
    if (real !== undefined) {
      resources.push(resource(CNAME, ttl, writeName(real)));
      // Behind the alias stands what the real name has.
      for (const data of recordsOf(type, this.#names.get(real.toLowerCase()) ?? {}))
        resources.push(resource(message.readUInt16BE(end), ttl, data, writeName(real)));
    }
    head.writeUInt16BE(resources.length, 6);
    return Buffer.concat([head, question, ...resources]);
  }
}

/** Starts a server on a free loopback port. */
export function startDns(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => void socket.bind(0, '127.0.0.1', () => resolve(new DnsServer(socket))));
}

function recordsOf(type: string, records: DnsRecords): Buffer[] {
  switch (type) {
    case 'A':
      return (records.a ?? []).map((address) => Buffer.from(address.split('.').map(Number)));
    case 'CNAME':
      return records.cname === undefined ? [] : [writeName(records.cname)];
    case 'AAAA':
      return (records.aaaa ?? []).map(sixteenBytes);
    case 'SRV':
      return (records.srv ?? []).map((one) => Buffer.concat([words(one.priority ?? 0, one.weight ?? 0, one.port), writeName(one.target)]));
    case 'NAPTR':
      return (records.naptr ?? []).map((one) =>
        Buffer.concat([words(one.order, one.preference), text(one.flags), text(one.service), text(''), writeName(one.replacement)]),
      );
    default:
      return [];
  }
}

/** @param owner the name it belongs to; default: the one that was asked for */
function resource(type: number, ttl: number, data: Buffer, owner: Buffer = Buffer.from([0xc0, 12])): Buffer {
  return Buffer.concat([owner, words(type, 1, ttl >>> 16, ttl & 0xffff, data.length), data]);
}
function words(...values: number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}
function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map(text), Buffer.from([0])]);
}
function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}
function sixteenBytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  return words(...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after);
}
