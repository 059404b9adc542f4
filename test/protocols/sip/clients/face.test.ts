import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, status } from '../../../support/sip-message.ts';
import { DOMAIN, FaceWorld } from './face-world.ts';

test('two users with SIP clients register with their passwords and write to each other', async () => {
  await using world = await FaceWorld.open();
  const nora = await world.signIn('nora');
  const omar = await world.signIn('omar');
  const answer = await nora.message(`omar@${DOMAIN}`, 'Line 3 is down.');
  assert.equal(status(answer), 200);
  const got = await omar.messageFrom(`nora@${DOMAIN}`);
  assert.equal(got.body, 'Line 3 is down.');
  assert.match(got.start, /^MESSAGE sip:omar@127\.0\.0\.1:\d+;transport=tcp /);
  assert.equal(header(got, 'to'), `<sip:omar@${DOMAIN}>`);
  assert.equal(status(await omar.message(`nora@${DOMAIN}`, 'Seen.')), 200);
  assert.equal((await nora.messageFrom(`omar@${DOMAIN}`)).body, 'Seen.');
  nora.close();
  omar.close();
});
