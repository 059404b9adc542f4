// What the filters of the border do to real traffic: Kamailio inside, Prosody outside, and the operator's own filter as an HTTP
// server. The rules change while it runs, and `isthmus explain` says which line changed or refused a message.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Home } from '../support/home.ts';
import { enterNamespace } from '../support/namespace.ts';
import {
  certificateOf,
  EDGE,
  INSIDE,
  organisation,
  records,
  sipUser,
  startKamailio,
  startProsody,
  xmppUser,
} from '../support/organisations.ts';
import { header, status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { conditionOf } from '../support/xmpp-user.ts';

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('filters at the border', { skip: noWorld });
} else {
  describe('filters at the border', async () => {
    const CORP = organisation('corp.test', '127.0.2.1', 'nora');
    const PROSODY = organisation('prosody.test', '127.0.3.1', 'juliet');
    const world = await World.open(records([PROSODY], [], [CORP.domain], [CORP]));
    const good = (of: typeof CORP) => certificateOf(world, of);

    const hook = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer); // no encoding was set
      const { body, direction } = JSON.parse(Buffer.concat(parts).toString()) as { body: string; direction: string };
      if (request.headers.authorization !== 'Bearer s3cret' || body.includes('break')) response.writeHead(500).end();
      else if (/\d{4}-\d{4}/.test(body)) response.end(JSON.stringify({ action: 'refuse', reason: 'it looks like a card number' }));
      else if (body.includes('tell')) response.end(JSON.stringify({ action: 'replace', body: `${direction}: ${body}` }));
      else response.end(JSON.stringify({ action: 'pass' }));
    });
    hook.listen(0, '127.0.0.1');
    await once(hook, 'listening');
    world.atEnd(() => hook.close());
    const hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`; // it listens on a port

    const listed = { prefer: 'xmpp', allow: { theySee: ['availability'] }, allowPrivateAddresses: true };
    const home = new Home(world.room('home'), {
      isthmus: {
        edge: { host: EDGE.host, sip: `tls://${EDGE.address}:5061`, xmpp: `starttls://${EDGE.address}:5269` },
        inside: { host: INSIDE.host, sip: `tls://${INSIDE.address}:5061` },
      },
      domains: { [CORP.domain]: { served: 'sip', nextHop: `tls://${CORP.host}:5061`, acceptFrom: CORP.host } },
      partners: { [PROSODY.domain]: listed },
      own: { corp: world.certificate({ names: [CORP.domain, EDGE.host, INSIDE.host] }) },
      trustEdge: { world: world.ca.rootPem },
      trustInside: { world: world.ca.rootPem },
      secrets: { 'filter-hook': 's3cret\n' },
    });
    const through = { kind: 'through', host: INSIDE.host, port: 5061, transport: 'tls' } as const;
    await Promise.all([
      startKamailio(world, CORP, good(CORP), through, [CORP.domain]),
      startProsody(world, PROSODY, good(PROSODY)),
      world.start(home.isthmus),
    ]);
    const nora = await sipUser(world, CORP, 'nora');
    const juliet = await xmppUser(world, PROSODY, 'juliet');
    const rules = async (text: string): Promise<void> => {
      home.file('routes/filters.yaml', text);
      await home.reload();
    };
    /** Writes, expects an error. @returns its condition */
    const refused = async (body: string): Promise<string | undefined> => {
      await juliet.write(nora.aor, body);
      return conditionOf(await juliet.message(nora.aor, (stanza) => stanza.attrs.type === 'error', 20_000));
    };
    const explained = (id: string, words: RegExp): Promise<string> =>
      until(`explain ${id} to say ${words.source}`, async () => {
        const { out } = await home.command('explain', id);
        return words.test(out) ? out : undefined;
      });

    world.scene('without filters.yaml a link passes as it is', async () => {
      await juliet.write(nora.aor, 'see https://evil.example/x');
      assert.equal((await nora.messageFrom(juliet.jid)).body, 'see https://evil.example/x');
    });

    world.scene('a link from outside arrives dead and marked; explain names the lines', async () => {
      await rules('urls: { action: allow }\nexternalMark:\n  prefix: "[External]"\n  warning: Not one of us.\n');
      const id = await juliet.write(nora.aor, 'see HTTPS://evil.example/x and https://portal.corp.test/');
      assert.equal(
        (await nora.messageFrom(juliet.jid)).body,
        'Not one of us.\n[External] see _HTTPS://evil.example/x and https://portal.corp.test/',
      );
      const said = await explained(id, /changed or added to by routes\/filters\.yaml:1 \(\/urls\/action\)/);
      assert.doesNotMatch(said, /evil/);
      assert.equal(status(await nora.message(juliet.jid, 'https://anything.example/')), 200);
      assert.equal((await juliet.message(nora.aor)).getChildText('body'), 'https://anything.example/', 'fromThem only');
    });

    world.scene('a refused link and a refused name of a file: the sender is told, the operator reads why', async () => {
      await rules('urls: { action: block }\nfiles: {}\n');
      assert.equal(await refused('see https://evil.example/'), 'policy-violation');
      const callId = crypto.randomUUID();
      const answer = await nora.message(juliet.jid, 'run setup.exe', [], { callId });
      assert.equal(status(answer), 403);
      assert.match(header(answer, 'warning'), /\.exe/);
      await explained(callId, /CONTENT_FILTERED/);
      await home.logged('message.filtered', 'refuse', juliet.jid);
      assert.deepEqual([nora.messages.waiting(), juliet.messages.waiting()], [[], []]);
    });

    world.scene("a partner's file makes an exception", async () => {
      home.partner(PROSODY.domain, { ...listed, filters: { urls: 'warn', files: 'off' } });
      await home.reload();
      await juliet.write(nora.aor, 'https://evil.example/setup.exe');
      assert.match(
        (await nora.messageFrom(juliet.jid)).body,
        /^This message from outside has a link\..*\nhttps:\/\/evil\.example\/setup\.exe$/,
      );
      home.partner(PROSODY.domain, listed);
    });

    world.scene('the disclaimer is read once by the partner', async () => {
      await rules('disclaimer: { text: Messages with us are archived. }\n');
      for (const [body, seen] of [
        ['one', 'one\n\nMessages with us are archived.'],
        ['two', 'two'],
      ] as const) {
        assert.equal(status(await nora.message(juliet.jid, body)), 200);
        assert.equal((await juliet.message(nora.aor)).getChildText('body'), seen);
      }
    });

    world.scene('the hook passes, replaces, refuses; when it fails the sender is told to try later', async () => {
      await rules(`hook: { url: "${hookUrl}", token: { secret: filter-hook } }\n`);
      assert.equal(status(await nora.message(juliet.jid, 'hello')), 200);
      assert.equal((await juliet.message(nora.aor)).getChildText('body'), 'hello');
      await juliet.write(nora.aor, 'tell me');
      assert.equal((await nora.messageFrom(juliet.jid)).body, 'fromThem: tell me');
      const card = await nora.message(juliet.jid, '4111-1111');
      assert.deepEqual([status(card), /card number/.test(header(card, 'warning'))], [403, true]);
      const broken = await nora.message(juliet.jid, 'break it');
      assert.equal(status(broken), 480);
      assert.equal(header(broken, 'retry-after'), '30');
      await home.logged('filter.hookFailed', 'status 500');
      assert.equal(await refused('break it'), 'resource-constraint');
      await rules(`hook: { url: "${hookUrl}", onFailure: pass }\n`);
      assert.equal(status(await nora.message(juliet.jid, 'without the token')), 200);
      assert.equal((await juliet.message(nora.aor)).getChildText('body'), 'without the token');
    });

    world.scene('a dozen messages in a row stay in order behind the hook', async () => {
      await rules(`hook: { url: "${hookUrl}", token: { secret: filter-hook } }\n`);
      // One pair of users may send 20 at once, and some have been sent just before.
      const texts = Array.from({ length: 12 }, (_, index) => `number ${index}`);
      for (const text of texts) await juliet.write(nora.aor, text);
      const seen: string[] = [];
      while (seen.length < texts.length) seen.push((await nora.messageFrom(juliet.jid)).body);
      assert.deepEqual(seen, texts);
    });

    world.scene('a filters.yaml with a fault changes nothing', async () => {
      const mark = home.isthmus.logSize();
      await rules('urls: { action: forbid }\n');
      await home.loggedSince(mark, 'rules.rejected', 'routes/filters.yaml:1:');
    });
  });
}
