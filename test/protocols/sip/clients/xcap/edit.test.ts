import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Edited, putAttribute, putElement, remove } from '../../../../../src/protocols/sip/clients/xcap/edit.ts';
import { type NodeSelector, readPath, select } from '../../../../../src/protocols/sip/clients/xcap/selector.ts';
import { readTree, rootOf } from '../../../../../src/protocols/sip/clients/xcap/tree.ts';

const NS = 'urn:test:default-namespace';

function selector(text: string, query = ''): NodeSelector {
  const path = readPath(`test/users/sip:joe@example.com/index/~~/${text}`, query, () => NS);
  assert.ok(path?.node !== undefined, text);
  return path.node;
}
function textOf(edited: Edited | undefined): string {
  assert.ok(edited !== undefined && 'text' in edited, conflictOf(edited) ?? 'nothing there');
  return edited.text;
}
const put = (source: string, at: string, body: string, query = ''): Edited => {
  const { steps, end } = selector(at, query);
  return end.kind === 'attribute'
    ? putAttribute(source, rootOf(source), steps, end, body)
    : putElement(source, rootOf(source), steps, body);
};
const conflictOf = (edited: Edited | undefined): string | undefined =>
  edited !== undefined && 'conflict' in edited ? edited.conflict : undefined;

/** RFC 4825 §6.3. */
const WATCHERS = `<?xml version="1.0"?>
<watcherinfo xmlns="${NS}" version="0" state="full">
 <watcher-list resource="sip:professor@example.net" package="presence">
  <watcher status="active" id="8ajksjda7s" duration-subscribed="509" event="approved">sip:userA@example.net</watcher>
  <watcher status="pending" id="hh8juja87s997-ass7" display-name="Mr. Subscriber" event="subscribe">sip:userB@example.org</watcher>
 </watcher-list>
</watcherinfo>`;

test('selectors of RFC 4825 §6.3 find what they name', () => {
  const root = rootOf(WATCHERS);
  const found = (at: string): string | undefined => {
    const { steps, end } = selector(at);
    const element = select(root, steps);
    if (end.kind === 'attribute') return element?.attributes.find(({ local }) => local === end.local)?.value;
    return element?.text;
  };
  assert.equal(found('watcherinfo/watcher-list/watcher%5b@id=%228ajksjda7s%22%5d'), 'sip:userA@example.net');
  assert.equal(found('watcherinfo/watcher-list/watcher%5b2%5d/@display-name'), 'Mr. Subscriber');
  assert.equal(found('watcherinfo/watcher-list/*%5b1%5d'), 'sip:userA@example.net');
  assert.equal(found('*/*/watcher%5b2%5d%5b@status=%22pending%22%5d'), 'sip:userB@example.org');
  assert.equal(found('watcherinfo/watcher-list/watcher'), undefined, 'two are not one');
  assert.equal(found('watcherinfo/watcher-list/watcher%5b1%5d%5b@status=%22pending%22%5d'), undefined);
});

test('paths that name nothing are told from those that name something not there', () => {
  const read = (path: string, query = ''): unknown => readPath(path, query, (auid) => (auid === 'test' ? NS : undefined));
  assert.deepEqual(read('test/global/index'), { auid: 'test', document: 'index' });
  for (const path of ['other/users/a/index', 'test/users/', 'test/users/joe', 'test/somewhere/index', 'test/users/%ff/index'])
    assert.equal(read(path), undefined, path);
  for (const node of ['a//b', 'a%5b0%5d', 'a%5b@b%5d', 'p:a', '@a', 'a/~~/b', 'a%5b1', ''])
    assert.equal(read(`test/users/joe/index/~~/${node}`), undefined, node);
  assert.ok(read('test/users/joe/index/~~/p:a', 'xmlns(p=urn:x)'));
});

/** RFC 4825 §8.2.3. */
const ROOT = `<?xml version="1.0"?>\n<root xmlns="${NS}">\n  <el1 att="first"/>\n  <el1 att="second"/>\n  <!-- comment -->\n  <el2 att="first"/>\n</root>`;

test('an element is put where RFC 4825 §8.2.3 says, and everything else stays as it was', () => {
  assert.equal(
    textOf(put(ROOT, 'root/el1%5b@att=%22third%22%5d', '<el1 att="third"/>')).replace(/\s+/g, ''),
    ROOT.replace('<el1 att="second"/>', '<el1 att="second"/><el1 att="third"/>').replace(/\s+/g, ''),
  );
  assert.equal(textOf(put(ROOT, 'root/el3', '<el3/>')), ROOT.replace('</root>', '<el3/></root>'));
  assert.equal(
    textOf(put(ROOT, 'root/el2%5b@att=%222%22%5d', '<el2 att="2"/>')),
    ROOT.replace('<el2 att="first"/>', '<el2 att="first"/><el2 att="2"/>'),
  );
  assert.equal(
    textOf(put(ROOT, 'root/el2%5b2%5d%5b@att=%222%22%5d', '<el2 att="2"/>')),
    ROOT.replace('<el2 att="first"/>', '<el2 att="first"/><el2 att="2"/>'),
  );
  assert.equal(
    textOf(put(ROOT, 'root/*%5b2%5d%5b@att=%222%22%5d', '<el2 att="2"/>')),
    ROOT.replace('<el1 att="second"/>', '<el2 att="2"/><el1 att="second"/>'),
  );
  assert.equal(
    textOf(put(ROOT, 'root/el1%5b2%5d%5b@att=%222%22%5d', '<el1 att="2"/>')),
    ROOT.replace('<el1 att="second"/>', '<el1 att="2"/><el1 att="second"/>'),
  );
  assert.equal(conflictOf(put(ROOT, 'root/el2%5b2%5d%5b@att=%222%22%5d', '<el1 att="2"/>')), 'cannot-insert');
  assert.equal(conflictOf(put(ROOT, 'root/el1%5b5%5d', '<el1/>')), 'cannot-insert');
  assert.equal(textOf(put(ROOT, 'root/el1%5b1%5d', '<el1 att="new"/>')), ROOT.replace('<el1 att="first"/>', '<el1 att="new"/>'));
  const inEmpty = put(ROOT, 'root/el2/p:sub', '<q:sub xmlns:q="urn:x"/>', 'xmlns(p=urn:x)');
  assert.equal(textOf(inEmpty), ROOT.replace('<el2 att="first"/>', '<el2 att="first"><q:sub xmlns:q="urn:x"/></el2>'));
});

test('a PUT that could not be read back where it was put is refused, and so is what is no element', () => {
  assert.equal(conflictOf(put(ROOT, 'root/el1%5b@att=%22third%22%5d', '<el1 att="fourth"/>')), 'cannot-insert');
  assert.equal(conflictOf(put(ROOT, 'root/nothing/el1', '<el1/>')), 'no-parent');
  for (const body of ['', 'text', '<a/><b/>', '<a>', '<?xml version="1.0"?><el3/>', '<!DOCTYPE a><el3/>', '<p:el3/>', '</root><root>'])
    assert.equal(conflictOf(put(ROOT, 'root/el3', body)), 'not-xml-frag', body);
});

test('attributes are put, changed and taken away, when their element is still found afterwards', () => {
  assert.equal(
    textOf(put(ROOT, 'root/el2/@new', 'a &amp; "b"')),
    ROOT.replace('<el2 att="first"/>', '<el2 att="first" new="a &amp; &quot;b&quot;"/>'),
  );
  assert.equal(textOf(put(ROOT, 'root/el2/@att', 'other')), ROOT.replace('<el2 att="first"/>', '<el2 att="other"/>'));
  assert.equal(conflictOf(put(ROOT, 'root/el1%5b@att=%22first%22%5d/@att', 'other')), 'cannot-insert');
  assert.equal(conflictOf(put(ROOT, 'root/el2/@att', 'a<b')), 'not-xml-att-value');
  assert.equal(conflictOf(put(ROOT, 'root/el2/@att', 'a & b')), 'not-xml-att-value');
  const gone = (at: string): Edited | undefined => remove(ROOT, rootOf(ROOT), selector(at));
  assert.equal(textOf(gone('root/el2/@att')), ROOT.replace('<el2 att="first"/>', '<el2/>'));
  assert.equal(conflictOf(gone('root/el1%5b@att=%22first%22%5d/@att')), 'cannot-delete');
  assert.equal(gone('root/el2/@none'), undefined);
});

test('an element is taken away when nothing else is then found in its place', () => {
  const gone = (at: string): Edited | undefined => remove(ROOT, rootOf(ROOT), selector(at));
  assert.equal(textOf(gone('root/el1%5b@att=%22first%22%5d')), ROOT.replace('<el1 att="first"/>', ''));
  assert.equal(textOf(gone('root/el1%5b2%5d')), ROOT.replace('<el1 att="second"/>', ''));
  assert.equal(conflictOf(gone('root/el1%5b1%5d')), 'cannot-delete');
  assert.equal(conflictOf(gone('root')), 'cannot-delete');
  assert.equal(gone('root/el7'), undefined);
});

test('documents that are not in order, declare types, or have no end are refused', () => {
  const deep = '<a>'.repeat(40) + '</a>'.repeat(40);
  for (const source of [
    '',
    '<a',
    '<a></b>',
    '<p:a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<?php x?><a/>',
    deep,
    `<a>${'<b/>'.repeat(10_001)}</a>`,
    '<a>&x;</a>',
  ])
    assert.ok('fault' in readTree(source), source.slice(0, 40));
  const latin = readTree('<?xml version="1.0" encoding="ISO-8859-1"?><a/>');
  assert.equal('fault' in latin && latin.fault, 'not-utf-8');
});

test('places are right beside comments, CDATA and > in values', () => {
  const source = `<a x="1>2" y='"'><!-- <b/> --><![CDATA[<c>]]><d e = "f"  />t&lt;</a>`;
  const root = rootOf(source);
  const [d] = root.children;
  assert.equal(source.slice(d?.start, d?.end), '<d e = "f"  />');
  assert.equal(root.text, '<c>t<');
  assert.deepEqual(
    root.attributes.map(({ value, start, end }) => [value, source.slice(start, end)]),
    [
      ['1>2', ' x="1>2"'],
      ['"', ` y='"'`],
    ],
  );
});
