// XCAP (RFC 4825): documents of users, their elements and attributes, over HTTPS. One route of the web door; each user's requests are
// worked on one after the other.

import { createHash } from 'node:crypto';
import { type Address, bareKey } from '../../../../model/address.ts';
import type { ContactDesk, Core } from '../../../../model/core.ts';
import type { PersonalStore } from '../../../../model/personal.ts';
import type { Clock } from '../../../../model/ports.ts';
import { Turns } from '../../../../model/turns.ts';
import type { WebAnswer, WebRequest, WebRoute } from '../../../../model/web-route.ts';
import { escapeXml } from '../../documents/xml-reader.ts';
import type { Serves } from '../gate.ts';
import { type Conflict, conflict, ERROR_TYPE, printConflict } from './conflict.ts';
import { CAPS, DOCUMENT, printCaps, readDocument, USAGES, type Usage, writeDocument } from './documents.ts';
import { type Edited, putAttribute, putElement, remove } from './edit.ts';
import { whom } from './lists.ts';
import { attributeAt, type DocumentPath, type NodeSelector, readPath, select } from './selector.ts';
import { WebSignIn } from './sign-in.ts';
import { readTree, rootOf, TREE_LIMITS } from './tree.ts';

export interface XcapParts {
  readonly core: Pick<Core, 'signIn' | 'desk' | 'isUser'>;
  readonly store: PersonalStore;
  readonly clock: Clock;
  readonly serves: Serves;
}

/** The XCAP root, behind which the AUID stands. */
const XCAP_PATH = '/xcap/';
/** RFC 4825 §8.2, §8.3. */
const ELEMENT_TYPE = 'application/xcap-el+xml';
const ATTRIBUTE_TYPE = 'application/xcap-att+xml';
const NAMESPACES_TYPE = 'application/xcap-ns+xml';
/** A character may take four bytes. */
const MAX_BODY = TREE_LIMITS.chars * 2;

export function xcap(parts: XcapParts): WebRoute {
  const signIn = new WebSignIn({ signIn: parts.core.signIn, clock: parts.clock });
  const turns = new Turns();
  return {
    methods: ['GET', 'PUT', 'DELETE'],
    path: XCAP_PATH,
    bodyBytes: MAX_BODY,
    async answer(request) {
      const path = readPath(request.path.slice(XCAP_PATH.length), queryOf(request), namespaceOf);
      if (path === undefined) return words(404, 'no document can be there');
      if (path.auid === CAPS.auid) return caps(path, request);
      const usage = USAGES.find(({ auid }) => auid === path.auid);
      const user = path.xui === undefined ? undefined : userOf(path.xui, parts.serves);
      if (usage === undefined || user === undefined) return words(404, 'no document can be there');
      const admission = await signIn.admit(user, request);
      if (admission.kind === 'answer') return admission.answer;
      const body = request.method === 'PUT' ? await textOf(request) : undefined;
      return turns.run(bareKey(user), () => serve({ usage, path, request, body, desk: parts.core.desk(user), store: parts.store }));
    },
  };
}

const namespaceOf = (auid: string): string | undefined => [CAPS, ...USAGES].find((one) => one.auid === auid)?.ns;

/** `xmlns(p=...)` is no `name=value`, but it is read back from it whole. */
function queryOf({ query }: WebRequest): string {
  return [...query].map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
}

/** RFC 4825 §6.2: the XUI is the user's address, with `sip:` or without. */
function userOf(xui: string, serves: Serves): Address | undefined {
  const address = whom(/^sips?:/i.test(xui) ? xui : `sip:${xui}`);
  const domain = address && serves(address.domain);
  return address === undefined || domain === undefined ? undefined : { local: address.local, domain };
}

function caps({ xui, document, node }: DocumentPath, request: WebRequest): WebAnswer {
  if (xui !== undefined || document !== DOCUMENT) return words(404, 'no document can be there');
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed;
  return shown(printCaps(), CAPS.type, node, request);
}

const notAllowed: WebAnswer = { ...words(405, 'this can only be read'), headers: { allow: 'GET, HEAD' } };

interface Asked {
  readonly usage: Usage;
  readonly path: DocumentPath;
  readonly request: WebRequest;
  /** Of a PUT; undefined: it is not UTF-8. */
  readonly body: string | undefined;
  readonly desk: ContactDesk;
  readonly store: PersonalStore;
}

async function serve(asked: Asked): Promise<WebAnswer> {
  const { usage, path, request, desk, store } = asked;
  const now = path.document === DOCUMENT ? await readDocument(usage, desk, store) : undefined;
  if (request.method === 'GET' || request.method === 'HEAD')
    return now === undefined ? words(404, 'there is no such document') : shown(now, usage.type, path.node, request);
  if (usage.write === undefined || path.node?.end.kind === 'namespaces') return notAllowed;
  if (path.document !== DOCUMENT) return refused(conflict('constraint-failure', `the document is called ${DOCUMENT}`));
  const stale = precondition(request, now);
  if (stale !== undefined) return stale;
  return request.method === 'PUT' ? put(asked, now) : gone(asked, now);
}

async function put(asked: Asked, now: string | undefined): Promise<WebAnswer> {
  const { usage, path, request, body } = asked;
  const { node } = path;
  const wanted = node === undefined ? usage.type : node.end.kind === 'attribute' ? ATTRIBUTE_TYPE : ELEMENT_TYPE;
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== wanted) return { ...words(415, `a body of type ${wanted} goes there`), headers: { accept: wanted } };
  if (body === undefined) return refused(conflict('not-utf-8', 'the body is not UTF-8'));
  if (node === undefined) return store(asked, wholeOf(body, now === undefined));
  if (now === undefined) return refused(conflict('no-parent', 'the document is not there', { ancestor: ancestorOf(request, path) }));
  const root = rootOf(now);
  const edited =
    node.end.kind === 'attribute' ? putAttribute(now, root, node.steps, node.end, body) : putElement(now, root, node.steps, body);
  return store(asked, edited);
}

async function gone(asked: Asked, now: string | undefined): Promise<WebAnswer> {
  const { path, usage, desk, store: kept } = asked;
  if (now === undefined) return words(404, 'there is no such document');
  if (path.node !== undefined) {
    const edited = remove(now, rootOf(now), path.node);
    return edited === undefined ? words(404, 'there is no such part of the document') : store(asked, edited);
  }
  const wrong = await writeDocument(usage, undefined, desk, kept);
  return wrong === undefined ? { status: 200 } : refused(wrong);
}

async function store({ usage, desk, store: kept }: Asked, edited: Edited): Promise<WebAnswer> {
  if ('conflict' in edited) return refused(edited);
  const wrong = await writeDocument(usage, edited, desk, kept);
  if (wrong !== undefined) return refused(wrong);
  const after = await readDocument(usage, desk, kept);
  return { status: edited.created ? 201 : 200, ...(after !== undefined && { headers: { etag: etagOf(after) } }) };
}

function wholeOf(body: string, created: boolean): Edited {
  const text = body.replace(/^\uFEFF/, '');
  const root = readTree(text);
  return 'fault' in root ? conflict(root.fault, root.text) : { text, root, created };
}

function shown(text: string, type: string, node: NodeSelector | undefined, request: WebRequest): WebAnswer {
  const part = node === undefined ? { body: text, type } : partOf(text, node);
  if (part === undefined) return words(404, 'there is no such part of the document');
  const etag = etagOf(text);
  const known = tagsOf(request.headers['if-none-match']);
  if (known?.includes('*') === true || known?.includes(etag) === true) return { status: 304, headers: { etag } };
  const wanted = tagsOf(request.headers['if-match']);
  if (wanted !== undefined && !wanted.includes('*') && !wanted.includes(etag)) return words(412, 'the document has changed');
  return { status: 200, headers: { 'content-type': part.type, etag, 'cache-control': 'no-cache, private' }, body: part.body };
}

function partOf(text: string, { steps, end }: NodeSelector): { body: string; type: string } | undefined {
  const element = select(rootOf(text), steps);
  if (element === undefined) return undefined;
  if (end.kind === 'element') return { body: text.slice(element.start, element.end), type: ELEMENT_TYPE };
  if (end.kind === 'attribute') {
    const attribute = attributeAt(element, end);
    return attribute && { body: escapeXml(attribute.value), type: ATTRIBUTE_TYPE };
  }
  // RFC 4825 §7.10: an empty element with every binding in scope.
  const bindings = [...element.namespaces]
    .filter(([prefix]) => prefix !== 'xml' && prefix !== 'xmlns')
    .map(([prefix, uri]) => ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeXml(uri)}"`);
  return { body: `<${element.name}${bindings.join('')}/>`, type: NAMESPACES_TYPE };
}

/** RFC 4825 §7.11: one tag for the document and all of its parts. */
function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/** RFC 9110 §13.1. */
function precondition({ headers }: WebRequest, now: string | undefined): WebAnswer | undefined {
  const etag = now === undefined ? undefined : etagOf(now);
  const [match, none] = [tagsOf(headers['if-match']), tagsOf(headers['if-none-match'])];
  const fits = (tags: readonly string[]): boolean => etag !== undefined && (tags.includes('*') || tags.includes(etag));
  if ((match === undefined || fits(match)) && (none === undefined || !fits(none))) return undefined;
  return { ...words(412, 'the document has changed'), ...(etag !== undefined && { headers: { etag } }) };
}

function tagsOf(value: string | undefined): readonly string[] | undefined {
  return value?.split(',', 64).map((tag) => tag.trim().replace(/^W\//, ''));
}

function ancestorOf({ host }: WebRequest, { auid }: DocumentPath): string {
  return `https://${host}${XCAP_PATH}${auid}/users`;
}

/** The body of a request; undefined: not UTF-8. */
async function textOf({ body }: WebRequest): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    return undefined;
  }
}

function refused(why: Conflict): WebAnswer {
  return { status: 409, headers: { 'content-type': ERROR_TYPE }, body: printConflict(why) };
}

function words(status: number, text: string): WebAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
