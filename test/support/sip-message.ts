// SIP text for the test agent: plain string building and cutting, on purpose without any of the project's own SIP rooms, so
// that a mistake there is not repeated here.

export interface SipText {
  /** First line. */
  readonly start: string;
  /** In order, names as written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const COMPACT: Readonly<Record<string, string>> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
  c: 'content-type',
  o: 'event',
  u: 'allow-events',
  e: 'content-encoding',
  s: 'subject',
  k: 'supported',
};

/** All values of a header, in order. */
export function headers(message: SipText, name: string): string[] {
  return message.headers
    .filter(([key]) => (COMPACT[key.toLowerCase()] ?? key.toLowerCase()) === name.toLowerCase())
    .map(([, value]) => value);
}

/** The first value of a header, or ''. */
export function header(message: SipText, name: string): string {
  return headers(message, name)[0] ?? '';
}

export function method(message: SipText): string {
  return message.start.split(' ')[0] ?? '';
}

export function status(message: SipText): number {
  return message.start.startsWith('SIP/2.0 ') ? Number(message.start.slice(8, 11)) : 0;
}

/** `<sip:a@b;x>;tag=1` -> `sip:a@b;x` */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.split(';')[0]?.trim() ?? '';
}

/** `<sip:a@b;x>;tag=1` -> `a@b` */
export function addressOf(value: string): string {
  return uriOf(value)
    .replace(/^sips?:/, '')
    .split(/[;?]/)[0] as string;
}

export function parameter(value: string, name: string): string | undefined {
  return new RegExp(`;\\s*${name}\\s*=\\s*"?([^;,"\\s]+)`, 'i').exec(value.replace(/<[^>]*>/, ''))?.[1];
}

export function printSip(start: string, lines: readonly string[], body = ''): string {
  return `${[start, ...lines, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`;
}

/** Cuts a byte stream into messages. */
export class SipCutter {
  #rest = Buffer.alloc(0);

  push(bytes: Buffer): SipText[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const out: SipText[] = [];
    for (;;) {
      while (this.#rest.subarray(0, 2).toString('latin1') === '\r\n') this.#rest = this.#rest.subarray(2); // keep-alive
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return out;
      const [start = '', ...lines] = this.#rest
        .subarray(0, end)
        .toString('utf8')
        .replace(/\r\n[ \t]+/g, ' ')
        .split('\r\n');
      const parsed = lines.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()] as const);
      const length = Number(header({ start, headers: parsed, body: '' }, 'content-length') || 0);
      if (this.#rest.length < end + 4 + length) return out;
      out.push({ start, headers: parsed, body: this.#rest.subarray(end + 4, end + 4 + length).toString('utf8') });
      this.#rest = this.#rest.subarray(end + 4 + length);
    }
  }
}
