// The two documents that only clients of ours are sent: who watches them (watcherinfo, RFC 3858), and the presence of a whole
// contact list in one NOTIFY (rlmi in multipart/related, RFC 4662 §5).

import type { Address } from '../../../model/address.ts';
import type { PresenceDocument } from '../../../model/presence.ts';
import { toSipUri } from '../address.ts';
import { PIDF_TYPE } from '../documents/pidf-reader.ts';
import { writePidf } from '../documents/pidf-writer.ts';
import { escapeXml } from '../documents/xml-reader.ts';

export const WINFO_TYPE = 'application/watcherinfo+xml';
const RLMI_TYPE = 'application/rlmi+xml';

/** One who watches. */
export interface Watcher {
  readonly address: Address;
  readonly status: 'active' | 'pending';
  /** The name to show (RFC 3858 §3.2.2, `display-name`). */
  readonly name?: string;
}

/** The whole list of watchers. @param version grows by one in each document of a subscription (RFC 3858 §4.1) */
export function writeWatchers(presentity: Address, watchers: readonly Watcher[], version: number): string {
  const rows = watchers.map(({ address, status, name }) => {
    const uri = toSipUri(address);
    const event = status === 'active' ? 'approved' : 'subscribe';
    const shown = name === undefined ? '' : ` display-name="${escapeXml(name)}"`;
    return `<watcher id="${escapeXml(idOf(uri))}" status="${status}" event="${event}"${shown}>${escapeXml(uri)}</watcher>`;
  });
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="${version}" state="full">` +
    `<watcher-list resource="${escapeXml(toSipUri(presentity))}" package="presence">${rows.join('')}</watcher-list></watcherinfo>`
  );
}

/** One of a contact list. */
export interface ListMember {
  readonly address: Address;
  readonly name?: string;
  /** `active`: the document says what is shown. */
  readonly state: 'active' | 'pending' | 'terminated';
  readonly document?: PresenceDocument;
}

/** The presence of a list: Content-Type and body. @param boundary a token that stands in no document */
export function writeList(
  list: Address,
  members: readonly ListMember[],
  version: number,
  boundary: string,
): { readonly type: string; readonly body: string } {
  const parts: string[] = [];
  const part = (id: string, type: string, body: string): string =>
    `--${boundary}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <${id}>\r\nContent-Type: ${type};charset="UTF-8"\r\n\r\n${body}\r\n`;
  const rows = members.map(({ address, name, state, document }, index) => {
    const cid = `${index + 1}.${boundary}@${list.domain}`;
    const has = state === 'active' && document !== undefined;
    if (has) parts.push(part(cid, PIDF_TYPE, writePidf(address, document)));
    const label = name === undefined ? '' : `<name>${escapeXml(name)}</name>`;
    // RFC 4662 §5.3: `reason` goes with terminated.
    const reason = state === 'terminated' ? ' reason="rejected"' : '';
    const instance = `<instance id="1" state="${state}"${reason}${has ? ` cid="${escapeXml(cid)}"` : ''}/>`;
    return `<resource uri="${escapeXml(toSipUri(address))}">${label}${instance}</resource>`;
  });
  const root = `list.${boundary}@${list.domain}`;
  const rlmi =
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="${escapeXml(toSipUri(list))}"` +
    ` version="${version}" fullState="true">${rows.join('')}</list>`;
  return {
    type: `multipart/related;type="${RLMI_TYPE}";start="<${root}>";boundary="${boundary}"`,
    body: `${part(root, RLMI_TYPE, rlmi)}${parts.join('')}--${boundary}--\r\n`,
  };
}

/** An id is a token without meaning. */
function idOf(uri: string): string {
  return `w${Buffer.from(uri).toString('base64url')}`;
}
