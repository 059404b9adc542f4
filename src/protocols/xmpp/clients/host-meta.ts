// Where a domain's WebSocket is, for clients that cannot ask DNS (XEP-0156): /.well-known/host-meta, in XML and in JSON.

import type { WebRoute } from '../../../model/web-route.ts';
import { escapeAttribute } from '../print.ts';

/** XEP-0156 §3. */
const REL = 'urn:xmpp:alt-connections:websocket';
const XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0';

/** @param url `wss://` and the path @param serves is the name one of our domains, by any of its names? */
export function hostMeta(url: string, serves: (host: string) => boolean): readonly WebRoute[] {
  const xml = `<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='${XRD}'>\n  <Link rel='${REL}' href='${escapeAttribute(url)}'/>\n</XRD>\n`;
  const json = `${JSON.stringify({ links: [{ rel: REL, href: url }] }, null, 2)}\n`;
  return [route('/.well-known/host-meta', 'application/xrd+xml', xml), route('/.well-known/host-meta.json', 'application/json', json)];

  function route(path: string, type: string, body: string): WebRoute {
    return {
      methods: ['GET'],
      path,
      bodyBytes: 0,
      // XEP-0156 §3: browsers of any site must be able to read it.
      crossOrigin: true,
      answer: ({ host }) =>
        serves(host)
          ? { status: 200, headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'public, max-age=3600' }, body }
          : { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'Not found.\n' },
    };
  }
}
