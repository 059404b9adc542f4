// What we call ourselves on the edge, and whether a certificate of ours says the same.

import type { Findings } from './finding.ts';
import type { IsthmusInput } from './listeners.ts';
import { covers, type OwnPair } from './own-pairs.ts';
import type { YamlSource } from './yaml-source.ts';

/** As written, else the certificate's own name, else our first domain. */
export function edgeHost(
  input: IsthmusInput,
  source: YamlSource | undefined,
  pairs: readonly OwnPair[],
  coming: readonly Pick<OwnPair, 'names'>[],
  domains: readonly string[],
  findings: Findings,
): string {
  const written = input.edge?.host;
  const valid = pairs.filter((pair) => pair.valid);
  checkClientsHost(input.clients?.host, source, valid, findings);
  if (written !== undefined) {
    if (source !== undefined && valid.length > 0 && !valid.some((pair) => covers(pair.names, written))) {
      const names = valid.flatMap((pair) => pair.names);
      // What renewal will bring must not keep the set from taking effect that asks for it.
      const tell = coming.some((pair) => covers(pair.names, written)) ? 'warning' : 'fault';
      findings[tell](
        'CONFIG_CERTIFICATE',
        source.place(['edge', 'host'], 'value'),
        `no certificate in certs/own names ${written}`,
        `partners compare it with our certificate; one of ${names.join(', ')}`,
      );
    }
    return written;
  }
  const ranked = [...valid].sort((a, b) => coverage(b, domains) - coverage(a, domains));
  const identity = valid.find((pair) => pair.name === input.edge?.identity) ?? ranked[0];
  return identity?.names.find((name) => !name.startsWith('*.')) ?? domains[0] ?? 'localhost';
}

/** Clients that are given this host compare it with the certificate that they are shown. */
function checkClientsHost(host: string | undefined, source: YamlSource | undefined, valid: readonly OwnPair[], findings: Findings): void {
  if (host === undefined || source === undefined || valid.length === 0 || valid.some((pair) => covers(pair.names, host))) return;
  const place = source.place(['clients', 'host'], 'value');
  const right = 'browsers and SIP clients refuse it; put a certificate that names it into certs/own/<name>/ (isthmus cert request has it)';
  findings.warning('CONFIG_CERTIFICATE', place, `no certificate in certs/own names ${host}`, right);
}

function coverage(pair: OwnPair, domains: readonly string[]): number {
  return domains.filter((domain) => covers(pair.names, domain)).length;
}
