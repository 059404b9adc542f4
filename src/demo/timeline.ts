// The timeline of the demo: one line for each thing that left or arrived somewhere, with the time since the start.

import type { LedgerEntry } from '../model/outbox-store.ts';
import { readPidf } from '../protocols/sip/documents/pidf-reader.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { child, type Element, text } from '../protocols/xmpp/element.ts';
import { NS } from '../protocols/xmpp/names.ts';

type Actor = 'nora' | 'li' | 'isthmus';

/** Something that arrived, in words, and what the demo waits for it by. */
export interface Arrival {
  readonly at: 'nora' | 'li';
  readonly what: string;
}

export class Timeline {
  readonly #json: boolean;
  readonly #out: (line: string) => void;
  readonly #start = performance.now();
  readonly #arrivals: Arrival[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(json: boolean, out: (line: string) => void) {
    this.#json = json;
    this.#out = out;
  }

  title(words: string): void {
    this.#print({ title: words }, `\n  Isthmus demo: ${words}\n`);
  }
  facts(lines: readonly string[]): void {
    this.#print({ facts: lines }, `${lines.map((line) => `    ${line}`).join('\n')}\n`);
  }
  act(words: string): void {
    this.#print({ act: words }, `\n  ${words}`);
  }
  note(words: string): void {
    this.#print({ note: words }, `\n  ${words}`);
  }

  /** Somebody sends something. */
  sends(actor: Actor, protocol: 'SIP' | 'XMPP', what: string): void {
    this.#line(actor, protocol, '→', what);
  }

  /** How one message or subscription crossed, from the ledger. */
  crossed(entry: LedgerEntry): void {
    const { network, proof, peer, state, evidence, wire, hop } = entry;
    const took = entry.endedAt === undefined ? '' : ` after ${entry.endedAt - entry.acceptedAt} ms`;
    const ids =
      network === 'sip'
        ? `Call-ID ${entry.theirs.callId ?? wire.callId} -> stanza ${wire.stanzaId}`
        : `stanza ${entry.theirs.wireId ?? ''} -> Call-ID ${wire.callId}`;
    this.#line(
      'isthmus',
      'LEDGER',
      '·',
      `${entry.kind} from ${peer} (proven: ${proof})\n${ids}\n${state} to ${hop?.domain ?? entry.to}${took}: ${evidence ?? 'waits'}`,
    );
  }

  request(request: SipRequest): void {
    const what = describeRequest(request);
    this.#line('nora', 'SIP', '←', what);
    this.#arrive({ at: 'nora', what });
  }

  stanza(stanza: Element): void {
    const what = describeStanza(stanza);
    if (what === undefined) return;
    this.#line('li', 'XMPP', '←', what);
    this.#arrive({ at: 'li', what });
  }

  /** An answer that a sender got. */
  answered(actor: Actor, what: string): void {
    this.#line(actor, actor === 'nora' ? 'SIP' : 'XMPP', '←', what);
  }

  /** Resolves when something matching has arrived; false after `ms`. */
  arrived(at: Arrival['at'], what: RegExp, ms = 8000): Promise<boolean> {
    const seen = (): boolean => this.#arrivals.some((arrival) => arrival.at === at && what.test(arrival.what));
    return new Promise((resolve) => {
      const look = (): void => {
        if (!seen()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        resolve(false);
      }, ms);
      this.#waiting.add(look);
      look();
    });
  }

  missing(words: string): void {
    this.#print({ missing: words }, `  MISSING   ${words}`);
  }

  end(good: boolean, log: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    this.#print(
      { good, seconds },
      good ? `\n  everything crossed, both ways, in ${seconds} s` : `\n  something did not cross; the log is ${log} while the demo runs`,
    );
  }

  #arrive(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    for (const look of [...this.#waiting]) look();
  }

  #line(actor: Actor, protocol: string, arrow: string, what: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(3);
    const head = `  ${seconds.padStart(7)}  ${actor.padEnd(8)} ${arrow} ${protocol.padEnd(6)} `;
    this.#print(
      { at: Number(seconds), actor, protocol, direction: arrow, what: what.replaceAll('\n', '; ') },
      head + what.replaceAll('\n', `\n${' '.repeat(head.length)}`),
    );
  }

  #print(record: Record<string, unknown>, line: string): void {
    this.#out(this.#json ? JSON.stringify(record) : line);
  }
}

function describeRequest(request: SipRequest): string {
  const { method, headers, body } = request;
  const content = Buffer.from(body).toString('utf8');
  const type = headers.get('content-type') ?? '';
  const from = /<([^>]*)>/.exec(headers.get('from') ?? '')?.[1] ?? '';
  if (method === 'MESSAGE')
    return type.includes('iscomposing') ? `MESSAGE from ${from}: is composing` : `MESSAGE from ${from}: "${content}"`;
  if (method !== 'NOTIFY') return `${method} from ${from}`;
  const state = headers.get('subscription-state')?.split(';')[0] ?? '';
  const reading = content === '' ? undefined : readPidf(content, { at: 0 });
  const shown =
    reading?.kind === 'document'
      ? reading.document.endpoints.map(
          (endpoint) =>
            `${endpoint.availability}${endpoint.show === undefined ? '' : ` ${endpoint.show}`}${endpoint.notes[0] === undefined ? '' : ` "${endpoint.notes[0].text}"`}`,
        )
      : [];
  return `NOTIFY ${state}${shown.length === 0 ? ', nothing to show yet' : `: ${shown.join(', ')} (PIDF)`}`;
}

function describeStanza(stanza: Element): string | undefined {
  const { from = '', type } = stanza.attrs;
  const part = (name: string): string | undefined => {
    const found = child(stanza, name, NS.server);
    return found === undefined ? undefined : text(found);
  };
  if (stanza.name === 'message') {
    const body = part('body');
    if (body !== undefined) return `<message> from ${from}: "${body}"`;
    return stanza.children.some((node) => typeof node !== 'string' && node.ns === NS.chatStates)
      ? `<message> from ${from}: chat state`
      : undefined;
  }
  if (stanza.name !== 'presence') return undefined;
  if (type !== undefined) return `<presence type='${type}'> from ${from}`;
  const status = part('status');
  return `<presence> from ${from}: ${part('show') ?? 'available'}${status === undefined ? '' : ` "${status}"`}`;
}
