// What the fuzzer has found, each input under the name of what went wrong; every run of the tests plays them again.

export interface Vector {
  readonly name: string;
  /** A target's name begins so. */
  readonly target: string;
  readonly input: Buffer;
}

export const VECTORS: readonly Vector[] = [
  {
    name: 'an HTML message of 64 KiB of written-out tabs held up everybody for 200 ms',
    target: 'SIP: bodies',
    input: Buffer.from(`text/html\r\n${'&#9;'.repeat(16_000)}x`),
  },
  {
    name: 'an empty Subject inside CPIM became an empty subject',
    target: 'SIP: bodies',
    input: Buffer.from('message/cpim\r\nSubject:\r\n\r\nContent-Type: text/plain\r\n\r\nhello'),
  },
  {
    name: 'an element of the xml: namespace was read and could not be written',
    target: 'XMPP: streams',
    input: Buffer.from(
      "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><message><xml:t xmlns='urn:xmpp:receipts'/></message>",
    ),
  },
];
