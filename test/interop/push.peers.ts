// Phones and newcomers: @xmpp/client signs in by SASL2 with everything inline, loses its connection, and a push service behind
// a real Prosody is told over s2s; somebody comes in with an invitation, through a client and through the page.

import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, test } from 'node:test';
import { client, type XmppElement, type XmppEntity, xml } from '@xmpp/client';
import { complianceRows } from '../support/compliance.ts';
import { coreWorld, DOMAIN } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { prosody } from '../support/peers/prosody.ts';
import { RawStream } from '../support/raw-stream.ts';
import { Inbox, until } from '../support/wait.ts';
import type { Stanza } from '../support/xml-stream.ts';
import { XmppComponent } from '../support/xmpp-component.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const HOST = `chat.${DOMAIN}`;
const ADDRESS = '127.0.23.1';
const PROSODY = '127.0.23.2';
const SERVICE = 'push.prosody.test';
const PUBSUB = 'http://jabber.org/protocol/pubsub';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('push services and invitations', { skip: noWorld });
} else {
  describe('push services and invitations', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: {
        host: HOST,
        xmpp: [`starttls://${ADDRESS}:5222`, `tls://${ADDRESS}:5223`],
        web: `https://${ADDRESS}:443`,
        push: SERVICE,
      },
      srv: [
        { name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 },
        { name: `_xmpp-server._tcp.${DOMAIN}`, target: 'edge.people.example', port: 5269 },
        { name: `_xmpp-server._tcp.${SERVICE}`, target: 'prosody.test', port: 5269 },
      ],
      hosts: { 'prosody.test': PROSODY, [SERVICE]: PROSODY },
      // The service has no messages to exchange with anybody; only DNS to a loopback address needs the file.
      partners: { [SERVICE]: { allowPrivateAddresses: true, allow: { messages: 'none' } } },
      passwords: { nora: 'n0ra-secret', omar: '0mar-secret' },
    });
    await Promise.all([
      world.start(home.isthmus),
      world.start(
        prosody({
          folder: world.room('prosody'),
          address: PROSODY,
          domain: 'prosody.test',
          users: {},
          certificate: world.certificate({ names: ['prosody.test', SERVICE] }),
          rootsFile: world.rootsFile,
          extra: `Component "${SERVICE}"\n  component_secret = "swordfish"\n`,
        }),
      ),
    ]);
    const service = await XmppComponent.join({ address: PROSODY, name: SERVICE, secret: 'swordfish' });
    const omar = await XmppUser.signIn({ user: 'omar', domain: DOMAIN, password: '0mar-secret', address: ADDRESS });
    const phone = await Phone.signIn('nora', 'n0ra-secret');
    world.atEnd(() => Promise.all([omar.signOut(), phone.entity.stop().catch(() => undefined), service.leave()]));

    world.scene('@xmpp/client signs in by SASL2, binds, enables stream management and is given a token', async () => {
      assert.match(phone.entity.jid?.toString() ?? '', /^nora@people\.example\/phone\/[\w-]+$/);
      assert.equal(phone.entity.streamManagement.enabled, true);
      assert.notEqual(phone.entity.streamManagement.id, '');
      assert.equal((await phone.entity.fast.fetchToken())?.mechanism, 'HT-SHA-256-NONE');
    });

    world.scene('what docs/compliance.md says is announced is announced; the same over TLS from the first byte', async () => {
      const featuresOf = async (to: string): Promise<(string | undefined)[]> => {
        const query = xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' });
        const info = await phone.entity.iqCaller.request(xml('iq', { type: 'get', to }, query), 10_000);
        return (
          info
            .getChild('query')
            ?.getChildElements()
            .map(({ attrs }) => attrs.var) ?? []
        );
      };
      const direct = await RawStream.connectTls(ADDRESS, 5223, 'direct TLS', {
        servername: DOMAIN,
        ca: world.ca.rootPem,
        ALPNProtocols: ['xmpp-client'],
      });
      const [before, after] = await offered(direct);
      direct.close();
      const announced = new Map<string, readonly (string | undefined)[]>([
        ['domain', await featuresOf(DOMAIN)],
        ['account', await featuresOf(`nora@${DOMAIN}`)],
        ['stream', [...namespaces(before), ...namespaces(after)]],
      ]);
      for (const row of complianceRows())
        for (const { by, what } of row.announced)
          assert(announced.get(by)?.includes(what), `${row.feature}: ${by} does not announce ${what}`);
      const started = await newcomer();
      started.close();
    });

    world.scene('a service that is not named is refused; one that is may be enabled', async () => {
      const info = await phone.ask('get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }));
      const features = info.getChild('query')?.getChildElements() ?? [];
      assert(features.some(({ attrs }) => attrs.var === 'urn:xmpp:push:0'));
      assert.equal((await phone.enable('push.elsewhere.test', 'n1')).getChild('error')?.getChildElements()[0]?.name, 'not-allowed');
      assert.equal((await phone.enable(SERVICE, 'n1')).attrs.type, 'result');
    });

    world.scene('while the phone is away its service is told how many messages wait, and nothing of what they say', async () => {
      phone.entity.reconnect.delay = 3000;
      phone.cut();
      await home.logged('client.waits', `nora@${DOMAIN}`);
      await omar.write(`nora@${DOMAIN}`, 'a secret for Nora');
      const told = await service.stanza('the publication', ({ name }) => name === 'iq');
      assert.deepEqual([told.attrs.from, told.attrs.to], [`nora@${DOMAIN}`, SERVICE]);
      const words = JSON.stringify(told);
      assert(!words.includes('a secret') && !words.includes('omar'), words);
      const pubsub = told.children[0];
      assert.equal(pubsub?.ns, PUBSUB);
      assert.equal(find(pubsub, 'publish')?.attrs.node, 'n1');
      assert.equal(fieldOf(pubsub, 'message-count'), '1');
      assert.equal(fieldOf(pubsub, 'secret'), 'eruio234vzxc2kla-91');
      answer(service, told);
      await home.logged('push.sent', `nora@${DOMAIN}`);
    });

    world.scene('it comes back with its token, resumes, and has the message', async () => {
      const before = phone.entity.jid?.toString();
      const got = await phone.messages.next('the message', (stanza) => stanza.getChildText('body') === 'a secret for Nora', 15_000);
      assert.equal(got.attrs.from?.startsWith(omar.jid), true);
      assert.equal(phone.entity.jid?.toString(), before);
      await home.logged('client.resumed', `nora@${DOMAIN}`);
      // A token that does not fit would have been followed by the password.
      assert(!home.log().some(({ event }) => event === 'user.signInFailed'));
    });

    world.scene('a correction, a request for a marker and the ids of a message stand in the archive as they were written', async () => {
      const children = [
        xml('replace', { xmlns: 'urn:xmpp:message-correct:0', id: 'm0' }),
        xml('markable', { xmlns: 'urn:xmpp:chat-markers:0' }),
        xml('request', { xmlns: 'urn:xmpp:receipts' }),
        xml('origin-id', { xmlns: 'urn:xmpp:sid:0', id: 'o1' }),
      ];
      const id = await omar.write(`nora@${DOMAIN}`, 'corrected', { children });
      await omar.write(`nora@${DOMAIN}`, 'for no archive', { children: [xml('no-permanent-store', { xmlns: 'urn:xmpp:hints' })] });
      const live = await phone.messages.next('it, live', (stanza) => stanza.getChildText('body') === 'corrected');
      await phone.messages.next('the other', (stanza) => stanza.getChildText('body') === 'for no archive');
      const { name } = live.getChild('stanza-id', 'urn:xmpp:sid:0') ?? {};
      assert.equal(name, 'stanza-id');
      await phone.ask('set', xml('query', { xmlns: 'urn:xmpp:mam:2', queryid: 'q1' }));
      const archived = phone.messages.waiting().flatMap((stanza) => {
        const result = stanza.getChild('result', 'urn:xmpp:mam:2');
        const inner = result?.getChild('forwarded')?.getChild('message');
        return inner === undefined ? [] : [inner];
      });
      const found = archived.find(({ attrs }) => attrs.id === id);
      assert.deepEqual(
        found?.getChildElements().map((one) => one.name),
        ['body', 'replace', 'markable', 'request', 'origin-id'],
      );
      assert(!archived.some((inner) => inner.getChildText('body') === 'for no archive'));
    });

    world.scene('a service that refuses is not asked again', async () => {
      phone.entity.reconnect.stop();
      phone.cut();
      await until('the phone waits', () => home.log().filter(({ event }) => event === 'client.waits').length === 2);
      await omar.write(`nora@${DOMAIN}`, 'one more');
      const told = await service.stanza('the publication', ({ name }) => name === 'iq');
      answer(service, told, "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
      await home.logged('push.disabled', `nora@${DOMAIN}`);
    });

    world.scene('somebody comes in with an invitation and a client, once', async () => {
      const made = await home.command('user', 'invite', `li@${DOMAIN}`, '--json');
      assert.equal(made.code, 0, made.out + made.err);
      const { uri, id } = JSON.parse(made.out) as { uri: string; id: string };
      const token = /^xmpp:li@people\.example\?register;preauth=(.+)$/.exec(uri)?.[1] ?? '';
      const register = async (): Promise<string[]> => {
        const stream = await newcomer();
        const said: string[] = [];
        const ask = async (type: string, payload: string): Promise<void> => {
          stream.send(`<iq type='${type}' id='r${said.length}' to='${DOMAIN}'>${payload}</iq>`);
          const got = await stream.element('an answer', ({ name }) => name === 'iq');
          said.push(got.attrs.type === 'error' ? (find(got, 'error')?.children[0]?.name ?? '') : 'result');
        };
        await ask('get', "<query xmlns='jabber:iq:register'/>");
        await ask('set', `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`);
        await ask('set', "<query xmlns='jabber:iq:register'><username>li</username><password>short</password></query>");
        await ask('set', "<query xmlns='jabber:iq:register'><username>li</username><password>l1-secret-too</password></query>");
        stream.close();
        return said;
      };
      assert.deepEqual(await register(), ['forbidden', 'result', 'not-acceptable', 'result']);
      const li = await XmppUser.signIn({ user: 'li', domain: DOMAIN, password: 'l1-secret-too', address: ADDRESS });
      await li.signOut();
      assert.deepEqual(await register(), ['forbidden', 'item-not-found', 'forbidden', 'forbidden']);
      const list = await home.command('user', 'invite', '--list');
      assert.match(list.out, new RegExp(`${id} +li@people\\.example +used +1 of 1`));
      const audit = await home.command('audit', 'list');
      assert.match(audit.out, /user join/);
    });

    world.scene('somebody comes in through the page, with a name of their own', async () => {
      const made = await home.command('user', 'invite', DOMAIN, '--json');
      assert.equal(made.code, 0, made.out + made.err);
      const { link } = JSON.parse(made.out) as { link: string };
      assert.match(link, /^https:\/\/chat\.people\.example\/invite\//);
      const page = await web(link, world.ca.rootPem);
      assert.equal(page.status, 200);
      assert.match(page.text, /<svg /);
      assert(!page.text.includes('<script'));
      const wrong = await web(link, world.ca.rootPem, 'name=omar&password=0123456789a&again=0123456789a');
      assert.match(wrong.text, /name is taken/);
      const joined = await web(link, world.ca.rootPem, 'name=Zoe&password=z0e-secret-too&again=z0e-secret-too');
      assert.equal(joined.status, 200, joined.text);
      assert.match(joined.text, /zoe@people\.example/);
      assert.equal((await web(link, world.ca.rootPem)).status, 404);
      const zoe = await XmppUser.signIn({ user: 'zoe', domain: DOMAIN, password: 'z0e-secret-too', address: ADDRESS });
      await zoe.signOut();
    });
  });
}

/** A client on a phone, whose connection may be cut. */
class Phone {
  readonly entity: XmppEntity;
  readonly messages = new Inbox<XmppElement>('the messages of the phone');
  readonly answers = new Inbox<XmppElement>('the answers to the phone');

  private constructor(username: string, password: string) {
    this.entity = client({ service: `xmpp://${ADDRESS}:5222`, domain: DOMAIN, resource: 'phone', username, password, timeout: 15_000 });
    this.entity.on('error', () => undefined); // cut connections are part of the scenes
    this.entity.on('stanza', (stanza) => {
      if (stanza.name === 'message') this.messages.push(stanza);
      if (stanza.name === 'iq') this.answers.push(stanza);
    });
  }

  static async signIn(username: string, password: string): Promise<Phone> {
    const phone = new Phone(username, password);
    await phone.entity.start();
    await phone.entity.send(xml('presence'));
    return phone;
  }

  ask(type: string, payload: XmppElement): Promise<XmppElement> {
    return this.entity.iqCaller.request(xml('iq', { type, to: `nora@${DOMAIN}` }, payload), 10_000);
  }

  /** The answer to a request that may be refused: iqCaller leaves a refusal unhandled that comes before its own send has ended. */
  async answer(payload: XmppElement): Promise<XmppElement> {
    const id = crypto.randomUUID();
    await this.entity.send(xml('iq', { type: 'set', id, to: `nora@${DOMAIN}` }, payload));
    return this.answers.next('the answer', ({ attrs }) => attrs.id === id);
  }

  enable(jid: string, node: string): Promise<XmppElement> {
    const field = (name: string, value: string): XmppElement => xml('field', { var: name }, xml('value', {}, value));
    const form = xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      field('FORM_TYPE', `${PUBSUB}#publish-options`),
      field('secret', 'eruio234vzxc2kla-91'),
    );
    return this.answer(xml('enable', { xmlns: 'urn:xmpp:push:0', jid, node }, form));
  }

  cut(): void {
    const { socket } = this.entity;
    (socket?.socket ?? socket)?.destroy?.();
  }
}

async function newcomer(): Promise<RawStream> {
  const stream = await RawStream.connect(ADDRESS, 5222, 'the newcomer');
  const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${DOMAIN}' version='1.0'>`;
  stream.send(header);
  await stream.opened();
  await stream.element('features');
  stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  await stream.element('proceed', ({ name }) => name === 'proceed');
  await stream.tlsAsClient(DOMAIN);
  stream.send(header);
  await stream.opened();
  const features = await stream.element('the features');
  assert(features.children.some(({ ns }) => ns === 'urn:xmpp:ibr-token:0'));
  return stream;
}

/** The features of a stream before and after a sign-in. */
async function offered(stream: RawStream): Promise<readonly [Stanza, Stanza]> {
  const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${DOMAIN}' version='1.0'>`;
  stream.send(header);
  await stream.opened();
  const before = await stream.element('the features');
  const initial = Buffer.from('\0omar\x000mar-secret').toString('base64');
  stream.send(`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>${initial}</initial-response></authenticate>`);
  await stream.element('the success', ({ name }) => name === 'success');
  return [before, await stream.element('the features')];
}

/** Of everything that is named in features. */
function namespaces(features: Stanza): readonly string[] {
  return features.children.flatMap((one) => [one.ns, ...namespaces(one)]);
}

function answer(service: XmppComponent, { attrs }: Stanza, error = ''): void {
  service.send(`<iq type='${error === '' ? 'result' : 'error'}' id='${attrs.id}' from='${attrs.to}' to='${attrs.from}'>${error}</iq>`);
}

function find(stanza: Stanza | undefined, name: string): Stanza | undefined {
  for (const one of stanza?.children ?? []) {
    const found = one.name === name ? one : find(one, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fieldOf(stanza: Stanza | undefined, name: string): string | undefined {
  for (const one of stanza?.children ?? []) {
    const found = one.name === 'field' && one.attrs.var === name ? one.children[0]?.text : fieldOf(one, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function web(link: string, ca: string, form?: string): Promise<{ readonly status: number; readonly text: string }> {
  const headers = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const call = request(link, { method: form === undefined ? 'GET' : 'POST', ca, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(form);
  });
}
