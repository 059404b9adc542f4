// Watches the log for how connections of partners to us went, and keeps it for `partner test` (model/peer-try.ts). The same
// thing said again within a minute is not written again, and a flood of strangers is sampled.

import { LRUCache } from 'lru-cache';
import { tlsFailure } from '../edge/tls-failure.ts';
import type { LogLine } from '../log.ts';
import { atMost } from '../model/at-most.ts';
import type { FinerCode } from '../model/diagnosis.ts';
import type { PeerTry, PeerTryStore } from '../model/peer-try.ts';
import type { Clock } from '../model/ports.ts';
import type { ReasonCode } from '../model/reason.ts';

const AGAIN_MS = 60_000;
/** A success is written when the domain was refused before, or after this time. */
const GOOD_AGAIN_MS = 10 * 60_000;
const REMEMBERED = 2000;
const MAX_TEXT = 500;
/** Rows written in one second at most. */
const PER_SECOND = 20;

/** For `observed(log, ...)`: quick, never throws, never logs. */
export function watchPeerTries(store: PeerTryStore, clock: Clock): (line: LogLine) => void {
  const written = new LRUCache<string, { readonly ok: boolean; readonly code: string; readonly at: number }>(atMost(REMEMBERED));
  let second = 0;
  let count = 0;
  return (line) => {
    const one = readLine(line, clock.now());
    if (one === undefined) return;
    const key = one.domain ?? one.address ?? '';
    const before = written.get(`${one.protocol} ${key}`);
    const same = before !== undefined && before.ok === one.ok && before.code === codeOf(one);
    if (same && one.at - before.at < (one.ok ? GOOD_AGAIN_MS : AGAIN_MS) && one.at >= before.at) return;
    const now = Math.floor(clock.monotonic() / 1000);
    count = now === second ? count + 1 : 1;
    second = now;
    if (count > PER_SECOND) return;
    written.set(`${one.protocol} ${key}`, { ok: one.ok, code: codeOf(one), at: one.at });
    store.note(one);
  };
}

const codeOf = (one: PeerTry): string => one.finer ?? one.code ?? '';

/** What a line says about a connection to us; undefined for all other lines. */
export function readLine({ fields, bound, sentence }: LogLine, at: number): PeerTry | undefined {
  const all = { ...bound, ...fields };
  const word = (name: string): string | undefined =>
    typeof all[name] === 'string' && all[name] !== '' ? String(all[name]).slice(0, MAX_TEXT) : undefined;
  const address = word('address') ?? word('peer');
  const where = { at, ...(address !== undefined && { address }) };
  const xmpp = word('network') === 'xmpp' || word('protocol') === 'xmpp';
  const protocol = xmpp ? 'xmpp' : 'sip';
  const refused = (domain: string | undefined, code: string | undefined, text: string | undefined, finer?: FinerCode): PeerTry => ({
    ...where,
    protocol,
    ...(domain !== undefined && { domain }),
    ok: false,
    code: (code ?? 'NET_STREAM_FAILED') as ReasonCode, // log lines carry codes of the catalogue under this name
    ...(finer !== undefined && { finer }),
    text: (text ?? sentence ?? '').slice(0, MAX_TEXT),
  });
  switch (fields.event) {
    case 'peer.refused':
      return refused(word('domain'), word('code'), word('reason'));
    case 'sip.request.refused':
      // Who it is was in question; that a user or domain does not exist is another matter.
      return word('direction') === 'out' || !/^(CERT|AUTH|PARTNER)_/.test(word('code') ?? '')
        ? undefined
        : refused(hostOf(word('from')), word('code'), sentence);
    case 'message.limited':
      return word('code')?.startsWith('LIMIT_') === true ? untold(refused(hostOf(word('from')), word('code'), sentence)) : undefined;
    case 'stream.refused':
      // Ours to a partner that called; what `peer.refused` has said already carries more.
      return word('direction') === 'in' && word('condition') !== 'not-authorized'
        ? refused(
            undefined,
            'NET_STREAM_FAILED',
            `we ended its stream with ${word('condition')}${word('text') === undefined ? '' : ` (${word('text')})`}`,
          )
        : undefined;
    case 'stream.error':
      return word('direction') === 'in'
        ? refused(
            undefined,
            'NET_STREAM_FAILED',
            `it ended its own stream with ${word('condition')}${word('text') === undefined ? '' : ` (${word('text')})`}`,
          )
        : undefined;
    case 'tls.failed': {
      const error = all.err;
      const text = word('reason') ?? (error instanceof Error ? error.message.slice(0, MAX_TEXT) : 'the TLS handshake failed');
      const one = refused(undefined, 'NET_TLS_FAILED', text, tlsFailure(text, '').finer);
      return xmpp ? one : untold(one);
    }
    case 'stream.silent':
      return {
        ...refused(word('to'), 'XMPP_NO_RETURN_PATH', 'it takes our stanzas and does not answer our ping: it cannot reach us'),
        protocol: 'xmpp',
      };
    case 'stream.opened': {
      const domain = word('from');
      return word('direction') === 'in' && domain !== undefined
        ? { ...where, protocol: 'xmpp', domain, ok: true, text: `an XMPP stream, proven by ${word('proof') ?? 'its certificate'}` }
        : undefined;
    }
    case 'sip.peer.proven': {
      const domain = word('domain');
      return word('direction') === 'in' && word('side') === 'edge' && domain !== undefined
        ? { ...where, protocol: 'sip', domain, ok: true, text: `a SIP connection, proven by ${word('proof') ?? 'its certificate'}` }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** The line does not say which protocol it was. */
function untold({ protocol: _unknown, ...one }: PeerTry): PeerTry {
  return one;
}

function hostOf(address: string | undefined): string | undefined {
  return /@?([^@:;>]+)(?::\d+)?(?:;.*)?$/.exec(address?.replace(/^sips?:/i, '') ?? '')?.[1]?.toLowerCase();
}
