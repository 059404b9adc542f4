// message/imdn+xml (RFC 5438): what became of a message, both directions.

import { childOf, escapeXml, readXml } from './xml-reader.ts';

const NS = 'urn:ietf:params:xml:ns:imdn';
export const IMDN_TYPE = 'message/imdn+xml';

export interface Imdn {
  readonly messageId: string;
  /** `delivered` and `failed` from delivery-notification, `displayed` from display-notification. */
  readonly status: 'delivered' | 'displayed' | 'failed';
}

/** Reads a notification; undefined for what is malformed, too large, or says that nothing may be told. */
export function parseImdn(source: string): Imdn | undefined {
  const root = readXml(source, 16_384);
  if (root === undefined || root.name !== 'imdn' || root.ns !== NS) return undefined;
  const messageId = childOf(root, 'message-id')?.text.trim();
  if (messageId === undefined || messageId === '' || messageId.length > 256) return undefined;
  for (const kind of ['delivery-notification', 'display-notification']) {
    const status = childOf(root, kind)?.children.find((node) => node.name === 'status' && node.ns === NS)?.children[0]?.name;
    if (status === undefined) continue;
    // RFC 5438 §11.1: delivered | failed | forbidden | error, displayed | forbidden | error.
    if (status === 'delivered' || status === 'displayed') return { messageId, status };
    if (status === 'failed' || status === 'error') return { messageId, status: 'failed' };
    return undefined; // forbidden: the other user does not want to tell, so nothing is told
  }
  return undefined;
}

/** @param at wall ms of the notification */
export function printImdn(imdn: Imdn, at: number): string {
  const [outer, status] = imdn.status === 'displayed' ? ['display-notification', 'displayed'] : ['delivery-notification', imdn.status];
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<imdn xmlns="${NS}"><message-id>${escapeXml(imdn.messageId)}</message-id>` +
    `<datetime>${new Date(at).toISOString()}</datetime><${outer}><status><${status}/></status></${outer}></imdn>`
  );
}
