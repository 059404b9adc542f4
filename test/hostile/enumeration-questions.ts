// What somebody asks who wants to know which users we have, over both protocols, and everything that comes back, with ids and names
// taken out: for users of ours who do not exist, who block the asker, and whom policy keeps to themselves (DESIGN 7).

import { setTimeout as pause } from 'node:timers/promises';
import type { RawPeer } from '../support/raw-peer.ts';
import type { RawStream } from '../support/raw-stream.ts';
import { ask } from '../support/sip-exchange.ts';
import { header, method, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import type { Stanza } from '../support/xml-stream.ts';
import { CONTOSO, CORP, PARTNER } from './names.ts';
import type { RunningEdge } from './running-edge.ts';

/** Who is asked about. inside.ts answers for the first four, `POLICY` refuses the others; all must look alike. */
export const HIDDEN = ['unknown', 'gone', 'blocks', 'declines', 'kept', 'grouped'] as const;
export type Hidden = (typeof HIDDEN)[number];

/** Nobody may write to `kept` or see them; `grouped` is kept in a group. */
export const POLICY = {
  federation: 'closed',
  groups: { quiet: [`grouped@${CONTOSO}`, `grouped@${CORP}`] },
  rules: [
    ...[CONTOSO, CORP].map((domain) => ({ who: `kept@${domain}`, with: 'everyone', messages: 'none', theySee: [] })),
    { who: 'group:quiet', with: 'everyone', messages: 'none', theySee: [] },
  ],
};

let count = 0;

/** Asks, and gives what came back in order, comparable. */
export type Question = (user: Hidden) => Promise<readonly string[]>;

export interface Asker {
  readonly questions: Readonly<Record<string, Question>>;
  /** The two whose answer may have to come from inside, for the measurement of times. */
  readonly timed: Readonly<Record<string, Question>>;
  close(): void;
}

export async function asker(edge: RunningEdge): Promise<Asker> {
  const peer = await edge.sip();
  const stream = await edge.xmpp();
  const pongs = setInterval(() => void answerPings(edge, stream), 5);
  const sipMessage: Question = (user) => overSip(peer, 'MESSAGE', user, { 'Content-Type': 'text/plain' }, 'are you there');
  const sipSubscribe: Question = async (user) => {
    const mark = edge.around.partnerSip.requests.length;
    const accept = { Event: 'presence', Expires: '3600', Accept: 'application/pidf+xml', Contact: '<sip:nora@192.0.2.9;transport=tls>' };
    const answers = await overSip(peer, 'SUBSCRIBE', user, accept);
    const notify = await until('the NOTIFY', () =>
      edge.around.partnerSip.requests.slice(mark).find((each) => method(each) === 'NOTIFY' && header(each, 'From').includes(user)),
    );
    const lines = notify.headers.map(([name, value]) => `${name}: ${value}`);
    return [...answers, [notify.start, ...lines, '', notify.body].map((line) => calm(line, user)).join('\n')];
  };
  const xmppMessage: Question = (user) => overXmpp(edge, stream, user, (id) => `<message ${id}><body>are you there</body></message>`);
  const iq =
    (payload: string): Question =>
    (user) =>
      overXmpp(edge, stream, user, (id) => `<iq type='get' ${id}>${payload}</iq>`);
  const presence =
    (type: string): Question =>
    async (user) =>
      quiet(edge, stream, user, (id) => `<presence type='${type}' ${id}/>`);
  return {
    questions: {
      'SIP MESSAGE': sipMessage,
      'SIP SUBSCRIBE': sipSubscribe,
      'XMPP message': xmppMessage,
      'XMPP subscribe': presence('subscribe'),
      'XMPP probe': presence('probe'),
      'XMPP available': async (user) => quiet(edge, stream, user, (id) => `<presence ${id}/>`),
      'XMPP disco#info': iq(`<query xmlns='http://jabber.org/protocol/disco#info'/>`),
      'XMPP disco#items': iq(`<query xmlns='http://jabber.org/protocol/disco#items'/>`),
      'XMPP vCard': iq(`<vCard xmlns='vcard-temp'/>`),
      'XMPP ping': iq(`<ping xmlns='urn:xmpp:ping'/>`),
      'XMPP last activity': iq(`<query xmlns='jabber:iq:last'/>`),
      'XMPP version': iq(`<query xmlns='jabber:iq:version'/>`),
    },
    timed: { 'SIP MESSAGE': sipMessage, 'XMPP message': xmppMessage },
    close: () => clearInterval(pongs),
  };
}

/** As a partner's server does: what was written before a ping has then arrived. */
async function answerPings(edge: RunningEdge, stream: RawStream): Promise<void> {
  const { stanzas } = edge.around.partnerXmpp;
  const isPing = ({ name, attrs }: Stanza): boolean => name === 'iq' && attrs.type === 'get';
  for (const ping of stanzas.waiting().filter(isPing)) {
    await stanzas.next('a ping', (one) => one === ping);
    stream.send(`<iq type='result' id='${ping.attrs.id}' from='${ping.attrs.to}' to='${ping.attrs.from}'/>`);
  }
}

async function overSip(
  peer: RawPeer,
  name: string,
  user: string,
  changes: Parameters<typeof ask>[1],
  body = '',
): Promise<readonly string[]> {
  count += 1;
  const id = `asked-${count}`;
  peer.send(ask(name, { ...changes, uri: `sip:${user}@${CONTOSO}`, To: `<sip:${user}@${CONTOSO}>`, 'Call-ID': id }, body));
  const answer = await peer.next((message) => status(message) >= 200 && header(message, 'Call-ID') === id);
  return [
    [answer.start, ...answer.headers.map(([key, value]) => `${key}: ${value}`), '', answer.body].map((line) => calm(line, user)).join('\n'),
  ];
}

/** Ids and the user's name out; everything else, order and case included, must be the same. */
function calm(line: string, user: string): string {
  return line
    .replaceAll(user, 'USER')
    .replace(/tag=[\w.-]+/g, 'tag=TAG')
    .replace(/branch=[\w.-]+/g, 'branch=BRANCH')
    .replace(/rport=\d+/, 'rport=PORT')
    .replace(/^(Call-ID|Date): .*/i, '$1: ID')
    .replace(/(gr|gruu|subscription-id)=[\w.:-]+/g, '$1=ID');
}

async function overXmpp(edge: RunningEdge, stream: RawStream, user: string, stanza: (attrs: string) => string): Promise<readonly string[]> {
  count += 1;
  const id = `asked-${count}`;
  stream.send(stanza(`from='li@${PARTNER}' to='${user}@${CORP}' id='${id}'`));
  const answer = await answered(edge, id);
  return [printed(answer, user, id)];
}

/** Looks every millisecond: an Inbox looks seldom, which the measurement of times would see. */
async function answered(edge: RunningEdge, id: string): Promise<Stanza> {
  const { stanzas } = edge.around.partnerXmpp;
  const is = ({ attrs }: Stanza): boolean => attrs.id === id;
  for (let ms = 0; ms < 15_000 && !stanzas.waiting().some(is); ms++) await pause(1);
  return stanzas.next(`an answer to ${id}`, is);
}

/** Presence may be answered by silence: a ping behind it is answered when everything before it has been. */
async function quiet(edge: RunningEdge, stream: RawStream, user: string, stanza: (attrs: string) => string): Promise<readonly string[]> {
  count += 1;
  const id = `asked-${count}`;
  const about = ({ attrs }: Stanza): boolean => (attrs.from ?? '').startsWith(`${user}@`);
  stream.send(stanza(`from='li@${PARTNER}' to='${user}@${CORP}' id='${id}'`));
  stream.send(`<iq type='get' id='${id}-p' from='li@${PARTNER}' to='${CORP}'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await edge.around.partnerXmpp.stanzas.next('the ping behind it', ({ attrs }) => attrs.id === `${id}-p`);
  await new Promise((resolve) => setTimeout(resolve, 30)); // what a word from inside would need
  const { stanzas } = edge.around.partnerXmpp;
  const said = stanzas.waiting().filter(about);
  for (const each of said) await stanzas.next('it', (one) => one === each);
  return said.map((each) => printed(each, user, id));
}

function printed(stanza: Stanza, user: string, id: string): string {
  return JSON.stringify(stanza)
    .replaceAll(user, 'USER')
    .replaceAll(id, 'ID')
    .replace(/"id":"(?!ID)[^"]*"/g, '"id":"OURS"');
}
