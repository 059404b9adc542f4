// Why one person sees of another what they see: the rules, the permission, the road, and what was heard last.

import type { Authorization } from '../../model/stores.ts';
import { moment, span } from '../words.ts';
import type { ExplainDeps } from './explain.ts';
import { stamp } from './life.ts';

export interface PresenceNow {
  /** The facts, one a line. */
  readonly lines: readonly string[];
  /** One sentence for the help desk. */
  readonly short: string;
  /** Nothing on our side stands between them. */
  readonly well: boolean;
  readonly json: object;
}

/** @param watcher who looks @param presentity who is seen; bare addresses */
export async function presenceNow(watcher: string, presentity: string, deps: ExplainDeps): Promise<PresenceNow> {
  const rule = deps.rule(watcher, presentity)?.presence;
  const authorization = await deps.authorizations.get(watcher, presentity);
  const view = deps.live?.sight.view(watcher, presentity);
  const domain = presentity.slice(presentity.lastIndexOf('@') + 1);
  const roads = deps.isOurs(domain) === true ? [] : (deps.live?.health.roads() ?? []).filter((road) => road.domain === domain);
  const down = roads.find(({ state, direction }) => state === 'down' && direction === 'out');
  const known = rule?.code === 'POLICY_FIRST_CONTACT' && (await deps.requests.knows(presentity, watcher));
  const lines: string[] = [];
  let short: string | undefined;
  const stops = (why: string): void => void (short ??= `${presentity} appears offline to ${watcher} because ${why}.`);

  if (rule === undefined) lines.push('rules: the files of the home have faults; isthmus check shows them');
  else if (rule.allowed || known)
    lines.push(`rules: ${watcher} may see ${presentity}${known ? ' (invited or approved)' : `, by ${deps.place(rule.file, rule.key)}`}`);
  else {
    const where = deps.place(rule.file, rule.key);
    lines.push(`rules: ${watcher} may not see ${presentity}: ${rule.code ?? 'refused'}, by ${where}`);
    stops(
      rule.code === 'POLICY_FIRST_CONTACT'
        ? `the request of a stranger waits for approval (${where}; isthmus request list)`
        : `a rule does not allow it: ${rule.code ?? 'refused'}, ${where}`,
    );
  }
  lines.push(permissionWords(authorization));
  if (authorization === undefined) stops(`there is no permission on record: ${watcher} has not asked, or one of them ended it`);
  else if (authorization.state === 'pending')
    stops(`${presentity} has not answered the request of ${stamp(authorization.lastSubscribeAt ?? authorization.changedAt)} yet`);
  else if (authorization.state === 'denied') stops(`${presentity}, or their server, said no at ${stamp(authorization.changedAt)}`);
  for (const { protocol, direction, state, sinceMs, lastFailure } of roads) {
    const failed = lastFailure === undefined ? '' : `; last failure ${lastFailure.code}, ${lastFailure.text}`;
    lines.push(
      `road: ${direction === 'out' ? 'we to them' : 'they to us'} over ${protocol.toUpperCase()} is ${state} since ${moment(sinceMs, deps.now)}${failed}`,
    );
  }
  if (down !== undefined)
    stops(
      `${domain} cannot be reached since ${moment(down.sinceMs, deps.now)}${down.lastFailure === undefined ? '' : ` (${down.lastFailure.code})`}`,
    );
  if (deps.live === undefined) lines.push('view: nothing runs with this home, so what was heard last is not known');
  else if (view === undefined) {
    lines.push(
      `view: nothing has been heard from ${presentity} for ${watcher} since the process started, ${span(deps.now - deps.live.startedAt)} ago`,
    );
    stops('their side has sent no presence since the process started');
  } else {
    const heard = view.heardAt === undefined ? 'nothing heard' : `last heard ${span(deps.now - view.heardAt)} ago`;
    const shown = view.shownAt === undefined ? 'nothing shown yet' : `last shown to ${watcher} ${span(deps.now - view.shownAt)} ago`;
    lines.push(`view: ${presentity} is ${view.open ? 'online' : 'offline'} as far as we know; ${heard}, ${shown}`);
    if (!view.open)
      stops(
        view.heardAt === undefined
          ? 'their side has sent no presence for them'
          : `their own side said so at ${moment(view.heardAt, deps.now)}`,
      );
  }
  return {
    lines,
    short:
      short ??
      (deps.live === undefined
        ? 'nothing on record stands between them; start the process to see what is heard.'
        : `${watcher} sees ${presentity} online; nothing here stands between them.`),
    well: short === undefined,
    json: {
      ...(rule !== undefined && { rule }),
      ...(authorization !== undefined && { authorization }),
      roads,
      ...(view !== undefined && { view }),
    },
  };
}

function permissionWords(authorization: Authorization | undefined): string {
  if (authorization === undefined) return 'permission: none on record';
  const { state, changedAt, reason, lastSubscribeAt } = authorization;
  const asked = lastSubscribeAt === undefined ? '' : `, last asked ${stamp(lastSubscribeAt)}`;
  return `permission: ${state} since ${stamp(changedAt)}${reason === undefined ? '' : ` (${reason})`}${asked}`;
}
