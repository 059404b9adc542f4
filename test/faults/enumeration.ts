// Does the time of an answer tell what its bytes do not? Users of ours who are unknown, who block and whom policy keeps to
// themselves are asked about in turns, and the medians of the answers' times are compared. Alone: node test/faults/enumeration.ts [--short]

import { asker, HIDDEN, POLICY, type Question } from '../hostile/enumeration-questions.ts';
import { RunningEdge } from '../hostile/running-edge.ts';
import { count, type Fault, figure, type Goal, type Scale } from './row.ts';

const SAMPLES = { short: 20, full: 500 } as const;
/** The medians may lie so far apart: a share of the interquartile range, or this many ms. */
const SHARE_OF_RANGE = 0.05;
const AT_LEAST_MS = 1;

export const enumeration: Fault = async (scale: Scale) => {
  const started = performance.now();
  await using edge = await RunningEdge.open({ policy: POLICY });
  const partner = await asker(edge);
  const samples = SAMPLES[scale];
  const goals: Goal[] = [];
  try {
    for (const [name, question] of Object.entries(partner.timed)) goals.push(...(await compared(name, question, samples)));
  } finally {
    partner.close();
  }
  const sent = Object.keys(partner.timed).length * HIDDEN.length * samples;
  return {
    id: 'enumeration',
    fault: 'which users do we have, by the time of an answer',
    load: `${samples} samples of each of ${HIDDEN.length} users, in turns`,
    sent,
    delivered: 0,
    refused: sent,
    lost: 0,
    doubled: 0,
    copies: 0,
    outOfOrder: 0,
    garbled: 0,
    contradicted: 0,
    recoveryMs: undefined,
    goals: [count('every question answered', sent, true), ...goals],
    tookMs: performance.now() - started,
  };
};

async function compared(name: string, question: Question, samples: number): Promise<Goal[]> {
  const times = new Map<string, number[]>(HIDDEN.map((user) => [user, []]));
  for (let round = 0; round < samples; round++) {
    for (const user of HIDDEN) {
      const since = performance.now();
      await question(user);
      times.get(user)!.push(performance.now() - since);
    }
  }
  const figures = HIDDEN.map((user) => {
    const sorted = times.get(user)!.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!;
    return { user, median: at(0.5), range: at(0.75) - at(0.25) };
  });
  const medians = figures.map(({ median }) => median);
  const apart = Math.max(...medians) - Math.min(...medians);
  const allowed = Math.max(AT_LEAST_MS, SHARE_OF_RANGE * Math.max(...figures.map(({ range }) => range)));
  const each = figures.map(({ user, median, range }) => `${user} ${median.toFixed(2)} (${range.toFixed(2)})`).join(', ');
  return [
    {
      what: `${name}: medians lie at most ${allowed.toFixed(2)} ms apart`,
      came: `${apart.toFixed(2)} ms`,
      kind: 'time',
      met: apart <= allowed,
    },
    figure(`${name}: median and interquartile range, ms`, each, true),
  ];
}

if (import.meta.main) {
  const { goals } = await enumeration(process.argv.includes('--short') ? 'short' : 'full');
  for (const { what, came, met } of goals) console.log(`${met ? 'met' : 'NOT MET'}  ${what}: ${came}`);
}
