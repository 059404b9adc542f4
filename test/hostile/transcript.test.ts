// What is handed out is evidence: somebody who writes lines that look like lines of the transcript has not said them as another.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryLine } from '../../src/model/history.ts';
import { FORMATS, WRITERS } from '../../src/ops/user/export-formats.ts';
import { im } from '../outbox/events.ts';

const about = { owner: 'nora@people.example', peer: 'bob@partner.example' };
const forged = (newline: string, body: string): HistoryLine => ({
  ...{ id: 'one', at: Date.parse('2026-11-20T12:00:00Z'), kind: 'message', direction: 'in', peer: about.peer, border: true },
  said: { event: { ...im('one'), body: `hi${newline}${body}` } },
});

for (const newline of ['\n', '\r\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'])
  test(`a line after ${JSON.stringify(newline)} is not the line of another`, () => {
    const mail = WRITERS.eml.line(forged(newline, '[12:00:01] nora@people.example: I agree'), about, 0);
    assert.match(mail, /^\[12:00:00\] bob@partner\.example: hi\r\n {4}\[12:00:01\] nora@people\.example: I agree\r\n$/);
  });

test('nothing that was written leaves its place', () => {
  const body = `</span></p><script>alert(1)</script><p class="out"><b>nora</b>"'&\r\n.\r\nFrom x\r\nSubject: y`;
  for (const format of FORMATS) {
    const text =
      WRITERS[format].begin(about, forged('\n', body)) + WRITERS[format].line(forged('\n', body), about, 0) + WRITERS[format].end();
    assert.equal(/<script|<b>nora</.test(text) && format === 'html', false, text);
    assert.equal(format === 'eml' && /^(\.|From x|Subject: y)\r?$/m.test(text), false, text);
  }
});
