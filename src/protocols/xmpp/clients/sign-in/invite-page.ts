// The page of an invitation on the web door (XEP-0379 §3.3, XEP-0401 §4.2): what to do with it, the link for a client and its QR
// code, and a form for those whose client knows no invitations. Plain HTML, no script; the token in its address is the secret,
// so the page is kept by nobody and tells nobody where it was.

import { createHash } from 'node:crypto';
import { renderSVG } from 'uqr';
import { INVITE_PATH, inviteUri } from '../../../../model/invitation-link.ts';
import type { Invitation, InvitationDesk } from '../../../../model/invitations.ts';
import type { WebAnswer, WebRequest, WebRoute } from '../../../../model/web-route.ts';
import { toAddress } from '../../jid.ts';

const MAX_BODY = 8192;
const STYLE =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}' +
  'h1{font-size:1.4rem}a.go{display:inline-block;padding:.6rem 1rem;background:#0b57a4;color:#fff;text-decoration:none;border-radius:.3rem}' +
  'svg{width:13rem;height:13rem}label{display:block;margin:.6rem 0}input{font:inherit;display:block;width:100%;padding:.4rem;box-sizing:border-box}' +
  'button{font:inherit;padding:.5rem 1rem}code{overflow-wrap:anywhere}.wrong{color:#a40000}';
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface InvitePageParts {
  readonly desk: InvitationDesk;
  /** For an XMPP client that wants a host. */
  readonly host: string;
  /** `host:port` for SIP clients over TLS; undefined: none are taken. */
  readonly sip?: string;
}

export function invitePage(parts: InvitePageParts): WebRoute {
  return {
    path: INVITE_PATH,
    methods: ['GET', 'POST'],
    bodyBytes: MAX_BODY,
    async answer(request) {
      const token = request.path.slice(INVITE_PATH.length);
      const found = await parts.desk.look(token, request.address);
      // Unknown, used, revoked and over are one and the same.
      if (found === undefined) return page(404, 'No invitation', '<p>This invitation is unknown, used or over. Ask for a new one.</p>');
      return request.method === 'POST' ? join(parts, request, found, token) : page(200, 'Invitation', body(found, token));
    },
  };
}

async function join({ desk, host, sip }: InvitePageParts, request: WebRequest, found: Invitation, token: string): Promise<WebAnswer> {
  const form = new URLSearchParams(await textOf(request));
  const [name, password, again] = [form.get('name') ?? '', form.get('password') ?? '', form.get('again') ?? ''];
  const wrong = (text: string): WebAnswer => page(422, 'Invitation', body(found, token, text, name));
  if (password !== again) return wrong('The two passwords differ.');
  const local = found.address === undefined ? localOf(name, found.domain) : undefined;
  if (found.address === undefined && local === undefined) return wrong('No account can have that name.');
  const joined = await desk.join(found, local, password, request.address);
  if (!joined.ok)
    return joined.about === 'token'
      ? page(404, 'No invitation', '<p>This invitation is unknown, used or over. Ask for a new one.</p>')
      : wrong(`${joined.text.charAt(0).toUpperCase()}${joined.text.slice(1)}.`);
  const { address } = joined.person;
  const full = asHtml(`${address.local}@${address.domain}`);
  return page(
    200,
    'Welcome',
    `<p>The account <code>${full}</code> is ready.</p><p>In an XMPP client enter this address and your password; if it asks for a ` +
      `server, <code>${asHtml(host)}</code>.</p>${sip === undefined ? '' : sipWords(full, sip)}`,
  );
}

function sipWords(full: string, sip: string): string {
  return `<p>In a SIP client enter <code>sip:${full}</code>, your password, and <code>${asHtml(sip)}</code> as outbound proxy with TLS.</p>`;
}

async function textOf(request: WebRequest): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request.body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function localOf(name: string, domain: string): string | undefined {
  const address = name === '' || /[@/]/.test(name) ? undefined : toAddress(`${name}@${domain}`);
  return address === undefined || 'code' in address || address.local === '' ? undefined : address.local;
}

function body(found: Invitation, token: string, wrong?: string, name = ''): string {
  const uri = inviteUri(found, token);
  const whose =
    found.address === undefined ? `an account at <b>${asHtml(found.domain)}</b>` : `the account <b>${asHtml(found.address)}</b>`;
  const until = new Date(found.expiresAt).toISOString().slice(0, 16).replace('T', ' ');
  const choose =
    found.address === undefined
      ? `<label>Name (before the @)<input name="name" required maxlength="256" autocomplete="username" value="${asHtml(name)}"></label>`
      : `<input type="hidden" name="name" value="">`;
  return (
    `<p>You are invited to ${whose}. The invitation is good until ${until} UTC.</p>` +
    `<p><a class="go" href="${asHtml(uri)}">Open in my client</a></p>` +
    `<p>Or let a phone read this code:</p>${renderSVG(uri, { pixelSize: 4 })}` +
    `<h2>Your client knows no invitations?</h2>${wrong === undefined ? '' : `<p class="wrong" role="alert">${asHtml(wrong)}</p>`}` +
    `<form method="post">${choose}` +
    `<label>Password, at least 8 characters<input type="password" name="password" required minlength="8" maxlength="256" autocomplete="new-password"></label>` +
    `<label>Once more<input type="password" name="again" required autocomplete="new-password"></label>` +
    `<button>Set the password</button></form>`
  );
}

function page(status: number, title: string, inner: string): WebAnswer {
  const html =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<meta name="robots" content="noindex"><title>${title}</title><style>${STYLE}</style></head><body><h1>${title}</h1>${inner}</body></html>`;
  return { status, headers: HEADERS, body: html };
}

function asHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
