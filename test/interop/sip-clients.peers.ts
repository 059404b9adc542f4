// People of the core with SIP clients of their own: Linphone, baresip, libpurple's simple and SIPp, on a real Isthmus.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { coreWorld, DOMAIN } from '../support/core-world.ts';
import { enterNamespace } from '../support/namespace.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { BitlbeeUser, bitlbee } from '../support/peers/bitlbee.ts';
import { Linphone } from '../support/peers/linphone.ts';
import { sipp } from '../support/peers/sipp.ts';
import { header, status } from '../support/sip-message.ts';
import { basicOf, SipUa } from '../support/sip-ua.ts';
import { until } from '../support/wait.ts';

const HOST = `sip.${DOMAIN}`;
const ADDRESS = '127.0.9.1';
const PASSWORDS = { nora: 'n0ra-secret', omar: '0mar-secret', li: 'l1-secret-too', uma: 'uma-secret-4' } as const;
type Name = keyof typeof PASSWORDS;

const noWorld = enterNamespace();

const CONTACT = ['Contact: <sip:[service]@[local_ip]:[local_port];transport=tcp>', 'Expires: 300'];
const TEXT = ['Content-Type: text/plain'];

/**
 * SIPp 3.6.1 takes the first challenge and knows MD5 only, so it is asked twice:
 * who comes back without an answer is offered MD5 alone.
 */
const REGISTER = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="REGISTER">
  ${request('REGISTER', `sip:${DOMAIN}`, 'uma', 1, '', CONTACT)}
  <recv response="401"/>
  ${request('REGISTER', `sip:${DOMAIN}`, 'uma', 2, '', CONTACT)}
  <recv response="401" auth="true"/>
  ${request('REGISTER', `sip:${DOMAIN}`, 'uma', 3, '[authentication]', CONTACT)}
  <recv response="200"/>
</scenario>
`;
const MESSAGE = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="MESSAGE">
  ${request('MESSAGE', `sip:li@${DOMAIN}`, 'li', 1, '', TEXT, 'sent by SIPp')}
  <recv response="407"/>
  ${request('MESSAGE', `sip:li@${DOMAIN}`, 'li', 2, '', TEXT, 'sent by SIPp')}
  <recv response="407" auth="true"/>
  ${request('MESSAGE', `sip:li@${DOMAIN}`, 'li', 3, '[authentication]', TEXT, 'sent by SIPp')}
  <recv response="200"/>
</scenario>
`;

function request(method: string, uri: string, to: string, cseq: number, credentials: string, lines: readonly string[], body = ''): string {
  const authentication = credentials === '' ? [] : [`[authentication username=uma password=${PASSWORDS.uma}]`];
  return `<send><![CDATA[

${method} ${uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:uma@${DOMAIN}>;tag=[call_number]
To: <sip:${to}@${DOMAIN}>
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Max-Forwards: 70
${[...lines, ...authentication].join('\n')}
Content-Length: [len]

${body}]]></send>`;
}

if (noWorld !== undefined) {
  test('SIP clients of people of the core', { skip: noWorld });
} else {
  describe('SIP clients of people of the core', async () => {
    const { world, home } = await coreWorld({
      address: ADDRESS,
      clients: { host: HOST, sip: [`tls://${ADDRESS}:5061`, `plain://${ADDRESS}:5060`] },
      passwords: PASSWORDS,
      srv: [{ name: `_sips._tcp.${DOMAIN}`, target: HOST, port: 5061 }],
    });
    const { rootsFile } = world;
    await world.start(home.isthmus);

    // Clients look for an address of their own and for a way out, and take loopback for neither.
    spawnSync('ip', ['addr', 'add', '192.0.2.7/24', 'dev', 'lo']);
    spawnSync('ip', ['route', 'add', 'default', 'dev', 'lo']);
    const server = `${HOST}:5061`;
    const byHand = (user: Name): Promise<SipUa> =>
      SipUa.signIn({ user, domain: DOMAIN, password: PASSWORDS[user], address: ADDRESS, port: 5061, tls: { servername: HOST } });
    const account = (user: Name) => ({ user, domain: DOMAIN, password: PASSWORDS[user], server, rootsFile, folder: world.room(user) });
    const li = await byHand('li');
    world.atEnd(() => li.close());

    world.scene('plain TCP is warned about', async () => {
      const checked = await home.command('check');
      assert.match(checked.out + checked.err, /plain:\/\/127\.0\.9\.1:5060 is not encrypted/);
    });

    world.scene('Linphone registers over TLS, is seen, and writes', async () => {
      const linphone = new Linphone(account('omar'));
      await world.start(linphone.process);
      await li.subscribe(`omar@${DOMAIN}`);
      assert.equal((await li.notice(`omar@${DOMAIN}`)).state, 'pending');
      await linphone.message(`li@${DOMAIN}`, 'hello from Linphone');
      assert.equal((await li.messageFrom(`omar@${DOMAIN}`)).body, 'hello from Linphone');
      assert.equal(status(await li.message(`omar@${DOMAIN}`, 'hello Linphone')), 200);
      await linphone.process.stop();
      linphone.close();
    });

    world.scene('SIPp registers over TCP with its password, and writes', async () => {
      // One run each: SIPp writes the same digest URI into everything.
      for (const [name, scenario, authUri] of [
        ['register', REGISTER, DOMAIN],
        ['message', MESSAGE, `li@${DOMAIN}`],
      ] as const) {
        const target = { address: ADDRESS, port: 5060 };
        const own = { address: '127.0.9.2', port: name === 'register' ? 5060 : 5070 };
        const played = await sipp({
          folder: world.room(`sipp-${name}`),
          scenario,
          target,
          own,
          calls: 1,
          perSecond: 1,
          service: 'uma',
          authUri,
        });
        assert.equal(played.code, 0, played.output.slice(-3000));
      }
      assert.equal((await li.messageFrom(`uma@${DOMAIN}`)).body, 'sent by SIPp');
    });

    world.scene('a client that is given the whole address as its user name signs in', async () => {
      const options = { user: 'uma', domain: DOMAIN, password: PASSWORDS.uma, address: ADDRESS, port: 5061, tls: { servername: HOST } };
      (await SipUa.signIn({ ...options, username: `uma@${DOMAIN}` })).close();
    });

    world.scene('a wrong password is refused, and who is not there looks the same', async () => {
      for (const user of ['omar', 'nobody']) {
        const options = { user, domain: DOMAIN, password: 'wrong', address: ADDRESS, port: 5061, tls: { servername: HOST } };
        await assert.rejects(SipUa.signIn(options), /SIP\/2\.0 401 Unauthorized/);
      }
    });

    world.scene("libpurple's simple registers over TCP, publishes, writes and is written to", async () => {
      const settings = { useproxy: 'true', proxy: ADDRESS, port: '5060' };
      await world.start(bitlbee(world.room('bitlbee'), '127.0.9.3'));
      const simple = await BitlbeeUser.signIn('127.0.9.3', 'simple', `uma@${DOMAIN}`, PASSWORDS.uma, settings);
      world.atEnd(() => simple.close());
      // It calls its contacts by their URIs: added without `sip:`, one would never be seen.
      await simple.root(`add simple sip:li@${DOMAIN}`, /Adding `sip:li@/);
      simple.message('sipli', 'hello from simple');
      assert.equal((await li.messageFrom(`uma@${DOMAIN}`, (one) => one.body === 'hello from simple')).body, 'hello from simple');
      assert.equal(status(await li.message(`uma@${DOMAIN}`, 'hello simple')), 200);
      await simple.lines.next('what li wrote', (line) => line.includes('hello simple'));
      // It subscribes ten seconds after it has been told of somebody.
      await li.messageFrom(`uma@${DOMAIN}`, (one) => one.body.includes('asks to see when you are here'));
      await li.subscribe(`uma@${DOMAIN}`);
      await li.notice(`uma@${DOMAIN}`, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      await li.publish('open', { note: 'at the desk' });
      await simple.lines.next('li to come', (line) => line.includes('!sip:li@') && line.includes(' JOIN '));
      simple.close();
    });

    world.scene('presence between two clients by hand', async () => {
      const nora = await byHand('nora');
      await nora.subscribe(`li@${DOMAIN}`);
      await li.messageFrom(`nora@${DOMAIN}`, (one) => one.body.includes('asks to see when you are here'));
      await li.subscribe(`nora@${DOMAIN}`);
      await nora.notice(`li@${DOMAIN}`, (notice) => notice.state === 'active' && basicOf(notice.body) === 'open');
      await li.publish('open', { activity: 'on-the-phone', note: 'back at four' });
      const seen = await nora.notice(`li@${DOMAIN}`, (notice) => notice.body.includes('back at four'));
      assert.match(header(seen.message, 'content-type'), /application\/pidf\+xml/);
      nora.close();
    });

    world.scene('baresip registers over TLS with outbound, writes, and is given what waited for it', async () => {
      assert.equal(status(await li.message(`nora@${DOMAIN}`, 'before you came')), 200);
      const baresip = new Baresip({ ...account('nora'), address: ADDRESS, contact: `li@${DOMAIN}` });
      await world.start(baresip.process);
      assert.ok(baresip.process.startMs < 20_000, `it has signed in after ${baresip.process.startMs} ms`);
      assert.equal((await baresip.command('reginfo')).includes('OK'), true);
      const waited = await home.logged('user.opened', `nora@${DOMAIN}`);
      assert.equal(waited.face, 'sip');
      await baresip.command('message', 'hello from baresip');
      await li.messageFrom(`nora@${DOMAIN}`, (one) => one.body === 'hello from baresip');
      assert.equal(status(await li.message(`nora@${DOMAIN}`, 'hello baresip')), 200);
      await until('baresip to have both messages', () =>
        ['before you came', 'hello baresip'].every((text) => baresip.process.log().includes(text)),
      );
      await baresip.process.stop();
    });
  });
}
