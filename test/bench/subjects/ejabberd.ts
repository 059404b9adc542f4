// ejabberd as a yardstick: from a partner's s2s stream (STARTTLS, EXTERNAL) to a component, which is the road an XMPP gateway
// behind it would have. As packaged, without traffic shapers; `erl` is started directly, as in the peer suites.

import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PeerProcess } from '../../support/peer-process.ts';
import { listens } from '../../support/wait.ts';
import { COMPONENT, COMPONENT_SECRET, EJABBERD_DOMAIN } from '../cast.ts';
import type { YardstickFiles } from './kamailio.ts';

export function ejabberd(files: YardstickFiles, s2sPort: number, componentPort: number): PeerProcess {
  const { folder } = files;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'ejabberd.yml');
  // JSON is YAML, and quotes itself.
  writeFileSync(
    config,
    JSON.stringify({
      hosts: [EJABBERD_DOMAIN],
      loglevel: 'info',
      certfiles: [files.certificate.chainFile, files.certificate.keyFile],
      ca_file: files.rootsFile,
      s2s_use_starttls: 'required',
      listen: [
        { port: s2sPort, ip: '127.0.0.1', module: 'ejabberd_s2s_in' },
        {
          port: componentPort,
          ip: '127.0.0.1',
          module: 'ejabberd_service',
          hosts: { [COMPONENT]: { password: COMPONENT_SECRET } },
        },
      ],
      modules: { mod_disco: {} },
    }),
  );
  const ebin = globSync('/usr/lib/*/ejabberd-*/ebin')[0] ?? '';
  return new PeerProcess({
    name: 'ejabberd',
    command: 'erl',
    args: ['-noinput', '-pa', ebin, '-mnesia', 'dir', `"${join(folder, 'mnesia')}"`, '-s', 'ejabberd'],
    env: {
      EJABBERD_CONFIG_PATH: config,
      EJABBERD_LOG_PATH: join(folder, 'ejabberd-own.log'),
      ERL_CRASH_DUMP: '/dev/null',
      ERL_LIBS: dirname(dirname(ebin)),
      HOME: folder,
    },
    cwd: folder,
    logFile: join(folder, 'ejabberd.log'),
    ready: async () => (await Promise.all([s2sPort, componentPort].map((port) => listens('127.0.0.1', port)))).every(Boolean),
  });
}
