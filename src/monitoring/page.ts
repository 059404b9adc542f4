// The read-only page of an edge: which partner cannot be reached since when, what waits, which certificate ends. One HTML
// document without scripts, built from values, each of them escaped.

import type { PartnerHealth } from '../model/health.ts';
import type { Alert } from '../model/notify.ts';
import { utcMinute } from '../model/utc.ts';

export interface PageFacts {
  readonly host: string;
  readonly version: string;
  /** Wall ms. */
  readonly now: number;
  readonly startedAt: number;
  readonly alerts: readonly Alert[];
  readonly roads: readonly PartnerHealth[];
}

/** Roads shown; a page is for people. */
const MAX_ROWS = 500;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}
.down{color:#b00020;font-weight:600}.up{color:#1b6e2d}.idle{color:#666}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#161616}th,td{border-color:#333}.down{color:#ff8a80}.up{color:#81c995}}`;

/** The whole document. */
export function page(facts: PageFacts): string {
  const { host, version, now, alerts, roads } = facts;
  const verdict = alerts.length === 0 ? '<p class="up">Nothing needs attention.</p>' : `<ul>${alerts.map(alertRow).join('')}</ul>`;
  const order = { down: 0, up: 1, idle: 2 } as const;
  const sorted = [...roads].sort((a, b) => order[a.state] - order[b.state] || a.domain.localeCompare(b.domain));
  const more = sorted.length > MAX_ROWS ? `<p>${sorted.length - MAX_ROWS} more are not shown; isthmus status shows all.</p>` : '';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="30"><title>${escaped(host)}: ${alerts.length === 0 ? 'well' : `${alerts.length} to look at`}</title><style>${STYLE}</style></head>
<body><h1>${escaped(host)}</h1><p>Isthmus ${escaped(version)}, running since ${utcMinute(facts.startedAt)}. It is ${utcMinute(now)}.</p>
<h2>To look at</h2>${verdict}<h2>Partners</h2>
<table><thead><tr><th>Partner</th><th>Road</th><th>State</th><th>Waiting</th><th>Last failure</th></tr></thead><tbody>
${sorted.slice(0, MAX_ROWS).map(roadRow).join('\n')}</tbody></table>${more}</body></html>
`;
}

function alertRow({ text, advice }: Alert): string {
  return `<li><span class="down">${escaped(text)}</span><br><code>${escaped(advice)}</code></li>`;
}

function roadRow({ domain, protocol, direction, state, sinceMs, waiting, oldestMs, lastFailure }: PartnerHealth): string {
  const words = { down: `unreachable since ${utcMinute(sinceMs)}`, up: `up since ${utcMinute(sinceMs)}`, idle: 'no connection' }[state];
  const queue = waiting === 0 ? '' : `${waiting} waiting, the oldest ${Math.floor(oldestMs / 60_000)} min`;
  const failure = lastFailure === undefined ? '' : `${lastFailure.code}: ${lastFailure.text}`;
  const cells = [domain, `${protocol}, ${direction === 'out' ? 'we to them' : 'they to us'}`, words, queue, failure];
  return `<tr>${cells.map((cell, index) => `<td${index === 2 ? ` class="${state}"` : ''}>${escaped(cell)}</td>`).join('')}</tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
