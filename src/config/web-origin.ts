// How clients write the place of clients.web: for addresses of files, invitations and WebSockets.

import type { Home } from './home.ts';

/** `https://chat.people.example`, without a slash at its end; undefined: there is no clients.web. */
export function webOrigin({
  clients,
  edge,
}: {
  readonly clients: Pick<Home['clients'], 'host' | 'web' | 'webUrl'>;
  readonly edge: Pick<Home['edge'], 'host'>;
}): string | undefined {
  const [bind] = clients.web;
  if (bind === undefined) return undefined;
  return clients.webUrl ?? `https://${clients.host ?? edge.host}${bind.port === 443 ? '' : `:${bind.port}`}`;
}
