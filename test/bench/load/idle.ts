// Connections and streams that say nothing after they were opened, for the memory figures.

import { type Ports, SIP_DOMAIN } from '../cast.ts';
import type { Roads } from './roads.ts';

/** So many handshakes at once. */
const AT_ONCE = 20;
/** Isthmus admits only so many connections of one address, so they come from several. */
const ADDRESSES = 50;

export class Idle {
  readonly #roads: Roads;
  readonly #ports: Ports;
  #opened = 0;

  constructor(roads: Roads, ports: Ports) {
    this.#roads = roads;
    this.#ports = ports;
  }

  async open(what: 'tls' | 's2s', count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => this.#one(what)));
    }
  }

  async #one(what: 'tls' | 's2s'): Promise<void> {
    this.#opened += 1;
    const from = `127.0.1.${1 + (this.#opened % ADDRESSES)}`;
    if (what === 's2s') {
      await this.#roads.xmpp.connect(this.#ports.isthmusXmpp, SIP_DOMAIN, from);
      return;
    }
    const line = await this.#roads.sip.connect(this.#ports.isthmusSip, from);
    line.write('\r\n\r\n'); // RFC 5626: a sign of life
  }
}
