// OPTIONS to inside next hops that failed, until three in a row were good: then traffic goes back to them (domains.yaml
// `nextHop`). A hop in use needs no probe: its own traffic and keep-alives tell.

import type { Clock, Hop, Ids } from '../../model/ports.ts';
import type { BuildRequest, SipAnswer } from './exchange.ts';
import { type SipTarget, targetKey } from './locate.ts';
import type { TargetHealth } from './target-health.ts';

const EVERY_MS = 5_000;
const DEADLINE_MS = 4_000;

export interface ProbeParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly ask: (hop: Hop, target: SipTarget, build: BuildRequest, deadlineMs: number) => Promise<SipAnswer>;
  readonly healthOf: (hop: Hop) => TargetHealth;
}

export class NextHopProbe {
  readonly #parts: ProbeParts;
  readonly #running = new Set<string>();
  #stopped = false;

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  /** Starts probing a target that failed, if nobody does yet. */
  start(hop: Hop, target: SipTarget): void {
    const key = `${hop.ourDomain} ${hop.theirDomain} ${targetKey(target)}`;
    if (this.#running.has(key)) return;
    this.#running.add(key);
    this.#later(key, hop, target);
  }

  stop(): void {
    this.#stopped = true;
  }

  #later(key: string, hop: Hop, target: SipTarget): void {
    this.#parts.clock.after(EVERY_MS, () => {
      if (this.#stopped) return;
      void this.#parts.ask(hop, target, optionsRequest(hop, this.#parts.ids), DEADLINE_MS).then((answer) => {
        // Any answer but 408 and 503 shows a server at work.
        const good = answer.kind === 'response' && answer.response.status !== 503 && answer.response.status !== 408;
        if (this.#parts.healthOf(hop).probed(target, good)) this.#running.delete(key);
        else this.#later(key, hop, target);
      });
    });
  }
}

/** An OPTIONS from our domain to theirs, of no dialog (RFC 3261 §11.1). */
export function optionsRequest(hop: Hop, ids: Ids): BuildRequest {
  const callId = ids.token(16);
  const tag = ids.token();
  return (route) => ({
    method: 'OPTIONS',
    uri: `sip:${hop.theirDomain}`,
    headers: [
      ['From', `<sip:${hop.ourDomain}>;tag=${tag}`],
      ['To', `<sip:${hop.theirDomain}>`],
      ['Call-ID', callId],
      ['CSeq', '1 OPTIONS'],
      ['Contact', `<${route.contactUri()}>`],
      ['Accept', 'text/plain, application/pidf+xml'],
    ],
  });
}
