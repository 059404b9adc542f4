// The ways through the subjects: who sends, and when a message counts as done. SIP is done when it is answered (Isthmus answers
// when the far end has confirmed), XMPP when it has arrived at the other end.

import { COMPONENT, type Credentials, EJABBERD_DOMAIN, type Ports, ROADS, type RoadName, SIP_DOMAIN, XMPP_DOMAIN } from '../cast.ts';
import { openComponent } from './component-end.ts';
import type { Road } from './pace.ts';
import { answer, field, SipEnd, type SipLine, type SipMessage, sipMessage, stanza } from './sip-end.ts';
import { connectStanzas, openStanzas } from './stanza-end.ts';
import { attribute, type StanzaLine, XmppEnd } from './xmpp-end.ts';

export class Roads {
  readonly sip: SipEnd;
  readonly xmpp: XmppEnd;
  readonly #ports: Ports;
  readonly #xmppCredentials: Credentials;
  readonly #lines = new Map<string, SipLine>();
  readonly #streams = new Map<string, StanzaLine>();
  #road: Road = { send() {}, done() {} };
  #run = '';
  #runs = 0;

  constructor(ports: Ports, sip: Credentials, xmpp: Credentials) {
    this.#ports = ports;
    this.#xmppCredentials = xmpp;
    this.sip = new SipEnd(sip);
    this.xmpp = new XmppEnd(XMPP_DOMAIN, xmpp);
    this.sip.onResponse = (message) => {
      const id = /^(\d+)\.(\d+)\.(\w+)@/.exec(field(message.head, 'Call-ID') ?? '');
      if (message.start[8] !== '1') this.#done(id, message.start[8] === '2');
    };
  }

  async listen(): Promise<void> {
    const { sipEnd, xmppEnd, stanzaEnd } = this.#ports;
    await Promise.all([this.sip.listen(sipEnd), this.xmpp.listen(xmppEnd), openStanzas(stanzaEnd, this.#xmppCredentials)]);
  }

  /** A MESSAGE has come: it is answered, and may be what a road waits for. */
  tookMessage(message: SipMessage, line: SipLine): void {
    line.write(answer(message, 'sink'));
    this.#arrived(message.body);
  }

  /** A stanza has come to the XMPP end. Pings are answered at once. */
  tookStanza(text: string): void {
    if (!text.startsWith('<iq') || attribute(text, 'type') !== 'get') return;
    const [to, from, id] = ['from', 'to', 'id'].map((name) => attribute(text, name));
    this.#streams.get('isthmus')?.write(`<iq type='result' id='${id}' to='${to}' from='${from}'/>`);
  }

  /** The line to a subject's SIP side. @param whose a user's own, where each has one */
  async line(port: number, whose = ''): Promise<SipLine> {
    const key = `${port} ${whose}`;
    const open = this.#lines.get(key);
    if (open !== undefined && !open.socket.destroyed) return open;
    const line = await this.sip.connect(port);
    this.#lines.set(key, line);
    return line;
  }

  /** The stream to Isthmus. */
  async stream(): Promise<StanzaLine> {
    const known = this.#streams.get('isthmus');
    if (known !== undefined && !known.socket.destroyed) return known;
    const opened = await this.xmpp.connect(this.#ports.isthmusXmpp, SIP_DOMAIN);
    this.#streams.set('isthmus', opened);
    return opened;
  }

  async open(name: RoadName): Promise<Road> {
    const { isthmusSip, bareSip, kamailio, ejabberdS2s, ejabberdComponent, bareStanzas } = this.#ports;
    const { subject, ends } = ROADS[name];
    if (ends === 'sip-xmpp' || ends === 'sip-sip') {
      if (subject === 'isthmus') await this.stream();
      const line = await this.line({ isthmus: isthmusSip, bare: bareSip, kamailio }[subject]);
      return this.#begin((slot, number) => line.write(sipMessage(slot, number, this.#run)));
    }
    if (ends === 'xmpp-component') {
      const known = this.#streams.get(subject);
      if (known === undefined) await openComponent(ejabberdComponent, (text) => this.#arrived(text));
      const line = known ?? (await this.xmpp.connect(ejabberdS2s, EJABBERD_DOMAIN));
      this.#streams.set(subject, line);
      return this.#begin((slot, number) => line.write(stanza(slot, number, this.#run, COMPONENT, XMPP_DOMAIN)));
    }
    let line = this.#streams.get(subject);
    if (line === undefined) {
      line = subject === 'isthmus' ? await this.stream() : await connectStanzas(bareStanzas, this.#xmppCredentials);
      this.#streams.set(subject, line);
    }
    const out = line;
    return this.#begin((slot, number) => out.write(stanza(slot, number, this.#run, SIP_DOMAIN, XMPP_DOMAIN)));
  }

  #begin(send: (slot: number, number: number) => void): Road {
    this.#runs += 1;
    this.#run = `r${process.pid}x${this.#runs}`;
    this.#road = { send, done() {} };
    return this.#road;
  }

  #arrived(text: string): void {
    this.#done(/#(\d+)\.(\d+)\.(\w+)#/.exec(text), true);
  }

  #done(id: RegExpExecArray | null, good: boolean): void {
    if (id?.[3] === this.#run) this.#road.done(Number(id[1]), Number(id[2]), good);
  }
}
