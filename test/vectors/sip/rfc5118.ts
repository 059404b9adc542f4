// All 12 messages of RFC 5118: IPv6 in URIs, Via, SDP.

import { odd, plain, type TortureCase, wire } from './torture-case.ts';

const sdp = (...media: readonly string[]): string =>
  ['v=0', 'o=nora 971731 971731 IN IP6 2001:db8::20', 's=-', 't=0 0', ...media, ''].join('\r\n');

const via = (rest: string): Readonly<Record<string, string>> => ({ Via: `Via: SIP/2.0/TLS ${rest}` });
const withSdp = { 'Content-Length': 'Content-Length: {length}' };

export const RFC5118: readonly TortureCase[] = [
  {
    name: 'ipv6-good',
    section: '4.1',
    fact: 'IPv6 references everywhere they may stand',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'REGISTER sip:[2001:db8::10] SIP/2.0',
      ...odd('ipv6-good', 'REGISTER', via('[2001:db8::9:1];branch=z9hG4bKas3-111'), ['Contact: "Nora" <sip:nora@[2001:db8::1]>']),
    ]),
  },
  {
    name: 'ipv6-bad',
    section: '4.2',
    fact: 'an IPv6 address without brackets in the Request-URI',
    expect: [400],
    codec: 400,
    bytes: wire(['REGISTER sip:2001:db8::10 SIP/2.0', ...plain('ipv6-bad', 'REGISTER')]),
  },
  {
    name: 'port-ambiguous',
    section: '4.3',
    fact: 'what looks like a port is the last group of the address',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire(['REGISTER sip:[2001:db8::10:5070] SIP/2.0', ...plain('port-ambiguous', 'REGISTER')]),
  },
  {
    name: 'port-unambiguous',
    section: '4.4',
    fact: 'a port behind the brackets',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire(['REGISTER sip:[2001:db8::10]:5070 SIP/2.0', ...plain('port-unambiguous', 'REGISTER')]),
  },
  {
    name: 'via-received-param-with-delim',
    section: '4.5',
    fact: 'received with brackets',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'BYE sip:[2001:db8::10] SIP/2.0',
      ...odd('via-with', 'BYE', via('[2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111')),
    ]),
  },
  {
    name: 'via-received-param-no-delim',
    section: '4.5',
    fact: 'received without brackets, as the grammar has it',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'OPTIONS sip:[2001:db8::10] SIP/2.0',
      ...odd('via-no', 'OPTIONS', via('[2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111')),
    ]),
  },
  {
    name: 'ipv6-in-sdp',
    section: '4.6',
    fact: 'IPv6 in SDP, without brackets',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire(
      ['INVITE sip:li@[2001:db8::10] SIP/2.0', ...odd('ipv6-in-sdp', 'INVITE', withSdp, ['Content-Type: application/sdp'])],
      sdp('c=IN IP6 2001:db8::20', 'm=audio 6000 RTP/AVP 0'),
    ),
  },
  {
    name: 'mult-ip-in-header',
    section: '4.7',
    fact: 'IPv4 and IPv6 Via in one request',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'BYE sip:li@contoso.example SIP/2.0',
      ...odd('mult-ip', 'BYE', via('[2001:db8::9:1]:6050;branch=z9hG4bKas3-111'), [
        'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
      ]),
    ]),
  },
  {
    name: 'mult-ip-in-sdp',
    section: '4.8',
    fact: 'IPv4 and IPv6 media in one SDP',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire(
      ['INVITE sip:li@[2001:db8::10] SIP/2.0', ...odd('mult-sdp', 'INVITE', withSdp, ['Content-Type: application/sdp'])],
      sdp('m=audio 6000 RTP/AVP 0', 'c=IN IP6 2001:db8::1', 'm=video 6024 RTP/AVP 107', 'c=IN IP4 192.0.2.1'),
    ),
  },
  {
    name: 'ipv4-mapped-ipv6',
    section: '4.9',
    fact: 'IPv4-mapped IPv6 addresses',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'OPTIONS sip:li@[::ffff:192.0.2.10] SIP/2.0',
      ...odd('mapped', 'OPTIONS', via('[::ffff:192.0.2.2]:5060;branch=z9hG4bKlh8yhgd'), ['Contact: "Nora" <sip:nora@[::ffff:192.0.2.2]>']),
    ]),
  },
  {
    name: 'ipv6-bug-abnf-3-colons',
    section: '4.10',
    fact: 'three colons, which the grammar of RFC 3261 let slip through',
    expect: [400, 'ok'],
    codec: 400,
    bytes: wire(['OPTIONS sip:li@[2001:db8:::192.0.2.1] SIP/2.0', ...plain('three-colons', 'OPTIONS')]),
  },
  {
    name: 'ipv6-correct-abnf-2-colons',
    section: '4.10',
    fact: 'the same written right',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire(['OPTIONS sip:li@[2001:db8::192.0.2.1] SIP/2.0', ...plain('two-colons', 'OPTIONS')]),
  },
];
