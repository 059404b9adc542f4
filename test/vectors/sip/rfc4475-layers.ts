// RFC 4475 §3.2 to §3.4: right for the parser, questions for the layers above; and what older senders write.

import { odd, plain, SDP, type TortureCase, wire } from './torture-case.ts';

const URI = 'sip:li@contoso.example';

export const LAYERS: readonly TortureCase[] = [
  {
    name: 'badbranch',
    section: '3.2.1',
    fact: 'a branch that is only the cookie: treated as RFC 2543',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      `OPTIONS ${URI} SIP/2.0`,
      ...odd('badbranch', 'OPTIONS', { Via: 'Via: SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK' }),
    ]),
  },
  {
    name: 'insuf',
    section: '3.3.1',
    fact: 'no Call-ID, From or To',
    expect: [400, 'drop'],
    codec: 400,
    bytes: wire([`INVITE ${URI} SIP/2.0`, ...plain('insuf', 'INVITE').filter((line) => !/^(?:Call-ID|From|To):/.test(line))]),
  },
  {
    name: 'unkscm',
    section: '3.3.2',
    fact: 'unknown scheme in the Request-URI',
    expect: [416],
    codec: 416,
    bytes: wire(['OPTIONS nobodyKnowsThisScheme:opaque SIP/2.0', ...plain('unkscm', 'OPTIONS')]),
  },
  {
    name: 'novelsc',
    section: '3.3.3',
    fact: 'a scheme that exists and is odd here',
    expect: [416],
    codec: 416,
    bytes: wire(['OPTIONS soap.beep://192.0.2.9:3002 SIP/2.0', ...plain('novelsc', 'OPTIONS')]),
  },
  {
    name: 'unksm2',
    section: '3.3.4',
    fact: 'unknown schemes in To, From and Contact',
    expect: [400, 404, 416],
    codec: 416,
    bytes: wire([
      'REGISTER sip:contoso.example SIP/2.0',
      ...odd('unksm2', 'REGISTER', { To: 'To: isbn:2983792873', From: 'From: <http://www.fabrikam.example>;tag=n0ra' }, [
        'Contact: <name:Nora_N>',
      ]),
    ]),
  },
  {
    name: 'bext01',
    section: '3.3.5',
    fact: 'unknown Require and Proxy-Require',
    expect: [420],
    codec: 'ok',
    bytes: wire([
      `OPTIONS ${URI} SIP/2.0`,
      ...odd('bext01', 'OPTIONS', {}, ['Require: nothingSupportsThis, nothingSupportsThisEither', 'Proxy-Require: noProxiesSupportThis']),
    ]),
  },
  {
    name: 'invut',
    section: '3.3.6',
    fact: 'unknown content type: 415 with Accept, where the method is taken at all',
    expect: [405, 415],
    codec: 'ok',
    bytes: wire(
      [
        `INVITE ${URI} SIP/2.0`,
        ...odd('invut', 'INVITE', { 'Content-Length': 'Content-Length: {length}' }, ['Content-Type: application/unknownformat']),
      ],
      '<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n',
    ),
  },
  {
    name: 'regaut01',
    section: '3.3.7',
    fact: 'unknown authorization scheme',
    expect: [401, 407, 400, 405],
    codec: 'ok',
    bytes: wire([
      'REGISTER sip:contoso.example SIP/2.0',
      ...odd('regaut01', 'REGISTER', {}, ['Authorization: NoOneKnowsThisScheme opaque-data=here']),
    ]),
  },
  {
    name: 'multi01',
    section: '3.3.8',
    fact: 'repeated single headers',
    expect: [400],
    codec: 400,
    bytes: wire([
      `INVITE ${URI} SIP/2.0`,
      ...odd('multi01', 'INVITE', {}, [
        'CSeq: 59 INVITE',
        'Call-ID: multi01.second@edge.fabrikam.example',
        'From: <sip:other@fabrikam.example>;tag=3413415',
        'To: <sip:mei@contoso.example>',
        'Max-Forwards: 5',
      ]),
    ]),
  },
  {
    name: 'mcl01',
    section: '3.3.9',
    fact: 'two lengths',
    expect: [400],
    codec: 400,
    closes: true,
    bytes: wire([`OPTIONS ${URI} SIP/2.0`, ...plain('mcl01', 'OPTIONS'), 'Content-Length: 5'], 'There may be more than 5 bytes'),
  },
  {
    name: 'bcast',
    section: '3.3.10',
    fact: 'a 200 whose second Via is a broadcast address: send nothing anywhere',
    expect: ['drop'],
    codec: 'ok',
    bytes: wire([
      'SIP/2.0 200 OK',
      ...odd('bcast', 'INVITE', {}, [
        'Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23',
        'Contact: <sip:nora@edge.fabrikam.example>',
      ]),
    ]),
  },
  {
    name: 'zeromf',
    section: '3.3.11',
    fact: 'Max-Forwards 0: 483 from whom would forward it, else an answer',
    expect: [483, 'ok'],
    codec: 'ok',
    bytes: wire([`OPTIONS ${URI} SIP/2.0`, ...odd('zeromf', 'OPTIONS', { 'Max-Forwards': 'Max-Forwards: 0' })]),
  },
  {
    name: 'cparam01',
    section: '3.3.12',
    fact: 'a header parameter behind a Contact without brackets',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'REGISTER sip:contoso.example SIP/2.0',
      ...odd('cparam01', 'REGISTER', {}, ['Contact: sip:+19725552222@gw1.fabrikam.example;unknownparam']),
    ]),
  },
  {
    name: 'cparam02',
    section: '3.3.13',
    fact: 'a URI parameter inside the brackets of a Contact',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'REGISTER sip:contoso.example SIP/2.0',
      ...odd('cparam02', 'REGISTER', {}, ['Contact: <sip:+19725552222@gw1.fabrikam.example;unknownparam>']),
    ]),
  },
  {
    name: 'regescrt',
    section: '3.3.14',
    fact: 'URI headers inside the brackets of a Contact',
    expect: ['ok'],
    codec: 'ok',
    bytes: wire([
      'REGISTER sip:contoso.example SIP/2.0',
      ...odd('regescrt', 'REGISTER', {}, ['Contact: <sip:nora@fabrikam.example?Route=%3Csip:edge.fabrikam.example%3E>']),
    ]),
  },
  {
    name: 'sdp01',
    section: '3.3.15',
    fact: 'an Accept that leaves SDP out',
    expect: ['ok', 406, 488],
    codec: 'ok',
    bytes: wire(
      [
        `INVITE ${URI} SIP/2.0`,
        ...odd('sdp01', 'INVITE', { 'Content-Length': 'Content-Length: {length}' }, [
          'Accept: text/nobodyKnowsThis',
          'Content-Type: application/sdp',
        ]),
      ],
      SDP,
    ),
  },
  {
    name: 'inv2543',
    section: '3.4.1',
    fact: 'an INVITE as before RFC 3261: no branch, no tags, no Max-Forwards, and no length, which no stream can carry',
    expect: ['ok', 400],
    codec: 400,
    bytes: wire(
      [
        `INVITE ${URI} SIP/2.0`,
        'Via: SIP/2.0/UDP gw.fabrikam.example',
        'Record-Route: <sip:old.fabrikam.example>',
        'From: <sip:nora@fabrikam.example>',
        'To: <sip:li@contoso.example>',
        'Call-ID: inv2543.1717@gw.fabrikam.example',
        'CSeq: 56 INVITE',
        'Content-Type: application/sdp',
      ],
      SDP,
    ),
  },
];
