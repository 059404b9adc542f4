// Whether the listeners fit what is written elsewhere: one for each kind of internal server, and none that shows what it carries.

import { insideOf, type OwnDomain } from '../model/table.ts';
import { DOMAINS_FILE, ISTHMUS_FILE } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { type Listeners, placeOf, showBind } from './listeners.ts';
import type { YamlSource } from './yaml-source.ts';

/** The files that say what is listened on and who is served. */
export interface ListenerFiles {
  readonly isthmus: YamlSource | undefined;
  /** Of a file with a fault nothing is known but the fault. */
  readonly isRead: boolean;
  readonly domains: YamlSource | undefined;
}

/** Tells listeners that are missing and listeners without encryption; all are warnings. */
export function checkListeners(
  listeners: Listeners,
  domains: ReadonlyMap<string, OwnDomain>,
  { isthmus, isRead, domains: domainsFile }: ListenerFiles,
  findings: Findings,
): void {
  warnPlain(listeners, isthmus, findings);
  if (isRead && listeners.insideSip.length === 0 && [...domains.values()].some((own) => insideOf(own).served === 'sip')) {
    findings.warning(
      'CONFIG_MISSING_KEY',
      isthmus?.place(['inside']) ?? wholeFile(ISTHMUS_FILE),
      'no inside.sip',
      'internal SIP servers have nowhere to send what goes outside',
    );
  }
  const core = [...domains.values()].find(({ served }) => served === 'core');
  if (isRead && core !== undefined && listeners.clientXmpp.length + listeners.clientSip.length + listeners.clientWeb.length === 0) {
    const right = 'nobody can sign in; add clients: in isthmus.yaml, such as { xmpp: tls://203.0.113.6:5223 }';
    const place = domainsFile?.place(['domains', core.domain, 'served']) ?? wholeFile(DOMAINS_FILE);
    findings.warning('CONFIG_MISSING_KEY', place, `${core.domain} is served: core, and there is no place for its clients`, right);
  }
  if (isRead && listeners.clientWeb.length === 0 && isthmus?.has(['clients', 'uploads']) === true) {
    const right = 'add clients.web, such as https://203.0.113.6:443: files are put and fetched over HTTPS';
    findings.warning('CONFIG_MISSING_KEY', isthmus.place(['clients', 'uploads']), 'clients.uploads without clients.web', right);
  }
  for (const own of [...new Set(domains.values())].map(insideOf)) {
    if (own.component === undefined || own.component.dial !== undefined || listeners.insideComponent.length > 0) continue;
    findings.warning(
      'CONFIG_MISSING_KEY',
      domainsFile?.place(['domains', own.domain, ...(own.where.key.endsWith('/otherwise') ? ['otherwise'] : []), 'component']) ??
        wholeFile(DOMAINS_FILE),
      `${own.domain} has no component.dial`,
      'write where its server listens for components, or inside.component in isthmus.yaml when it dials us',
    );
  }
}

function warnPlain(listeners: Listeners, source: YamlSource | undefined, findings: Findings): void {
  if (source === undefined) return;
  for (const bind of [...listeners.insideSip, ...listeners.insideComponent]) {
    if (bind.transport !== 'plain') continue;
    const right = 'anyone who can reach it can read and inject; use tls://, or keep the network to these servers';
    findings.warning('CONFIG_EXPOSED', placeOf(bind, source), `${showBind(bind)} is not encrypted`, right);
  }
  for (const bind of listeners.clientSip) {
    if (bind.transport !== 'plain') continue;
    const right = 'what people write can be read on the way, and digests of their passwords be tried; use tls://';
    findings.warning('CONFIG_EXPOSED', placeOf(bind, source), `${showBind(bind)} is not encrypted`, right);
  }
}
