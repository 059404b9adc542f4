// `isthmus explain FROM TO --presence` between two users of the core: their own lists say who sees whom, and no record of the border.

import { fromBareKey } from '../../model/address.ts';
import type { Operations } from '../operations.ts';
import { stateRows } from '../user/state.ts';
import type { Report } from '../verb.ts';

/** Why `watcher` sees of `presentity` what they see. @param watcher and `presentity`: bare addresses of users of the core */
export async function explainWithin(watcher: string, presentity: string, { records, live }: Operations): Promise<Report> {
  const { contacts, blocked } = records();
  const entry = (await contacts.of(presentity)).entries.find(({ address }) => address === watcher);
  const isBlocked = (await blocked.of(presentity)).includes(watcher) || entry?.level === 'blocked';
  const sight = await live?.states.of(fromBareKey(presentity));
  const lines: string[] = [];
  if (entry?.seen === true) lines.push(`permission: ${presentity} lets ${watcher} see them`);
  else if (entry?.asks === true) lines.push(`permission: ${presentity} has not answered the request of ${watcher} yet`);
  else lines.push(`permission: none; ${watcher} has not asked, or one of them ended it`);
  if (entry?.level !== undefined) lines.push(`level: ${entry.level}, which ${presentity} has given them`);
  if (isBlocked) lines.push(`blocked: ${presentity} has blocked ${watcher}`);
  if (sight === undefined) lines.push('state: nothing runs with this home, so it is not known');
  else lines.push(...stateRows(sight).map(([label, value]) => `${label}: ${value}`));

  const offline = sight?.composed.document.endpoints.length === 0;
  const because =
    entry?.seen !== true
      ? entry?.asks === true
        ? 'the request has not been answered yet'
        : 'there is no permission'
      : isBlocked
        ? 'they are blocked'
        : sight?.chosen?.state === 'appearOffline'
          ? `${presentity} has chosen to appear offline`
          : offline
            ? 'no client of theirs is signed in'
            : undefined;
  const short =
    because !== undefined
      ? `${presentity} appears offline to ${watcher} because ${because}.`
      : sight === undefined
        ? 'nothing here stands between them.'
        : `${watcher} may see ${presentity} as it is.`;
  return {
    text: [['As it stands', ...lines.map((line) => `  ${line}`)].join('\n'), `In short: ${short}`].join('\n\n'),
    json: { watcher, presentity, seen: entry?.seen === true, asks: entry?.asks === true, blocked: isBlocked, short },
    exit: because === undefined ? 0 : 1,
  };
}
