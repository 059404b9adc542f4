// From isthmus.yaml to what is listened on: defaults, and the check that no two binds take the same place.

import { isIP } from 'node:net';
import type * as z from 'zod';
import type { Findings } from './finding.ts';
import type { Bind } from './home.ts';
import type { isthmusSection } from './sections/isthmus.ts';
import type { SchemeUrl } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export type IsthmusInput = z.output<typeof isthmusSection>;

export interface Listeners {
  readonly edgeSip: readonly Bind[];
  readonly edgeXmpp: readonly Bind[];
  readonly insideSip: readonly Bind[];
  readonly insideComponent: readonly Bind[];
  readonly clientSip: readonly Bind[];
  readonly clientXmpp: readonly Bind[];
  readonly clientWeb: readonly Bind<'https'>[];
  readonly adminHttps: readonly Bind<'https'>[];
  readonly metrics: readonly Bind<'http'>[];
}

interface Edge {
  readonly sip?: readonly SchemeUrl<'tls'>[] | undefined;
  readonly xmpp?: readonly SchemeUrl<'starttls' | 'tls'>[] | undefined;
  readonly enabled?: boolean | undefined;
}
type AnyBind = Bind<string>;

/** Listeners of a home whose isthmus.yaml says nothing about the edge. */
const DEFAULT_EDGE: Edge = {
  sip: [{ scheme: 'tls', host: '*', port: 5061 }],
  xmpp: [
    { scheme: 'starttls', host: '*', port: 5269 },
    { scheme: 'tls', host: '*', port: 5270 },
  ],
};

/** @param source undefined when there is no isthmus.yaml */
export function listenersOf(input: IsthmusInput, source: YamlSource | undefined, findings: Findings): Listeners {
  const binds = <S extends string>(written: readonly SchemeUrl<S>[] | undefined, path: Path): Bind<S>[] =>
    (written ?? []).map(({ scheme, host, port }, index) => {
      const place = source?.place([...path, index], 'value');
      const where = { file: 'isthmus.yaml', key: place?.key ?? pointer(path), ...(place === undefined ? {} : { line: place.line }) };
      return { transport: scheme, address: host, port, where };
    });
  const { inside, clients, admin, metrics } = input;
  const edge: Edge = input.edge ?? DEFAULT_EDGE;
  const on = <T>(section: { enabled?: boolean | undefined } | undefined, value: T): T | undefined =>
    section?.enabled === false ? undefined : value;

  const listeners: Listeners = {
    edgeSip: binds(on(edge, edge.sip), ['edge', 'sip']),
    edgeXmpp: binds(on(edge, edge.xmpp), ['edge', 'xmpp']),
    insideSip: binds(on(inside, inside?.sip), ['inside', 'sip']),
    insideComponent: binds(on(inside, inside?.component), ['inside', 'component']),
    clientSip: binds(on(clients, clients?.sip), ['clients', 'sip']),
    clientXmpp: binds(on(clients, clients?.xmpp), ['clients', 'xmpp']),
    clientWeb: binds(on(clients, clients?.web), ['clients', 'web']),
    adminHttps: binds(adminUrls(admin), source?.has(['admin', 'listen']) === true ? ['admin', 'listen'] : ['admin']),
    metrics: binds(metrics === undefined ? [] : [metrics], ['metrics']),
  };
  if (source !== undefined) checkOverlap(Object.values(listeners).flat(), source, findings);
  return listeners;
}

/** The listeners on TCP among what `admin:` names. */
function adminUrls(admin: IsthmusInput['admin']): SchemeUrl<'https'>[] {
  const written = admin?.enabled === false ? [] : (admin?.listen ?? []);
  return written.flatMap((one) => (one.scheme === 'unix' ? [] : [one]));
}

function checkOverlap(binds: readonly AnyBind[], source: YamlSource, findings: Findings): void {
  binds.forEach((bind, index) => {
    const other = binds.slice(0, index).find((earlier) => overlap(earlier, bind));
    if (other === undefined) return;
    const place = placeOf(bind, source);
    const found = `${showBind(bind)} overlaps ${showBind(other)} in line ${other.where.line ?? 1}`;
    findings.fault('CONFIG_CONFLICT', place, found, 'give each its own address or port');
  });
}

/** As the operator writes it. */
export function showBind(bind: AnyBind): string {
  return `${bind.transport}://${bind.address.includes(':') ? `[${bind.address}]` : bind.address}:${bind.port}`;
}

/** Where in isthmus.yaml it is written. */
export function placeOf(bind: AnyBind, source: YamlSource) {
  const path = bind.where.key
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return source.place(path, 'value');
}

/** Would both want the same port of the same address? */
export function overlap(a: AnyBind, b: AnyBind): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  if (a.address === b.address || a.address === '*' || b.address === '*') return true;
  // `::` of Linux takes IPv4 too unless told otherwise; 0.0.0.0 takes every IPv4 address.
  if (a.address === '::' || b.address === '::') return true;
  const any = a.address === '0.0.0.0' ? b : b.address === '0.0.0.0' ? a : undefined;
  return any !== undefined && isIP(any.address) === 4;
}
