// Payloads as they are kept, one element as text, and as elements again. What many people are shown is read once.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../../../model/at-most.ts';
import type { Element } from '../../element.ts';
import { NS } from '../../names.ts';
import { parseElement } from '../../parse.ts';
import { printElement } from '../../print.ts';
import { CLIENT_SETTINGS } from '../limits.ts';

/** Small ones only, so that the memory is bounded: 8 MiB of text at most. */
const REMEMBERED = new LRUCache<string, Element>(atMost(4000));
const REMEMBERED_LENGTH = 2000;

export function readPayload(text: string | undefined): Element | undefined {
  if (text === undefined) return undefined;
  const known = REMEMBERED.get(text);
  if (known !== undefined) return known;
  const read = parseElement(text, NS.client, CLIENT_SETTINGS.after);
  if (read !== undefined && text.length <= REMEMBERED_LENGTH) REMEMBERED.set(text, read);
  return read;
}

/** With its namespace, wherever it will stand. */
export function printPayload(node: Element): string {
  return printElement(asSaid(node), '');
}

/** What belongs to streams of clients has that name again (everywhere else on this shore it is `jabber:server`). */
function asSaid(node: Element): Element {
  const children = node.children.map((part) => (typeof part === 'string' ? part : asSaid(part)));
  return { ...node, ns: node.ns === NS.server ? NS.client : node.ns, children };
}
