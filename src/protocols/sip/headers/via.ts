// Via: where a request came from and where its responses go. RFC 3261 §20.42, RFC 3581 (rport), RFC 5923 (alias).

import { isHost, isIPv6 } from '../host.ts';
import { isToken, type Params, parseParams, skipBlank, splitLines } from './grammar.ts';

export interface Via {
  /** Upper-case: TLS, TCP, UDP, or anything a peer invents. */
  readonly transport: string;
  /** Lower-case; an IPv6 address in brackets. */
  readonly host: string;
  readonly port?: number;
  readonly params: Params;
  /** Absent from senders before RFC 3261. */
  readonly branch?: string;
  readonly received?: string;
  /** `true` when asked for without a value (RFC 3581 §3). */
  readonly rport?: number | true;
  /** RFC 5923: this connection may be used for requests back. */
  readonly alias: boolean;
}

// via-parm = sent-protocol LWS sent-by *( SEMI via-params ) ; sent-protocol = protocol-name SLASH protocol-version SLASH transport
const SENT = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+/i;
// sent-by = host [ COLON port ]
const SENT_BY = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._]{1,253})(?:[ \t]*:[ \t]*(\d{1,5}))?/;

/** Reads one Via value (one hop). */
export function parseVia(value: string): Via | undefined {
  const sent = SENT.exec(value);
  if (sent === null) return undefined;
  const rest = value.slice(sent[0].length);
  const by = SENT_BY.exec(rest);
  if (by === null || !isHost(by[1]!)) return undefined;
  const port = by[2] === undefined ? undefined : Number(by[2]);
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  const params = parseParams(rest, skipBlank(rest, by[0].length));
  if (params === undefined) return undefined;
  const branch = params.get('branch');
  const received = params.get('received');
  const rport = params.get('rport');
  if (branch !== undefined && !isToken(branch)) return undefined;
  if (received !== undefined && !isReceived(received)) return undefined;
  if (rport !== undefined && !/^\d{0,5}$/.test(rport)) return undefined;
  // Spreading conditional parts would cost more than all the reading above.
  const via: { -readonly [Key in keyof Via]: Via[Key] } = {
    transport: sent[1]!.toUpperCase(),
    host: by[1]!.toLowerCase(),
    params,
    alias: params.has('alias'),
  };
  if (port !== undefined) via.port = port;
  if (branch !== undefined) via.branch = branch;
  if (received !== undefined) via.received = received;
  if (rport !== undefined) via.rport = rport === '' ? true : Number(rport);
  return via;
}

/** The top hop of the first Via line; the others are returned as they came and read by whom they are meant for. */
export function parseTopVia(line: string): Via | undefined {
  const top = splitLines([line], 64)?.[0];
  return top === undefined ? undefined : parseVia(top);
}

/** Every hop of all Via lines, top first; undefined when one of them is malformed. */
export function parseVias(lines: readonly string[], maxVias = 64): readonly Via[] | undefined {
  const items = splitLines(lines, maxVias);
  if (items === undefined) return undefined;
  const vias: Via[] = [];
  for (const item of items) {
    const via = parseVia(item);
    if (via === undefined) return undefined;
    vias.push(via);
  }
  return vias;
}

/**
 * The first Via line of a request with `received` (and `rport`, when asked for) added to its top hop, for the responses.
 * RFC 3261 §18.2.1, RFC 3581 §4. Everything else stays as written.
 */
export function stampVia(line: string, top: Via, address: string, port: number): string {
  // The top hop was well formed, so a comma outside quotes ends it and its parameters follow each other without a gap.
  const end = firstHopEnd(line);
  const hop = line
    .slice(0, end)
    .trimEnd()
    .replace(PARAM, (param: string, name: string) => {
      const known = name.toLowerCase();
      if (known === 'received') return '';
      return known === 'rport' && top.rport === true ? `${param.trimEnd()}=${port}` : param;
    });
  const seen = top.rport === true || top.host !== bracketed(address) ? `;received=${address}` : '';
  return hop + seen + line.slice(end);
}

const PARAM = /;[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)(?:[ \t]*=[ \t]*(?:"(?:[^"\\]|\\.)*"|[^;"]*))?[ \t]*/g;

function firstHopEnd(line: string): number {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) return at;
  }
  return line.length;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address.toLowerCase()}]` : address;
}

/** RFC 5118 §4.5: `received` may hold an IPv6 address with or without brackets. */
function isReceived(value: string): boolean {
  return isHost(value) || isIPv6(value);
}
