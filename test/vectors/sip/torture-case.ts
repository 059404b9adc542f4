// The shape of the torture tables (RFC 4475, RFC 5118). Our own messages between nora@fabrikam.example and
// li@contoso.example, built around the fact each case of the RFC is about.

/** What may come back. `ok`: any final answer but 400 and 500. `drop`: nothing. `wait`: nothing until the time limit closes. */
export type Answer = 'ok' | 'drop' | 'wait' | number;

export interface TortureCase {
  /** The RFC's name for it. */
  readonly name: string;
  readonly section: string;
  readonly fact: string;
  readonly bytes: Buffer;
  /** The answers an edge may give, over a connection. */
  readonly expect: readonly Answer[];
  /** What the codec alone says: passes it on, refuses it with a status, drops it, or waits for more bytes. */
  readonly codec: Answer;
  /** The connection must be closed afterwards. */
  readonly closes?: true;
  /** How many whole messages are in the bytes; 1 when absent. */
  readonly messages?: number;
}

/** Lines to bytes; `{length}` becomes the length of the body. */
export function wire(lines: readonly string[], body: string | Buffer = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const head = `${lines.join('\r\n')}\r\n\r\n`.replace('{length}', String(bytes.length));
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** The lines every ordinary request has, so that a case shows only what is odd about it. */
export function plain(name: string, method: string): readonly string[] {
  return [
    `Via: SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK-${name}`,
    'From: <sip:nora@fabrikam.example>;tag=n0ra',
    'To: <sip:li@contoso.example>',
    `Call-ID: ${name}.8841@edge.fabrikam.example`,
    `CSeq: 41 ${method}`,
    'Max-Forwards: 70',
    'Content-Length: 0',
  ];
}

/** `plain` with the lines of some names replaced (by name, in place) and others put before Content-Length. */
export function odd(name: string, method: string, replaced: Readonly<Record<string, string>>, more: readonly string[] = []): string[] {
  const lines = plain(name, method).map((line) => replaced[line.slice(0, line.indexOf(':'))] ?? line);
  return [...lines.slice(0, -1), ...more, ...lines.slice(-1)];
}

export const SDP = ['v=0', 'o=nora 7715 7715 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', 'm=audio 40200 RTP/AVP 0', ''].join(
  '\r\n',
);
