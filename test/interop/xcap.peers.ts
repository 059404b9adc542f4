// The documents of SIP clients (XCAP) on the real door of a real Isthmus, beside an XMPP client of the same person.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { coreWorld, DOMAIN, PASSWORDS } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Slixmpp } from '../support/peers/slixmpp.ts';
import { until } from '../support/wait.ts';
import { LISTS_TYPE, RULES_TYPE, XcapClient } from '../support/xcap-client.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const HOST = `clients.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const ROOT = `https://${HOST}:8443/xcap/`;
const [NORA, OMAR, LI] = [`nora@${DOMAIN}`, `omar@${DOMAIN}`, `li@${DOMAIN}`];
const LISTS = `resource-lists/users/sip:${NORA}/index`;
const RULES = `pres-rules/users/sip:${NORA}/index`;

const document = (inside: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">\n${inside}</resource-lists>\n`;
const rules = (id: string, who: string, handling: string): string =>
  `<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">` +
  `<rule id="${id}"><conditions><identity><one id="sip:${who}"/></identity></conditions>` +
  `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions><transformations/></rule></ruleset>`;

const noWorld = enterNamespace();

if (noWorld !== undefined) {
  test('XCAP', { skip: noWorld });
} else {
  describe('XCAP', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, xmpp: [`starttls://${ADDRESS}:5222`], web: `https://${ADDRESS}:8443` },
      srv: [{ name: `_xmpp-client._tcp.${DOMAIN}`, target: HOST, port: 5222 }],
    });
    await world.start(home.isthmus);

    const nora = new XcapClient({ root: ROOT, user: 'nora', password: PASSWORDS.nora });
    const omar = await XmppUser.signIn({ user: 'omar', domain: DOMAIN, password: PASSWORDS.omar, address: ADDRESS });
    const noraXmpp = new Slixmpp({ jid: NORA, password: PASSWORDS.nora, address: ADDRESS, rootsFile: world.rootsFile });
    world.atEnd(() => Promise.all([omar.signOut(), noraXmpp.close()]));

    world.scene('it says what it knows, and asks for a password for the rest', async () => {
      const caps = await nora.once('GET', 'xcap-caps/global/index', {});
      assert.deepEqual([caps.status, caps.type], [200, 'application/xcap-caps+xml']);
      for (const auid of ['xcap-caps', 'resource-lists', 'pres-rules', 'rls-services'])
        assert.match(caps.body, new RegExp(`<auid>${auid}</auid>`));
      assert.equal((await nora.once('GET', LISTS, {})).status, 401);
      for (const algorithm of ['MD5', 'SHA-256'] as const)
        assert.equal((await new XcapClient({ root: ROOT, user: 'nora', password: PASSWORDS.nora, algorithm }).get(LISTS)).status, 404);
      assert.equal((await new XcapClient({ root: ROOT, user: 'nora', password: 'wrong' }).get(LISTS)).status, 401);
      assert.equal((await nora.get(`resource-lists/users/sip:${OMAR}/index`)).status, 403);
      assert.equal((await nora.get('resource-lists/users/sip:nora@other.example/index')).status, 404);
      assert.equal((await nora.get(`unknown/users/sip:${NORA}/index`)).status, 404);
      const curl = spawnSync(
        'curl',
        [
          '--silent',
          '--cacert',
          world.rootsFile,
          '--digest',
          '--user',
          `nora:${PASSWORDS.nora}`,
          '-w',
          '%{http_code}',
          '-o',
          '/dev/null',
          ROOT + LISTS,
        ],
        { encoding: 'utf8' },
      );
      assert.equal(curl.stdout, '404', curl.stderr);
    });

    world.scene('a list that is put is the contact list, and is read back as it was written', async () => {
      await noraXmpp.event('ready');
      const written = document(
        `  <list name="team"><!-- ours --><entry uri="sip:${OMAR}"><display-name>Omar</display-name></entry></list>\n  <list name="phones"><entry uri="tel:+4670000"/></list>\n`,
      );
      const put = await nora.put(LISTS, LISTS_TYPE, written);
      assert.deepEqual([put.status, put.body], [201, '']);
      const read = await nora.get(LISTS);
      assert.deepEqual([read.status, read.type, read.body, read.etag], [200, LISTS_TYPE, written, put.etag]);
      noraXmpp.do('roster');
      assert.deepEqual((await noraXmpp.event('roster')).found, [[OMAR, 'Omar', ['team'], 'none']]);
      // Who is put on the list is asked.
      await omar.presenceOf(NORA, 'subscribe');
      assert.match((await nora.get(`rls-services/users/sip:${NORA}/index`)).body, /entry uri="sip:omar@people\.example"/);
      assert.equal((await nora.put(`rls-services/users/sip:${NORA}/index`, 'application/rls-services+xml', '<a/>')).status, 405);
    });

    world.scene('what an XMPP client changes stands in the document, and everything else stays', async () => {
      const before = (await nora.get(LISTS)).body;
      noraXmpp.do('contact', LI, 'Li & Co', ['family']);
      const changed = await until('the document to have Li', async () => {
        const { body } = await nora.get(LISTS);
        return body.includes(LI) ? body : undefined;
      });
      assert.match(
        changed,
        /<list name="family">\s*<entry uri="sip:li@people\.example"><display-name>Li &amp; Co<\/display-name><\/entry>\s*<\/list>/,
      );
      assert.ok(changed.startsWith(before.slice(0, before.indexOf('</resource-lists>'))));
    });

    world.scene('entries and attributes alone: read, put, changed, taken away', async () => {
      const at = `${LISTS}/~~/resource-lists/list%5b@name=%22family%22%5d/entry%5b@uri=%22sip:${LI}%22%5d`;
      const entry = await nora.get(at);
      assert.deepEqual([entry.status, entry.type], [200, 'application/xcap-el+xml']);
      const name = await nora.put(`${at}/display-name`, 'application/xcap-el+xml', '<display-name>Li</display-name>');
      assert.equal(name.status, 200);
      assert.equal((await nora.get(`${LISTS}/~~/resource-lists/list%5b2%5d/@name`)).body, 'phones');
      assert.equal((await nora.get(`${LISTS}/~~/resource-lists/namespace::*`)).type, 'application/xcap-ns+xml');
      noraXmpp.do('roster');
      const { found } = (await noraXmpp.event('roster')) as { found: unknown[] };
      assert.deepEqual(found, [
        [LI, 'Li', ['family'], 'none'],
        [OMAR, 'Omar', ['team'], 'none'],
      ]);
      const stale = await nora.remove(at, { 'if-match': '"no"' });
      assert.equal(stale.status, 412);
      const { etag } = await nora.get(LISTS);
      assert.equal((await nora.remove(at, { 'if-match': etag ?? '' })).status, 200);
      assert.equal((await nora.get(at)).status, 404);
      assert.equal((await nora.get(LISTS, { 'if-none-match': (await nora.get(LISTS)).etag ?? '' })).status, 304);
      noraXmpp.do('roster');
      assert.equal(((await noraXmpp.event('roster')) as { found: unknown[] }).found.length, 1);
    });

    world.scene('what cannot be written is refused with the condition that clients know', async () => {
      const twice = document('<list name="a"/><list name="a"/>');
      for (const [path, type, body, status, condition] of [
        [LISTS, LISTS_TYPE, '<no', 409, 'not-well-formed'],
        [LISTS, LISTS_TYPE, '<other/>', 409, 'schema-validation-error'],
        [LISTS, LISTS_TYPE, twice, 409, 'uniqueness-failure'],
        [LISTS, 'text/xml', document(''), 415, ''],
        [
          `${LISTS}/~~/resource-lists/list%5b@name=%22none%22%5d/entry`,
          'application/xcap-el+xml',
          '<entry uri="sip:a@b.example"/>',
          409,
          'no-parent',
        ],
        [
          `${LISTS}/~~/resource-lists/list%5b@name=%22team%22%5d/entry%5b@uri=%22sip:x@b.example%22%5d`,
          'application/xcap-el+xml',
          '<entry uri="sip:y@b.example"/>',
          409,
          'cannot-insert',
        ],
        [RULES, RULES_TYPE, rules('all', OMAR, 'allow').replace(/<one[^>]*>/, '<many/>'), 409, 'constraint-failure'],
      ] as const) {
        const answer = await nora.put(path, type, body);
        assert.equal(answer.status, status, path);
        if (condition !== '') assert.match(answer.body, new RegExp(`<xcap-error [^>]*><${condition}[ />]`));
      }
    });

    world.scene('a rule that allows grants, one that blocks blocks, and what XMPP clients do stands in the rules', async () => {
      await omar.presence('subscribe', NORA);
      await noraXmpp.saw(OMAR, 'subscribe');
      assert.equal((await nora.put(RULES, RULES_TYPE, rules('friends', OMAR, 'allow'))).status, 201);
      await omar.presenceOf(NORA, 'subscribed');
      await omar.presenceOf(NORA, 'available');
      assert.equal((await nora.get(RULES)).body, rules('friends', OMAR, 'allow'));
      omar.presences.clear();
      await nora.put(RULES, RULES_TYPE, rules('friends', OMAR, 'polite-block'));
      await omar.presenceOf(NORA, 'unavailable');
      await nora.put(RULES, RULES_TYPE, rules('friends', OMAR, 'allow'));
      await omar.presenceOf(NORA, 'available');
      noraXmpp.do('block', LI);
      await noraXmpp.event('blocked');
      const blocked = (await nora.get(RULES)).body;
      assert.match(blocked, /<rule id="isthmus-block">.*<one id="sip:li@people\.example"\/>.*>block</);
      assert.equal((await nora.remove(`${RULES}/~~/ruleset/rule%5b@id=%22isthmus-block%22%5d`)).status, 200);
      noraXmpp.do('blocked');
      assert.deepEqual((await noraXmpp.event('blocklist')).found, []);
      omar.presences.clear();
      await nora.put(RULES, RULES_TYPE, rules('friends', OMAR, 'confirm'));
      await omar.presenceOf(NORA, 'unsubscribed');
    });
  });
}
