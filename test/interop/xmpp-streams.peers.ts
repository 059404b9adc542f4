// The wire half of the XMPP shore alone, against real servers: Prosody (both directions on one stream, XEP-0198, direct TLS,
// dialback) and ejabberd (two streams, none of the newer things). No bridge here; when this fails, the stream is at fault.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { type Element, element } from '../../src/protocols/xmpp/element.ts';
import { NS } from '../../src/protocols/xmpp/names.ts';
import type { SendResult } from '../../src/protocols/xmpp/stream-pair.ts';
import { Organisation as OurSide } from '../protocols/xmpp/two-shores.ts';
import { makeCa } from '../support/ca.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  type Organisation,
  organisation,
  records,
  startEjabberd,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';

const noWorld = enterNamespace();
const CORP = 'corp.test';

if (noWorld !== undefined) {
  test('streams with real XMPP servers', { skip: noWorld });
} else {
  describe('streams with real XMPP servers', async () => {
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'juliet');
    const DIRECT = organisation('direct.test', '127.0.3.2', 'dora');
    const DIALBACK = organisation('dialback.test', '127.0.3.3', 'dina');
    const EJABBERD = organisation('ejabberd.test', '127.0.4.1', 'romeo');
    const all = [PROSODY, DIRECT, DIALBACK, EJABBERD];
    const world = await World.open(records(all, [], [CORP], []));
    const stranger = makeCa('Nobody We Know');
    setDefaultCACertificates([world.ca.rootPem, stranger.rootPem]); // for the scripted clients; our edge has its own trust
    const corp = new OurSide({ domains: [CORP], listenOn: `${EDGE.address}:5269` });
    corp.edge.writePair('corp', world.ca.issue({ names: [CORP, EDGE.host] }));
    corp.edge.own.reload();
    corp.edge.write('trust/edge/world.pem', world.ca.rootPem);
    corp.edge.trust.reload();
    for (const { domain } of all) corp.lists([domain], domain === DIALBACK.domain ? { proof: 'dialback' } : {});
    const at = (of: Organisation, service = '_xmpp-server', port = 5269): void => {
      const record = { target: of.address, port, priority: 0, weight: 0 };
      corp.edge.resolver.services.set(`${service}._tcp.${of.domain}`, { kind: 'records', records: [record] });
    };
    for (const server of [PROSODY, DIALBACK, EJABBERD]) at(server);
    at(DIRECT, '_xmpps-server', 5270);
    await corp.listen();
    world.atEnd(() => corp[Symbol.asyncDispose]());

    const [prosody] = await Promise.all([
      startProsody(world, PROSODY, certificateOf(world, PROSODY)),
      startProsody(world, DIRECT, certificateOf(world, DIRECT), { directTls: true }),
      startProsody(world, DIALBACK, certificateOf(world, DIALBACK, 'untrusted', stranger), { dialback: true }),
      startEjabberd(world, EJABBERD, certificateOf(world, EJABBERD)),
    ]);
    const people = new Map(
      await Promise.all(all.map(async (of) => [of.domain, await xmppUser(world, of, Object.keys(of.users)[0] ?? '')] as const)),
    );
    const person = (of: Organisation) => people.get(of.domain)!;
    const send = (of: Organisation, to: string, body: string): Promise<SendResult> => {
      const message = element('message', NS.server, { from: `nora@${CORP}`, to, id: body, type: 'chat' }, [
        element('body', NS.server, {}, [body]),
      ]);
      return corp.shore.send(CORP, of.domain, undefined, message, { durable: true });
    };
    const rows = (of: Organisation, direction: 'in' | 'out') =>
      corp.shore.streams().filter((row) => row.direction === direction && row.theirs === of.domain && row.state === 'open');

    for (const server of all) {
      world.scene(`a message to ${server.domain} arrives and is known to have arrived`, async () => {
        const sent = await send(server, person(server).jid, 'to you');
        assert(sent.kind === 'written', JSON.stringify(sent));
        await person(server).messages.next('our message', (stanza) => stanza.getChildText('body') === 'to you');
        const result = await corp.shore.barrier(CORP, server.domain);
        assert.equal(result.kind, 'covered', JSON.stringify(result));
      });

      world.scene(`a message from ${server.domain} comes with its proof`, async () => {
        await person(server).write(`nora@${CORP}`, 'to nora');
        const { context } = await corp.inbox.next(
          'their message',
          ({ element: got, context: { fromDomain } }) =>
            fromDomain === server.domain && got.attrs.to === `nora@${CORP}` && got.attrs.type === 'chat',
        );
        assert.equal(context.proof, server === DIALBACK ? 'dialback' : 'certificate');
        assert.equal(context.peer, server.domain);
      });

      world.scene(`an error from ${server.domain} comes before the answer to the ping behind it, 50 times of 50`, async () => {
        const order: string[] = [];
        const was = corp.inbox;
        corp.shore.handle({ onStanza: (got: Element) => void order.push(`${got.attrs.type} ${got.attrs.id}`) });
        try {
          for (let n = 0; n < 50; n++) {
            order.length = 0;
            await send(server, `nobody@${server.domain}`, `m${n}`);
            order.push((await corp.shore.barrier(CORP, server.domain)).kind);
            assert.deepEqual(order, [`error m${n}`, 'covered']);
          }
        } finally {
          corp.shore.handle({ onStanza: (got, context) => was.push({ element: got, context }) });
        }
      });
    }

    world.scene('Prosody agrees to both directions on one stream; ejabberd needs two', async () => {
      assert.equal(rows(PROSODY, 'out').length, 1);
      assert.equal(rows(PROSODY, 'out')[0]?.bothWays, true);
      assert.equal(rows(PROSODY, 'in').length, 0);
      assert.equal(rows(EJABBERD, 'out')[0]?.bothWays, false);
      assert.equal(rows(EJABBERD, 'in').length, 1);
    });

    world.scene('a Prosody that was restarted is reached again, and its own stream is adopted when it comes first', async () => {
      await prosody.stop();
      await until('the stream to be gone', () => rows(PROSODY, 'out').length === 0);
      await prosody.start();
      people.set(PROSODY.domain, await xmppUser(world, PROSODY, 'juliet'));
      await person(PROSODY).write(`nora@${CORP}`, 'first');
      await corp.inbox.next('their message', ({ context }) => context.fromDomain === PROSODY.domain);
      assert.equal(rows(PROSODY, 'in')[0]?.bothWays, true);
      assert.equal((await send(PROSODY, person(PROSODY).jid, 'back')).kind, 'written');
      await person(PROSODY).messages.next('ours', (stanza) => stanza.getChildText('body') === 'back');
      assert.equal((await corp.shore.barrier(CORP, PROSODY.domain)).kind, 'covered');
      assert.equal(rows(PROSODY, 'out')[0]?.connection, rows(PROSODY, 'in')[0]?.connection);
    });
  });
}
