// What a message is, in one line, and between which domains it travels. Made from the masked text: nothing that is not shown in
// the message can be in its summary.

import { headerName } from './sip-mask.ts';

export interface Summary {
  readonly line: string;
  /** Domains that it says it comes from and goes to, lower case. */
  readonly ends: readonly string[];
}

const MAX_LINE = 400;

/** @param head masked */
export function sipSummary(head: string, bodyOctets: number): Summary {
  const [start = '', ...lines] = head.split('\r\n');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = headerName(line.slice(0, colon));
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  const field = (name: string): string => fields.get(name) ?? '-';
  const type = bodyOctets === 0 ? '' : `  [${field('content-type')}, ${bodyOctets} octets]`;
  const line = `${start.replace(/ SIP\/2\.0$/, '').replace(/^SIP\/2\.0 /, '')}  CSeq ${field('cseq')}  Call-ID ${field('call-id')}${type}`;
  return { line: short(line), ends: [...domainsIn(field('from')), ...domainsIn(field('to'))] };
}

function domainsIn(header: string): string[] {
  const [, host] = /\bsips?:(?:[^@<>\s]*@)?([A-Za-z0-9.-]+)/i.exec(header) ?? [];
  return host === undefined ? [] : [host.toLowerCase()];
}

/** @param piece masked */
export function xmppSummary(piece: string): Summary {
  if (piece.startsWith('<?xml')) return { line: 'XML declaration', ends: [] };
  if (piece.startsWith('</')) return { line: 'end of the stream', ends: [] };
  const tag = /^<[^>]*>/.exec(piece)?.[0] ?? '';
  const name = /^<([^\s/>]*)/.exec(tag)?.[1] ?? '';
  const attribute = (key: string): string | undefined => {
    const found = new RegExp(`\\s${key}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
    return found?.[1] ?? found?.[2];
  };
  const [from, to] = [attribute('from'), attribute('to')];
  const said = ['type', 'id', 'h', 'mechanism'].flatMap((key) => {
    const value = attribute(key);
    return value === undefined ? [] : [`${key}=${value}`];
  });
  const road = from === undefined && to === undefined ? [] : [`${from ?? '-'} to ${to ?? '-'}`];
  const inner = piece.slice(tag.length);
  const children = tag.endsWith('/>') ? [] : [...childrenOf(inner)].slice(0, 8);
  const holds = children.length === 0 ? [] : [`[${children.join(' ')}]`];
  const ends = [from, to].flatMap((jid) => (jid === undefined ? [] : [domainOf(jid)]));
  return { line: short([`<${name}>`, ...road, ...said, ...holds].join('  ')), ends };
}

function domainOf(jid: string): string {
  return jid.replace(/\/.*$/s, '').replace(/^.*@/s, '').toLowerCase();
}

/** Names of the elements directly below; the text of a body is counted. */
function* childrenOf(inner: string): Iterable<string> {
  let depth = 0;
  for (const [raw, close, name = '', alone] of inner.matchAll(/<(\/?)([^\s/>!?]+)(?:"[^"]*"|'[^']*'|[^>"'])*?(\/?)>/g)) {
    if (close === '/') depth -= 1;
    else {
      if (depth === 0 && raw !== undefined) yield name;
      if (alone !== '/') depth += 1;
    }
    if (depth < 0) return;
  }
}

function short(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}...` : line;
}
