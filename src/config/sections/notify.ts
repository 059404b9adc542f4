// `notify:` of isthmus.yaml: who is told by mail and webhook, and when.

import * as z from 'zod';
import { entry, list, secret, text, word } from '../shape.ts';
import { parseDuration, parseSchemeUrl, Wrong } from '../values.ts';

const MINUTE_MS = 60_000;
const duration = (example: string) => text(parseDuration, example);

/** `edge-team@corp.example`; nodemailer prints it into a header, so nothing but an address may come through. */
function parseMailAddress(value: string) {
  return /^[^\s<>",;:\\@\p{Cc}]{1,64}@[A-Za-z0-9.-]{1,255}$/u.test(value)
    ? value
    : new Wrong('a mail address such as edge-team@corp.example');
}
const mailAddress = text(parseMailAddress, 'edge-team@corp.example');

function parseWebUrl(value: string) {
  const right = 'an address such as https://hooks.corp.example/isthmus';
  if (!URL.canParse(value)) return new Wrong(right);
  const { protocol, username } = new URL(value);
  if (username !== '') return new Wrong(`${right}, without a password in it; put the whole address into a secret`);
  return protocol === 'https:' || protocol === 'http:' ? value : new Wrong(right);
}

/** A mail server and who gets what. */
export const MAIL_KEYS = {
  server: text(
    (value) => parseSchemeUrl(value, { starttls: 587, tls: 465, plain: 25 }, 'dial'),
    'starttls://mail.corp.example:587',
  ).describe('The mail server: starttls:// (TLS is demanded), tls://, or plain:// for one on this machine.'),
  from: mailAddress.describe('The sender.'),
  to: list(mailAddress).describe('Who is told.'),
  user: z.string().min(1).optional().describe('For SMTP AUTH.'),
  password: secret().optional(),
};
const mail = entry(MAIL_KEYS);

const webhook = entry({
  url: z
    .union([text(parseWebUrl, 'https://hooks.corp.example/isthmus'), secret()])
    .describe('Where to; { secret: NAME } when the address itself is the secret.'),
  token: secret().optional().describe('Sent as Authorization: Bearer.'),
  format: word(['json', 'text']).default('json').describe('json: { text, notices: [...] }, which chat systems show. text: one line each.'),
});

export const notifySection = entry({
  mail: list(mail).optional(),
  webhook: list(webhook).optional(),
  when: entry({
    partnerDown: duration('5m')
      .default(5 * MINUTE_MS)
      .describe('A partner could not be reached for so long. Default: 5m.'),
    queueAge: duration('15m')
      .default(15 * MINUTE_MS)
      .describe('A message has waited for so long. Default: 15m.'),
    certificateDays: list(z.int().min(1).max(365)).default([30, 14, 3]).describe('Days before a certificate ends. Default: [30, 14, 3].'),
  }).prefault({}),
}).describe('Who is told when a partner is down, a queue grows old, a certificate ends.');
