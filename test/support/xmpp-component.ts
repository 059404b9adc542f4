// A component (XEP-0114) of an XMPP server, by hand: what Isthmus will be for an internal server.

import { createHash } from 'node:crypto';
import { RawStream } from './raw-stream.ts';
import type { Stanza } from './xml-stream.ts';

export class XmppComponent {
  readonly #stream: RawStream;

  private constructor(stream: RawStream) {
    this.#stream = stream;
  }

  static async join(options: {
    readonly address: string;
    readonly port?: number;
    readonly name: string;
    readonly secret: string;
  }): Promise<XmppComponent> {
    const stream = await RawStream.connect(options.address, options.port ?? 5347, `component ${options.name}`);
    stream.send(`<stream:stream xmlns="jabber:component:accept" xmlns:stream="http://etherx.jabber.org/streams" to="${options.name}">`);
    const { id = '' } = await stream.opened();
    stream.send(`<handshake>${createHash('sha1').update(`${id}${options.secret}`).digest('hex')}</handshake>`);
    await stream.element('the handshake to be accepted', (stanza) => stanza.name === 'handshake');
    return new XmppComponent(stream);
  }

  send(text: string): void {
    this.#stream.send(text);
  }

  stanza(what: string, fits: (stanza: Stanza) => boolean, withinMs?: number): Promise<Stanza> {
    return this.#stream.element(what, fits, withinMs);
  }

  leave(): void {
    this.#stream.close();
  }
}
