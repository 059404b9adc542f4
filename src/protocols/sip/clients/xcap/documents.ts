// The documents that a user has here, by AUID (RFC 4825 §5): what is read, what a document must hold, and where a change goes. What
// the core knows stands in the core; the text that a client wrote is kept beside it.

import { bareKey } from '../../../../model/address.ts';
import type { ContactDesk } from '../../../../model/core.ts';
import type { PersonalStore } from '../../../../model/personal.ts';
import { type Conflict, conflict } from './conflict.ts';
import { applyLists, checkLists, currentLists, LISTS_NS, printServices } from './lists.ts';
import { applyRules, checkRules, currentRules, POLICY_NS, RULES_NS } from './rules.ts';
import type { XmlElement } from './tree.ts';

export interface Usage {
  readonly auid: string;
  /** The default namespace of its documents. */
  readonly ns: string;
  readonly type: string;
  /** Absent: it is written by nobody but us. */
  readonly write?: {
    check(root: XmlElement): Conflict | undefined;
    /** Makes it so. undefined: the document is gone. */
    apply(root: XmlElement | undefined, desk: ContactDesk): Promise<Conflict | undefined>;
  };
  /** As it is now; undefined: there is none. */
  read(desk: ContactDesk, stored: string | undefined): Promise<string | undefined>;
}

/** The one document of each tree (RFC 4826 §3.4.7, RFC 5025 §9.7). */
export const DOCUMENT = 'index';
const BOUNDS = { nodes: 0, bytes: 8 * 1024 * 1024 } as const;
const CAPS_NS = 'urn:ietf:params:xml:ns:xcap-caps';

const standingOf = async (desk: ContactDesk) => ({ contacts: (await desk.contacts()).contacts, blocked: await desk.blocked() });

const RESOURCE_LISTS: Usage = {
  auid: 'resource-lists',
  ns: LISTS_NS,
  type: 'application/resource-lists+xml',
  read: async (desk, stored) => currentLists(stored, (await desk.contacts()).contacts),
  write: { check: checkLists, apply: async (root, desk) => applyLists(root, (await desk.contacts()).contacts, desk) },
};
const PRES_RULES: Usage = {
  auid: 'pres-rules',
  ns: POLICY_NS,
  type: 'application/auth-policy+xml',
  read: async (desk, stored) => currentRules(stored, await standingOf(desk)),
  write: { check: checkRules, apply: async (root, desk) => applyRules(root, await standingOf(desk), desk) },
};
const RLS_SERVICES: Usage = {
  auid: 'rls-services',
  ns: 'urn:ietf:params:xml:ns:rls-services',
  type: 'application/rls-services+xml',
  read: async (desk) => printServices(desk.user, (await desk.contacts()).contacts),
};

export const USAGES: readonly Usage[] = [RESOURCE_LISTS, PRES_RULES, RLS_SERVICES];
export const CAPS = { auid: 'xcap-caps', ns: CAPS_NS, type: 'application/xcap-caps+xml' } as const;

/** RFC 4825 §12: what this server knows. */
export function printCaps(): string {
  const list = (outer: string, inner: string, values: readonly string[]): string =>
    `  <${outer}>\n${values.map((value) => `    <${inner}>${value}</${inner}>\n`).join('')}  </${outer}>\n`;
  const auids = [CAPS.auid, ...USAGES.map(({ auid }) => auid)];
  const namespaces = [CAPS_NS, ...USAGES.map(({ ns }) => ns), RULES_NS, 'urn:ietf:params:xml:ns:xcap-error'];
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-caps xmlns="${CAPS_NS}">\n` +
    `${list('auids', 'auid', auids)}  <extensions/>\n${list('namespaces', 'namespace', namespaces)}</xcap-caps>\n`
  );
}

/** The document of a user as it is now. */
export async function readDocument(usage: Usage, desk: ContactDesk, store: PersonalStore): Promise<string | undefined> {
  return usage.read(desk, await store.private(bareKey(desk.user), keyOf(usage)));
}

/** Checks a document, makes it so, and keeps its text. */
export async function writeDocument(
  { write, ...usage }: Usage,
  document: { readonly text: string; readonly root: XmlElement } | undefined,
  desk: ContactDesk,
  store: PersonalStore,
): Promise<Conflict | undefined> {
  if (write === undefined) return conflict('constraint-failure', 'this document is written by the server alone');
  const wrong = (document && write.check(document.root)) ?? (await write.apply(document?.root, desk));
  if (wrong !== undefined) return wrong;
  const kept = await store.putPrivate(bareKey(desk.user), keyOf(usage), document?.text, BOUNDS);
  return kept.kind === 'full' ? conflict('constraint-failure', 'no more can be kept for this user') : undefined;
}

/** No name that XEP-0049 gives an element: those begin with a namespace. */
function keyOf({ auid }: Pick<Usage, 'auid'>): string {
  return `xcap ${auid}`;
}
