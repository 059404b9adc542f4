// How people outside are shown to users of ours: the name with the mark, and who vouches.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExternalMark, Filters } from '../../src/model/filters.ts';
import { type Met, outsiderOf } from '../../src/routing/outsiders.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const ann = { local: 'ann', domain: 'other.example' };
const where = { file: 'routes/filters.yaml', key: '/externalMark' };
const off = { direction: 'both', where } as const;
const withMark = (mark: Partial<ExternalMark>): Filters => ({
  urls: { ...off, action: 'off', prefixes: [], trusted: [], ignoreLocal: true, warnMessage: '', allowMessage: '' },
  files: { ...off, action: 'off', extensions: new Set(), names: [], warnMessage: '' },
  externalMark: { who: 'everyone', where, ...mark },
  conversationPauseMs: 1,
});
const shaky = partner('shaky.example', { xmpp: { ...partner('x').xmpp, proof: 'dialback' } });
const RULES = table([ownDomain('people.example', 'core')], [partner('other.example'), shaky]);

function shown(met: Met, filters?: Filters, from = ann, rules = RULES): string | undefined {
  return outsiderOf(from, met, filters === undefined ? rules : { ...rules, filters })?.name;
}

test('who is outside is named with their domain; the name is never their own choice', () => {
  assert.equal(shown({ with: 'message', proof: 'certificate' }), 'ann (other.example, external)');
  assert.equal(shown({ with: 'message', proof: 'certificate', name: 'Ann Lee' }), 'Ann Lee (other.example, external)');
  assert.equal(shown({ with: 'message', proof: 'account' }, undefined, { local: 'omar', domain: 'people.example' }), undefined);
});

test('an address that is made to look like one of ours cannot: the mark is the only thing in parentheses, and always in sight', () => {
  const met = { with: 'message', proof: 'certificate' } as const;
  const named = (local: string, domain = 'other.example'): string | undefined => shown(met, undefined, { local, domain });
  assert.equal(named('nora berg (people.example)'), 'nora berg people.example (other.example, external)');
  assert.equal(named('((()))'), 'other.example (other.example, external)');
  assert.equal(named(`nora${'-'.repeat(900)}`), `nora${'-'.repeat(36)}... (other.example, external)`);
  assert.equal(named('nora\u202eelpmaxe'), 'nora elpmaxe (other.example, external)');
  assert.equal(named('נורה'), '\u2068נורה\u2069 (other.example, external)');
  const long = `people.example.${'a'.repeat(60)}.evil.example`;
  assert.equal(named('nora', long), `nora (...${'a'.repeat(47)}.evil.example, external)`);
});

test('what nothing but DNS vouches for is unproven, also where the neck repeats a request', () => {
  const from = { local: 'sam', domain: 'shaky.example' };
  assert.equal(shown({ with: 'message', proof: 'dialback' }, undefined, from), 'sam (shaky.example, unproven)');
  assert.equal(shown({ with: 'request' }, undefined, from), 'sam (shaky.example, unproven)');
  assert.equal(shown({ with: 'message', proof: 'certificate' }, undefined, from), 'sam (shaky.example, external)');
  const vouched = (address: typeof from, met: Met): string | undefined => outsiderOf(address, met, RULES)?.vouched;
  assert.equal(vouched(ann, { with: 'request' }), 'other.example is a partner of ours, proven by its certificate.');
  assert.match(vouched(from, { with: 'request' }) ?? '', /no certificate proves/);
  assert.match(vouched({ local: 'x', domain: 'found.example' }, { with: 'request' }) ?? '', /^found\.example is no partner of ours/);
});

test('the operator says for whom: everybody, requests only, unproven only, nobody, not for one partner', () => {
  const met = { with: 'message', proof: 'certificate' } as const;
  assert.equal(shown(met, withMark({ prefix: '[External]' })), 'ann (other.example, external)');
  assert.equal(shown(met, withMark({ names: 'requests' })), undefined);
  assert.equal(shown({ with: 'request' }, withMark({ names: 'requests' })), 'ann (other.example, external)');
  assert.equal(shown({ with: 'request' }, withMark({ names: 'off' })), undefined);
  assert.equal(shown(met, withMark({ who: 'unproven' })), undefined);
  assert.equal(shown({ ...met, proof: 'dialback' }, withMark({ who: 'unproven' })), 'ann (other.example, unproven)');
  const trusted = table([ownDomain('people.example', 'core')], [partner('other.example', { filters: { externalMark: false } })]);
  assert.equal(shown(met, undefined, ann, trusted), undefined);
});
