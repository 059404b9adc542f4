// Documents that a user writes to cost the server time or memory: they are read in a moment, or refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attributeOf, readTree } from '../../../../../src/protocols/sip/clients/xcap/tree.ts';

function root(source: string) {
  const read = readTree(source);
  if ('fault' in read) throw new Error(read.text);
  return read;
}

describe('a document made to be slow', () => {
  test('a quarter of a million spaces in a tag are looked at once', () => {
    const spaces = ' '.repeat(200_000);
    const begun = process.cpuUsage();
    const read = root(`<a x="1"${spaces}y = '2'${spaces.slice(0, 50_000)}><b/></a>`);
    assert.deepEqual([attributeOf(read, 'x'), attributeOf(read, 'y'), read.children.length], ['1', '2', 1]);
    // Looked at from each space on it was half a minute.
    assert(process.cpuUsage(begun).user < 3_000_000, 'more than 3 s');
  });

  test('thousands of prefixes that thousands of elements would know are refused', () => {
    const bound = Array.from({ length: 2000 }, (_, index) => `xmlns:a${index}="u"`).join(' ');
    const read = readTree(`<a ${bound}>${'<b/>'.repeat(9000)}</a>`);
    assert.match('fault' in read ? read.text : '', /at most 32 prefixes/);
    const deep = readTree(`${Array.from({ length: 30 }, (_, level) => `<a xmlns:x${level}="u" xmlns:y${level}="v">`).join('')}`);
    assert.match('fault' in deep ? deep.text : '', /at most 32 prefixes/);
  });

  test('elements in which nothing is bound share what they know', () => {
    const read = root('<a xmlns="u" xmlns:p="v"><b/><c xmlns="w"/></a>');
    assert.equal(read.children[0]?.namespaces, read.namespaces);
    assert.deepEqual([read.children[1]?.namespaces.get(''), read.namespaces.get('')], ['w', 'u']);
  });

  test('where attributes stand is known as before', () => {
    const source = `<a\n  one="1>"\ttwo = 'x="y"' xmlns:p="u" p:three=""/>`;
    const places = root(source).attributes.map(({ name, start, end }) => [name, source.slice(start, end).trim()]);
    assert.deepEqual(places, [
      ['one', 'one="1>"'],
      ['two', `two = 'x="y"'`],
      ['xmlns:p', 'xmlns:p="u"'],
      ['p:three', 'p:three=""'],
    ]);
  });
});
