// Bookmarks of rooms in their two forms: one storage element with all (XEP-0048), one item for each room (XEP-0402). Pure.

import { child, type Element, element, elements, text } from '../../element.ts';
import { toAddress, toJid } from '../../jid.ts';
import { NS } from '../../names.ts';

/**
 * The rooms of a storage element, by their JIDs.
 * @param known what is kept of each room now: extensions that the old form cannot say stay
 */
export function conferencesIn(
  storage: Element,
  known: ReadonlyMap<string, Element>,
): { readonly wanted: ReadonlyMap<string, Element>; readonly rest: readonly Element[] } {
  const wanted = new Map<string, Element>();
  const rest: Element[] = [];
  for (const part of elements(storage)) {
    if (part.name !== 'conference') {
      rest.push(part);
      continue;
    }
    const address = toAddress(part.attrs.jid ?? '');
    const jid = 'code' in address ? undefined : toJid(address);
    if (typeof jid === 'string') wanted.set(jid, toNew(part, known.get(jid)));
  }
  return { wanted, rest };
}

const isOld = ({ name }: Element): boolean => name === 'nick' || name === 'password';

function toNew(old: Element, before: Element | undefined): Element {
  const { name, autojoin } = old.attrs;
  const said = elements(old).flatMap((part) => (isOld(part) ? [element(part.name, NS.bookmarks, {}, [text(part)])] : []));
  const more = before === undefined ? [] : elements(before).filter((part) => !isOld(part));
  const joins = autojoin === 'true' || autojoin === '1';
  return element('conference', NS.bookmarks, { name, ...(joins && { autojoin: 'true' }) }, [...said, ...more]);
}

/** @param rest what else stood in the old form */
export function printConferences(items: ReadonlyMap<string, Element>, rest: readonly Element[] = []): Element {
  const rooms = [...items].map(([jid, conference]) => {
    const { name, autojoin } = conference.attrs;
    const said = ['nick', 'password'].flatMap((key) => {
      const part = child(conference, key, NS.bookmarks);
      return part === undefined ? [] : [element(key, NS.oldBookmarks, {}, [text(part)])];
    });
    const joins = autojoin === 'true' || autojoin === '1';
    return element('conference', NS.oldBookmarks, { jid, name, autojoin: joins ? 'true' : 'false' }, said);
  });
  return element('storage', NS.oldBookmarks, {}, [...rooms, ...rest]);
}
