// `start --dev`: a home for one machine, made on first use in .isthmus/ below the working folder. One domain behind a SIP system on
// this machine, no partner yet; every listener on loopback; an authority of its own that nobody else trusts.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Terminal } from '../../ops/command.ts';
import { developmentAuthority } from './development-certificates.ts';

const FOLDER = '.isthmus';
const DOMAIN = 'corp.test';

const ISTHMUS_YAML = `# A development home, made by isthmus start --dev. Delete the folder to have it made anew.
edge:
  host: edge.${DOMAIN}
  sip: tls://127.0.0.1:15061
  xmpp: [starttls://127.0.0.1:15269, tls://127.0.0.1:15270]
inside:
  host: edge-in.${DOMAIN}
  sip: tls://127.0.0.1:25061
reload: onChange
log: { level: debug }
`;
const DOMAINS_YAML = `domains:
  ${DOMAIN}:
    served: sip
    nextHop: tls://127.0.0.1:35061            # your SIP system; its certificate and key are in sip-system/
    acceptFrom: sip.${DOMAIN}
`;
const POLICY_YAML = `federation: closed            # add a partner: a file in routes/partners/, see routes/README.md of the repository
`;

/** Makes the development home if it is not there, and says what it made. @returns its folder */
export async function developmentHome(terminal: Terminal): Promise<string> {
  const dir = join(terminal.cwd, FOLDER);
  if (existsSync(join(dir, 'isthmus.yaml'))) {
    terminal.err(`development home: ${dir}`);
    return dir;
  }
  const authority = await developmentAuthority('Isthmus development', Date.now());
  const write = (path: string, text: string, mode = 0o644): void => {
    const file = join(dir, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text, { mode });
  };
  const own = await authority.issue([DOMAIN, `edge.${DOMAIN}`, `edge-in.${DOMAIN}`]);
  write('certs/own/development/fullchain.pem', own.chainPem);
  write('certs/own/development/key.pem', own.keyPem, 0o600);
  const system = await authority.issue([`sip.${DOMAIN}`]);
  write('sip-system/fullchain.pem', system.chainPem);
  write('sip-system/key.pem', system.keyPem, 0o600);
  write('certs/trust/inside/development.pem', authority.certPem);
  write('certs/trust/edge/development.pem', authority.certPem);
  write('routes/domains.yaml', DOMAINS_YAML);
  write('routes/policy.yaml', POLICY_YAML);
  write('.gitignore', '*\n');
  write('isthmus.yaml', ISTHMUS_YAML); // last: its presence says that the home is complete
  terminal.err(
    [
      `development home made: ${dir}`,
      `  domain       ${DOMAIN}, served by a SIP system expected at 127.0.0.1:35061 over TLS`,
      '  listens on   127.0.0.1: 15061 SIP partners, 15269 and 15270 XMPP partners, 25061 your SIP system',
      "  certificates of an authority made just now; the SIP system's pair is in sip-system/",
      '  next         isthmus status --home .isthmus, isthmus partner add DOMAIN --home .isthmus (taken on save);',
      '               or see it all at work: isthmus demo',
    ].join('\n'),
  );
  return dir;
}
