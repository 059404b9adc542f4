// Where our domains' WebSocket is, for clients that cannot ask DNS (XEP-0156): /.well-known/host-meta, in XML and in JSON. The same
// for every domain, and so also under the host of the door itself, where the web server of a domain may redirect to.

import type { WebRoute } from '../../../../model/web-route.ts';
import { escapeAttribute } from '../../print.ts';

/** XEP-0156 §3. */
const REL = 'urn:xmpp:alt-connections:websocket';
const XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0';

/** @param url `wss://` and the path */
export function hostMeta(url: string): readonly WebRoute[] {
  const xml = `<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='${XRD}'>\n  <Link rel='${REL}' href='${escapeAttribute(url)}'/>\n</XRD>\n`;
  const json = `${JSON.stringify({ links: [{ rel: REL, href: url }] }, null, 2)}\n`;
  return [route('/.well-known/host-meta', 'application/xrd+xml', xml), route('/.well-known/host-meta.json', 'application/json', json)];
}

function route(path: string, type: string, body: string): WebRoute {
  const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'public, max-age=3600' };
  // XEP-0156 §3: browsers of any site must be able to read it.
  return { methods: ['GET'], path, bodyBytes: 0, crossOrigin: true, answer: () => ({ status: 200, headers, body }) };
}
