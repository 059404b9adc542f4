import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROSTER } from '../../../../src/protocols/xmpp/clients/contacts.ts';
import type { IqRequest } from '../../../../src/protocols/xmpp/clients/iq-table.ts';
import { element, elements, text } from '../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../src/protocols/xmpp/names.ts';
import { coreWorld, nora, omar } from '../../../core/world.ts';

test('the group Favourites is the mark of a favourite, whichever client gave it', async () => {
  await using world = await coreWorld();
  const { session } = await world.client(nora, 'desk');
  const ask = (payload: IqRequest['payload']) => ({ asker: { session, user: nora }, payload }) as unknown as IqRequest; // what it looks at
  const set = (...groups: readonly string[]) => {
    const names = groups.map((group) => element('group', NS.roster, {}, [group]));
    const item = element('item', NS.roster, { jid: 'omar@people.example' }, names);
    return ROSTER.set?.(ask(element('query', NS.roster, {}, [item])));
  };
  const shown = async (): Promise<readonly string[]> => {
    const answer = await ROSTER.get?.(ask(element('query', NS.roster)));
    assert.ok(answer !== undefined && !('error' in answer));
    return elements(elements(answer[0]!)[0]!).map(text); // one query, one item
  };
  const isFavourite = async (): Promise<boolean | undefined> => (await session.contacts()).contacts[0]?.favourite;
  assert.deepEqual(await set('Work', 'Favourites'), []);
  assert.deepEqual([await isFavourite(), await shown()], [true, ['Work', 'Favourites']]);
  assert.deepEqual(await set('Work'), []);
  assert.deepEqual([await isFavourite(), await shown()], [false, ['Work']]);
  await session.putContact({ address: omar, groups: ['Work'], favourite: true });
  assert.deepEqual(await shown(), ['Work', 'Favourites']);
});
