// PIDF (RFC 3863) with RPID (RFC 4480) and the data model (RFC 4479) to a presence document. Strict about XML and tolerant
// about content: unknown namespaces are ignored (unless mustUnderstand), notes may stand anywhere, tuples that are about
// something else than messaging are left out when another one is, and Lync's extra elements do no harm.

import { createHash } from 'node:crypto';
import { SaxesParser } from 'saxes';
import type { Endpoint, Note, PresenceDocument, Show } from '../../../model/presence.ts';
import { activityOf, showOfActivity } from './pidf-words.ts';

export const PIDF_TYPE = 'application/pidf+xml';

export interface PidfLimits {
  /** Characters of the whole document; a note of 1 MB fits. */
  readonly maxChars: number;
  readonly maxDepth: number;
  readonly maxElements: number;
  readonly maxTuples: number;
  /** Characters a note is cut to. */
  readonly noteChars: number;
}
const LIMITS: PidfLimits = { maxChars: 2 * 1024 * 1024, maxDepth: 16, maxElements: 2000, maxTuples: 32, noteChars: 1000 };
const MAX_NOTES = 8;

export type PidfReading =
  | { readonly kind: 'document'; readonly document: PresenceDocument; readonly entity: string }
  /** `text`: what was found and what would be right. */
  | { readonly kind: 'refused'; readonly text: string };

export interface PidfFacts {
  /** Wall ms: the time of states that carry no timestamp. */
  readonly at: number;
  /** Content-Language of the request, for notes without xml:lang. */
  readonly lang?: string;
}

const NS = {
  pidf: 'urn:ietf:params:xml:ns:pidf',
  dataModel: 'urn:ietf:params:xml:ns:pidf:data-model',
  rpid: 'urn:ietf:params:xml:ns:pidf:rpid',
  jabber: 'jabber:client',
} as const;
/** RFC 4480 in its last drafts, which Linphone, Lync and others still write. */
const RPID_NAMES: ReadonlySet<string> = new Set([
  NS.rpid,
  'urn:ietf:params:xml:ns:pidf:status:rpid',
  'urn:ietf:params:xml:ns:pidf:rpid-tuple',
]);

interface Tuple {
  id: string;
  basic: 'open' | 'closed' | undefined;
  show: string | undefined;
  contact: string | undefined;
  q: number | undefined;
  timestamp: number | undefined;
  idleSince: number | undefined;
  activities: string[];
  notes: Note[];
  messaging: boolean | undefined;
}

/** Reads a document. Never throws; refuses DTDs, ill-formed XML, other roots, what is too large or must be understood and is not. */
export function readPidf(source: string, facts: PidfFacts, limits: PidfLimits = LIMITS): PidfReading {
  if (source.length > limits.maxChars) return refuse(`the document has ${source.length} characters; ${limits.maxChars} are read`);
  const collector = new Collector(facts, limits);
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw new Refusal(`it is not well-formed: ${error.message.slice(0, 120)}`);
  });
  parser.on('doctype', () => {
    throw new Refusal('it has a document type; PIDF has none');
  });
  parser.on('opentag', (tag) => {
    const attributes: Record<string, string> = {};
    for (const attribute of Object.values(tag.attributes))
      attributes[attribute.prefix === 'xml' ? `xml:${attribute.local}` : attribute.local] = attribute.value;
    collector.open(tag.uri, tag.local, new Map(Object.entries(attributes)));
  });
  parser.on('text', (text) => collector.text(text));
  parser.on('cdata', (text) => collector.text(text));
  parser.on('closetag', () => collector.close());
  try {
    parser.write(source.replace(/^\uFEFF/, '')).close();
    return { kind: 'document', document: collector.document(), entity: collector.entity };
  } catch (error) {
    return refuse(error instanceof Refusal ? error.message : 'it is not well-formed');
  }
}

class Refusal extends Error {}

function refuse(text: string): PidfReading {
  return { kind: 'refused', text: `the presence document was not taken: ${text}` };
}

/** Gathers what matters while the parser walks through. One path of element names, one current tuple. */
class Collector {
  entity = '';
  readonly #facts: PidfFacts;
  readonly #limits: PidfLimits;
  readonly #path: string[] = [];
  readonly #tuples: Tuple[] = [];
  readonly #person = { activities: [] as string[], notes: [] as Note[], idleSince: undefined as number | undefined };
  readonly #notes: Note[] = [];
  #tuple: Tuple | undefined;
  #inPerson = false;
  #skipDepth = 0;
  #elements = 0;
  #text = '';
  #lang: (string | undefined)[] = [];
  #attributes: ReadonlyMap<string, string>[] = [];

  constructor(facts: PidfFacts, limits: PidfLimits) {
    this.#facts = facts;
    this.#limits = limits;
  }

  open(ns: string, local: string, attributes: ReadonlyMap<string, string>): void {
    if (++this.#elements > this.#limits.maxElements) throw new Refusal(`it has more than ${this.#limits.maxElements} elements`);
    if (this.#path.length >= this.#limits.maxDepth) throw new Refusal(`it is deeper than ${this.#limits.maxDepth} levels`);
    const name = nameOf(ns, local);
    if (this.#path.length === 0) {
      if (name !== 'presence') throw new Refusal(`its root is ${local.slice(0, 40)}, not presence in ${NS.pidf}`);
      this.entity = attributes.get('entity') ?? '';
    }
    // RFC 3863 §4.2.3: an element that must be understood and is not spoils the tuple or the document it stands in.
    if (name === undefined && attributes.get('mustUnderstand') !== undefined && /^(?:1|true)$/.test(attributes.get('mustUnderstand')!)) {
      if (this.#tuple === undefined) throw new Refusal(`${local.slice(0, 40)} must be understood and is not known here`);
      this.#tuple.messaging = false;
      this.#tuple.basic = undefined;
      this.#tuple.id = '';
    }
    this.#path.push(name ?? '?');
    this.#attributes.push(attributes);
    this.#lang.push(attributes.get('xml:lang') ?? this.#lang.at(-1) ?? this.#facts.lang);
    this.#text = '';
    if (this.#skipDepth > 0 || name === undefined) {
      this.#skipDepth++;
      return;
    }
    if (name === 'tuple') {
      if (this.#path.length !== 2) throw new Refusal('a tuple stands where none may');
      this.#tuple = {
        id: attributes.get('id') ?? '',
        basic: undefined,
        show: undefined,
        contact: undefined,
        q: undefined,
        timestamp: undefined,
        idleSince: undefined,
        activities: [],
        notes: [],
        messaging: undefined,
      };
    } else if (name === 'person') this.#inPerson = true;
    else if (name === 'activity' && this.#path.at(-2) === 'activities') this.#activities()?.push(local);
  }

  text(text: string): void {
    // What is cut later need not be gathered: at most one note's worth and some more.
    if (this.#skipDepth === 0 && this.#text.length < this.#limits.noteChars * 2) this.#text += text.slice(0, this.#limits.noteChars * 2);
  }

  close(): void {
    const name = this.#path.pop();
    const attributes = this.#attributes.pop();
    const lang = this.#lang.pop();
    const text = this.#text;
    this.#text = '';
    if (this.#skipDepth > 0) {
      this.#skipDepth--;
      return;
    }
    const tuple = this.#tuple;
    switch (name) {
      case 'basic':
        if (tuple !== undefined && this.#path.at(-1) === 'status')
          tuple.basic = text.trim() === 'open' ? 'open' : text.trim() === 'closed' ? 'closed' : tuple.basic;
        return;
      case 'show':
        if (tuple !== undefined) tuple.show = text.trim();
        return;
      case 'contact':
        if (tuple === undefined) return;
        tuple.contact = text.trim();
        tuple.q = qValue(attributes?.get('priority'));
        return;
      case 'timestamp':
        if (tuple !== undefined && this.#path.at(-1) === 'tuple') tuple.timestamp = time(text);
        return;
      case 'user-input':
        if (text.trim() !== 'active') this.#idle(attributes?.get('last-input') ?? '');
        return;
      case 'note':
        this.#note(text, lang);
        return;
      case 'tuple':
        // A tuple without an id was spoilt by mustUnderstand, or breaks the schema in a way that leaves nothing to call it.
        if (tuple !== undefined && tuple.id !== '' && this.#tuples.length < this.#limits.maxTuples) this.#tuples.push(tuple);
        this.#tuple = undefined;
        return;
      case 'person':
        this.#inPerson = false;
        return;
      default:
        return;
    }
  }

  document(): PresenceDocument {
    const tuples = this.#tuples.some((tuple) => isMessaging(tuple) === true)
      ? this.#tuples.filter((tuple) => isMessaging(tuple) !== false)
      : this.#tuples;
    const seen = new Set<string>();
    const endpoints: Endpoint[] = [];
    for (const tuple of tuples) {
      const id = endpointId(tuple.id, tuple.contact);
      if (seen.has(id)) continue;
      seen.add(id);
      endpoints.push(this.#endpoint(id, tuple));
    }
    return { endpoints };
  }

  #endpoint(id: string, tuple: Tuple): Endpoint {
    // RFC 3863 §4.1.4: a tuple without basic says nothing about being open; then it is not.
    const availability = tuple.basic ?? 'closed';
    const words = [...tuple.activities, ...this.#person.activities];
    const activity = activityOf(words);
    const idleSince = tuple.idleSince ?? this.#person.idleSince;
    const idleLong = idleSince !== undefined && this.#facts.at - idleSince > 60 * 60 * 1000;
    // Spec 5.5: an explicit show wins over RPID, RPID over notes, which are never guessed from.
    const shown = isShow(tuple.show) ? tuple.show : (showOfActivity(words) ?? (idleLong ? 'xa' : undefined));
    const notes = [tuple.notes, this.#person.notes, this.#notes].find((some) => some.length > 0) ?? [];
    return {
      id,
      availability,
      notes,
      at: tuple.timestamp ?? this.#facts.at,
      ...(shown !== undefined && availability === 'open' ? { show: shown } : {}),
      ...(activity === undefined ? {} : { activity }),
      ...(tuple.q === undefined ? {} : { priority: Math.round(tuple.q * 127) }),
      ...(idleSince === undefined ? {} : { idleSince }),
    };
  }

  #activities(): string[] | undefined {
    const list = this.#inPerson ? this.#person.activities : this.#tuple?.activities;
    return list !== undefined && list.length < 16 ? list : undefined;
  }

  #note(text: string, lang: string | undefined): void {
    const into = this.#tuple?.notes ?? (this.#inPerson ? this.#person.notes : this.#notes);
    const clean = text.trim().slice(0, this.#limits.noteChars).toWellFormed();
    if (clean === '' || into.length >= MAX_NOTES || into.some((note) => note.lang === lang)) return;
    into.push({ text: clean, ...(lang !== undefined && /^[A-Za-z0-9-]{1,35}$/.test(lang) ? { lang } : {}) });
  }

  /** RFC 4480 §3.14: idle, and since when. */
  #idle(lastInput: string): void {
    const since = time(lastInput);
    if (since === undefined) return;
    if (this.#tuple !== undefined) this.#tuple.idleSince = since;
    else if (this.#inPerson) this.#person.idleSince = since;
  }
}

/** The word by which the collector knows an element; undefined: ignored with all that is in it. */
function nameOf(ns: string, local: string): string | undefined {
  if (ns === NS.pidf) return ['presence', 'tuple', 'status', 'basic', 'contact', 'note', 'timestamp'].includes(local) ? local : undefined;
  if (ns === NS.jabber) return local === 'show' ? 'show' : undefined;
  if (ns === NS.dataModel) return local === 'person' || local === 'note' ? local : undefined;
  if (RPID_NAMES.has(ns)) return local === 'activities' || local === 'user-input' || local === 'note' ? local : 'activity';
  return undefined;
}

function isShow(word: string | undefined): word is Show {
  return word === 'chat' || word === 'away' || word === 'xa' || word === 'dnd';
}

/** Is the tuple about messages? Undefined: it has no contact to tell by. */
function isMessaging(tuple: Tuple): boolean | undefined {
  if (tuple.contact === undefined || tuple.contact === '') return undefined;
  return /^(?:sips?|im|pres|xmpp):/i.test(tuple.contact);
}

function qValue(text: string | undefined): number | undefined {
  const q = text !== undefined && /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text.trim()) ? Number(text) : undefined;
  return q;
}

/** ISO 8601 with a zone (RFC 3339); wall ms. */
function time(text: string): number | undefined {
  const at = /^\s*\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})\s*$/.test(text)
    ? Date.parse(text.trim().toUpperCase())
    : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Spec 5.6: the same tuple keeps the same name: `gr` of its contact, our own `ID-` names read back, else a hash. */
function endpointId(tupleId: string, contact: string | undefined): string {
  const gr = contact === undefined ? undefined : /;gr=([^;>?\s]{1,1500})/.exec(contact)?.[1];
  if (gr !== undefined) {
    try {
      const decoded = decodeURIComponent(gr);
      if (decoded !== '' && decoded.length <= 1023) return decoded;
    } catch {
      // not UTF-8: named by its hash below
    }
  }
  return fromTupleId(tupleId) ?? `sip-${createHash('sha256').update(tupleId).digest('hex').slice(0, 10)}`;
}

/** The resource that `toTupleId` wrote; undefined when the id is not of that kind. */
export function fromTupleId(id: string): string | undefined {
  if (!id.startsWith('ID-')) return undefined;
  const resource = id.slice(3).replace(/_x([0-9A-F]{4,6})_/g, (whole, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
  return resource.isWellFormed() && resource.length <= 1023 && !/[\x00-\x1f\x7f]/.test(resource) ? resource : undefined;
}
