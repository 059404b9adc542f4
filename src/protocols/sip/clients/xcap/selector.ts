// XCAP URIs (RFC 4825 §6): which document of whom, and which element or attribute in it. Pure.

import { attributeOf, type XmlAttribute, type XmlElement } from './tree.ts';

export interface DocumentPath {
  readonly auid: string;
  /** undefined: below `global`. */
  readonly xui?: string;
  readonly document: string;
  /** undefined: the whole document. */
  readonly node?: NodeSelector;
}

/** `*`: any. */
type NameTest = { readonly ns: string; readonly local: string } | '*';
export interface Step {
  readonly name: NameTest;
  /** From 1. */
  readonly position?: number;
  readonly attribute?: { readonly ns: string; readonly local: string; readonly value: string };
}
export interface NodeSelector {
  readonly steps: readonly Step[];
  readonly end:
    | { readonly kind: 'element' }
    | { readonly kind: 'attribute'; readonly ns: string; readonly local: string }
    | { readonly kind: 'namespaces' };
}

const MAX_STEPS = 32;

/**
 * Reads a path below the XCAP root.
 * @param path percent-encoded, beginning behind the root's slash; @param namespaceOf the default namespace of an AUID's documents
 * @returns undefined for what names nothing here
 */
export function readPath(path: string, query: string, namespaceOf: (auid: string) => string | undefined): DocumentPath | undefined {
  const [before = '', after, ...more] = path.split('/~~/');
  if (more.length > 0) return undefined;
  const words = before.split('/').map(decoded);
  const [auid, where, ...rest] = words;
  if (words.includes(undefined) || auid === undefined) return undefined;
  const namespace = namespaceOf(auid);
  const users = where === 'users';
  if (namespace === undefined || (!users && where !== 'global')) return undefined;
  const [xui, ...inside] = users ? rest : [undefined, ...rest];
  if ((users && (xui === undefined || xui === '')) || inside.length === 0) return undefined;
  const base = { auid, document: inside.join('/'), ...(xui !== undefined && { xui }) };
  if (after === undefined) return base;
  const node = readSelector(after, query, namespace);
  return node && { ...base, node };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const NAME = `[^\\[\\]@*=/"'\\s:]+`;
const STEP = new RegExp(`^(\\*|(?:${NAME}:)?${NAME})(?:\\[(\\d{1,5})\\])?(?:\\[@((?:${NAME}:)?${NAME})=("[^"]*"|'[^']*')\\])?$`, 'u');
const ATTRIBUTE = new RegExp(`^@((?:${NAME}:)?${NAME})$`, 'u');

/** RFC 4825 §6.3: the node selector; §6.4: `xmlns(prefix=namespace)` in the query. */
function readSelector(text: string, query: string, namespace: string): NodeSelector | undefined {
  const bindings = new Map([...query.matchAll(/xmlns\(([^=)]*)=([^)]*)\)/g)].map(([, prefix = '', uri = '']) => [prefix, uri]));
  const segments = text.split('/').map(decoded);
  if (segments.length > MAX_STEPS) return undefined;
  const name = (written: string, unprefixed: string): { ns: string; local: string } | undefined => {
    const [prefix, local] = written.includes(':') ? (written.split(':', 2) as [string, string]) : [undefined, written];
    const ns = prefix === undefined ? unprefixed : bindings.get(prefix);
    return ns === undefined ? undefined : { ns, local };
  };
  let end: NodeSelector['end'] = { kind: 'element' };
  const last = segments.at(-1);
  const attribute = ATTRIBUTE.exec(last ?? '')?.[1];
  if (attribute !== undefined) {
    // An attribute without a prefix is in no namespace (§6.3).
    const named = name(attribute, '');
    if (named === undefined) return undefined;
    end = { kind: 'attribute', ...named };
    segments.pop();
  } else if (last === 'namespace::*') {
    end = { kind: 'namespaces' };
    segments.pop();
  }
  const steps = segments.map((segment) => readStep(segment ?? '', name, namespace));
  return steps.length === 0 || steps.includes(undefined) ? undefined : { steps: steps as Step[], end }; // none is undefined
}

function readStep(
  text: string,
  nameOf: (written: string, unprefixed: string) => { ns: string; local: string } | undefined,
  namespace: string,
): Step | undefined {
  const match = STEP.exec(text);
  if (match === null) return undefined;
  const [, written = '', position, attribute, quoted] = match;
  const name = written === '*' ? '*' : nameOf(written, namespace);
  const test = attribute === undefined ? undefined : nameOf(attribute, '');
  if (name === undefined || (attribute !== undefined && test === undefined) || position === '0') return undefined;
  return {
    name,
    ...(position !== undefined && { position: Number(position) }),
    ...(test !== undefined && { attribute: { ...test, value: unescaped((quoted ?? '').slice(1, -1)) } }),
  };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (all, name: string) => ENTITIES[name] ?? all);
}

/** The children that a step's name means. */
export function named(children: readonly XmlElement[], { name }: Step): readonly XmlElement[] {
  return name === '*' ? children : children.filter(({ ns, local }) => ns === name.ns && local === name.local);
}

/** The one element that the steps lead to; undefined when there is none, or more than one (§6.3). */
export function select(root: XmlElement, steps: readonly Step[]): XmlElement | undefined {
  let level: readonly XmlElement[] = [root];
  let found: XmlElement | undefined;
  for (const step of steps) {
    let matching = named(level, step);
    const { position, attribute } = step;
    if (position !== undefined) matching = matching.slice(position - 1, position);
    if (attribute !== undefined) matching = matching.filter((one) => textOf(one, attribute) === attribute.value);
    if (matching.length !== 1) return undefined;
    found = matching[0];
    level = found?.children ?? [];
  }
  return found;
}

export function attributeAt(element: XmlElement, { ns, local }: { ns: string; local: string }): XmlAttribute | undefined {
  return element.attributes.find((one) => one.ns === ns && one.local === local);
}

function textOf(element: XmlElement, test: { ns: string; local: string }): string | undefined {
  return test.ns === '' ? attributeOf(element, test.local) : attributeAt(element, test)?.value;
}
