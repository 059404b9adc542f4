// What the answer to OPTIONS says about a partner, and what a Microsoft edge says about itself in ms-diagnostics.

import { reason } from '../../errors.ts';
import type { FinerCode } from '../../model/diagnosis.ts';
import type { Reason, ReasonCode } from '../../model/reason.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';

// MS-OCER, table of the errors 1000 to 1999; the last five as seen in traces (ms-sip.md 2.2).
const MS_DIAGNOSTICS: Readonly<Record<number, string>> = {
  1001: 'not authorized for public IM',
  1002: 'not authorized for federation',
  1003: 'the user does not exist',
  1004: 'the route set is no longer valid',
  1005: 'it cannot route to the destination domain',
  1006: 'an error while routing on a client connection',
  1007: 'it cannot route temporarily',
  1008: 'it finds no DNS SRV record (of ours, or of its next hop)',
  1009: 'SRV record and host domain contradict each other',
  1010: 'it has no trust in the certificate of the next hop',
  1011: 'the hop before gave no diagnostics',
  1012: 'the sender is not authorized to communicate outside',
  1027: 'this kind of request cannot be routed to or from federated partners',
  1034: 'the federated peer before it reported nothing',
  1047: 'the TLS negotiation with a federated peer failed',
  4003: 'the user is not enabled for remote access',
  4005: 'the destination is not enabled for SIP',
};
const RANGES: readonly (readonly [number, number, string])[] = [
  [4000, 4999, 'user services'],
  [6000, 6999, 'IM conferences'],
  [16_000, 16_999, 'the IM filter'],
  [17_000, 17_999, 'the client version'],
  [90_000, 99_999, 'public IM connectivity'],
];

/** What ms-diagnostics or Warning add, in words; undefined when neither is there. */
export function diagnosticsWords(header: (name: string) => string | undefined): string | undefined {
  const value = header('ms-diagnostics') ?? header('ms-diagnostics-public');
  const code = /^\s*(\d{1,6})/.exec(value ?? '')?.[1];
  if (value === undefined || code === undefined) {
    const warning = header('warning');
    return warning === undefined ? undefined : `Warning: ${plain(warning)}`;
  }
  const number = Number(code);
  const known = MS_DIAGNOSTICS[number] ?? RANGES.find(([from, to]) => number >= from && number <= to)?.[2];
  const said = /reason="([^"]{1,200})"/.exec(value)?.[1];
  const source = /source="([^"]{1,120})"/.exec(value)?.[1];
  return `ms-diagnostics ${code}${known === undefined ? '' : `: ${known}`}${said === undefined ? '' : ` ("${plain(said)}")`}${source === undefined ? '' : `, said by ${plain(source)}`}`;
}

const FAULTS: Readonly<Record<number, readonly [ReasonCode, FinerCode]>> = {
  401: ['PEER_FORBIDDEN', 'SIP_403_FORBIDDEN'],
  403: ['PEER_FORBIDDEN', 'SIP_403_FORBIDDEN'],
  407: ['PEER_FORBIDDEN', 'SIP_403_FORBIDDEN'],
  408: ['PEER_ERROR', 'SIP_504_TIMEOUT'],
  481: ['PEER_ERROR', 'SIP_481_NO_DIALOG'],
  482: ['PEER_ERROR', 'SIP_482_LOOP'],
  483: ['PEER_ERROR', 'SIP_483_TOO_MANY_HOPS'],
  488: ['PEER_NOT_ACCEPTABLE', 'SIP_488_NOT_ACCEPTABLE'],
  503: ['PEER_BUSY', 'SIP_503_UNAVAILABLE'],
  504: ['PEER_ERROR', 'SIP_504_TIMEOUT'],
  603: ['PEER_FORBIDDEN', 'SIP_403_FORBIDDEN'],
  606: ['PEER_NOT_ACCEPTABLE', 'SIP_488_NOT_ACCEPTABLE'],
};

/**
 * Why an answer to OPTIONS is a refusal; undefined when it shows a server that takes requests for the domain. RFC 3261 §11.2: the
 * answer is the one an INVITE would get, so 404, 405, 480, 484 and 501 about a domain without a user mean that it lives - unless
 * a Microsoft edge adds a diagnosis to its 404.
 */
export function answerFault(response: SipResponse, domain: string): Reason | undefined {
  const { status, phrase, headers } = response;
  const diagnostics = diagnosticsWords((name) => headers.get(name));
  const retryAfter = /^\s*(\d{1,6})/.exec(headers.get('retry-after') ?? '')?.[1];
  const wait = retryAfter === undefined ? '' : `, to be tried again after ${retryAfter} s`;
  const text = `${domain} answers OPTIONS with ${status} ${plain(phrase)}${wait}${diagnostics === undefined ? '' : ` (${diagnostics})`}`;
  if (status === 404 && headers.get('ms-diagnostics') === undefined && headers.get('ms-diagnostics-public') === undefined) return undefined;
  if (status === 404) return reason('PEER_ERROR', text, { finer: 'SIP_404_NOT_FOUND' });
  const fault = FAULTS[status];
  if (fault !== undefined) return reason(fault[0], text, { finer: fault[1] });
  return status >= 500 && status !== 501 ? reason('PEER_ERROR', text, { finer: 'SIP_ERROR' }) : undefined;
}

/** Why a MESSAGE was refused; undefined when it was taken. */
export function messageFault(response: SipResponse, domain: string): Reason | undefined {
  const { status, phrase, headers } = response;
  if (status < 300) return undefined;
  const diagnostics = diagnosticsWords((name) => headers.get(name));
  const text = `${domain} answers MESSAGE with ${status} ${plain(phrase)}${diagnostics === undefined ? '' : ` (${diagnostics})`}`;
  if (status === 404 || status === 604) return reason('PEER_UNKNOWN_USER', text);
  if (status === 480 || status === 408) return reason('PEER_UNAVAILABLE', text);
  const [code, finer] = FAULTS[status] ?? (['PEER_ERROR', 'SIP_ERROR'] as const);
  return reason(code, text, { finer });
}

function plain(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');
}
