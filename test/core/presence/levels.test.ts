import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS, type Field, type LevelRules, levelOf, sees } from '../../../src/core/presence/levels.ts';
import { LEVELS, type Level } from '../../../src/model/core.ts';

/** lync-features.md A2 as it is printed there: y yes, - no. Columns: friends, workgroup, colleagues, external, blocked. */
const PRINTED: Readonly<Record<Field, string>> = {
  name: 'yyyyy',
  mail: 'yyyyy',
  title: 'yyyy-',
  company: 'yyyy-',
  office: 'yyy--',
  workPhone: 'yyy--',
  mobilePhone: 'yy---',
  otherPhones: 'y----',
  photo: 'yyyy-',
  availability: 'yyyy-',
  activity: 'yyy--',
  device: 'yyy--',
  timeZone: 'yyy--',
  note: 'yyy--',
  outOfOfficeNote: 'yyy--',
  freeBusy: 'yyy--',
  meeting: '-y---',
  location: 'yyy--',
  breakThrough: '-y---',
  message: 'yyyy-',
};

for (const field of FIELDS) {
  test(`${field} is seen by those who may`, () => {
    assert.equal(LEVELS.map((level) => (sees(level, field) ? 'y' : '-')).join(''), PRINTED[field]);
  });
}

const li = { local: 'li', domain: 'partner.example' };
function rules(more: Partial<LevelRules> = {}): LevelRules {
  return {
    said: undefined,
    sameOrganisation: (domain) => domain === 'corp.example',
    federated: (domain) => domain === 'partner.example',
    privacyMode: false,
    isContact: () => false,
    ...more,
  };
}

const ORDER: readonly (readonly [string, Partial<LevelRules>, typeof li, Level])[] = [
  ['a partner is external', {}, li, 'external'],
  ['a colleague is one', {}, { local: 'omar', domain: 'corp.example' }, 'colleagues'],
  ['a public network sees nothing until it is accepted', {}, { local: 'x', domain: 'public.example' }, 'blocked'],
  ["the person's own word counts before all", { said: 'workgroup', privacyMode: true }, li, 'workgroup'],
  ['in privacy mode who is no contact sees nothing', { privacyMode: true }, { local: 'omar', domain: 'corp.example' }, 'blocked'],
  [
    'in privacy mode a contact sees as before',
    { privacyMode: true, isContact: () => true },
    { local: 'omar', domain: 'corp.example' },
    'colleagues',
  ],
];
for (const [what, given, watcher, level] of ORDER) {
  test(what, () => assert.equal(levelOf(watcher, rules(given)), level));
}
