// What only shows when the files are laid side by side: a domain in two files, a group that nobody defined, a block
// that is not one, a host name that no certificate of ours carries, a secret that is not there.

import { insideOf, type OwnDomain, type Partner } from '../model/table.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import type { DomainsInput } from './own-domains.ts';
import { covers, type OwnPair } from './own-pairs.ts';
import type { PolicyInput } from './sections/policy.ts';
import { nearest } from './spelling.ts';
import type { Path, YamlSource } from './yaml-source.ts';

type Domains = ReadonlyMap<string, OwnDomain>;

/** Each partner domain once, and none that is ours. @returns the partners by each of their domains */
export function partnersByDomain(
  partners: readonly { partner: Partner; source: YamlSource }[],
  domains: Domains,
  findings: Findings,
): Map<string, Partner> {
  const byDomain = new Map<string, Partner>();
  for (const { partner, source } of partners) {
    partner.domains.forEach((domain, index) => {
      const place = source.place(['domains', index], 'value');
      const own = domains.get(domain);
      const other = byDomain.get(domain);
      if (own !== undefined) {
        findings.fault(
          'CONFIG_CONFLICT',
          place,
          `${domain} is a domain of ours (${own.where.file}:${own.where.line ?? 1})`,
          'a partner cannot speak for it; remove it here or there',
        );
      } else if (other !== undefined) {
        findings.fault('CONFIG_CONFLICT', place, `${domain} is in ${other.where.file} already`, 'each domain in one file only');
      } else byDomain.set(domain, partner);
    });
  }
  return byDomain;
}

/** Groups, rules, blocks and tests of policy.yaml against the domains and partners that there are. */
export function checkPolicy(
  policy: PolicyInput,
  source: YamlSource,
  domains: Domains,
  partners: ReadonlyMap<string, Partner>,
  nowMs: number,
  findings: Findings,
): void {
  const ours = (user: string) => domains.has(user.slice(user.lastIndexOf('@') + 1));
  const wantOurs = (user: string, path: Path) => {
    if (ours(user)) return;
    const domain = user.slice(user.lastIndexOf('@') + 1);
    const meant = nearest(domain, domains.keys());
    findings.fault(
      'CONFIG_REFERENCE',
      source.place(path, 'value'),
      `${user} is not a user of ours`,
      'a user of a domain in routes/domains.yaml',
      meant && user.replace(/[^@]*$/, meant),
    );
  };

  for (const [name, members] of Object.entries(policy.groups)) {
    if (!Array.isArray(members)) continue;
    members.forEach((user, index) => {
      wantOurs(user, ['groups', name, index]);
    });
  }
  policy.rules.forEach((rule, index) => {
    const { who } = rule;
    if (who.kind === 'user') wantOurs(who.user, ['rules', index, 'who']);
    if (who.kind === 'group') checkGroup(who.group, policy, ['rules', index, 'who'], source, findings);
    if (rule.messages === undefined && rule.theySee === undefined && rule.weSee === undefined) {
      findings.fault(
        'CONFIG_VALUE',
        source.place(['rules', index]),
        'a rule that decides nothing',
        'at least one of messages, theySee, weSee',
      );
    }
    const domain =
      rule.with.kind === 'domain' ? rule.with.domain : rule.with.kind === 'user' ? rule.with.user.replace(/^.*@/s, '') : undefined;
    if (domain === undefined) return;
    const place = source.place(['rules', index, 'with'], 'value');
    if (domains.has(domain))
      findings.fault(
        'CONFIG_REFERENCE',
        place,
        `${domain} is a domain of ours`,
        "`with` is the partner's side; between our own users no rule is asked",
      );
    else if (!partners.has(domain) && policy.federation !== 'discovered') {
      findings.warning(
        'CONFIG_REFERENCE',
        place,
        `${domain} has no file in routes/partners/`,
        'while federation is closed this rule is never asked',
        nearest(domain, partners.keys()),
      );
    }
  });
  checkBlocks(policy, source, domains, partners, nowMs, findings);
  policy.tests.forEach((test, index) => {
    if (test.message === undefined && test.presence === undefined) {
      findings.fault(
        'CONFIG_VALUE',
        source.place(['tests', index]),
        'a test that expects nothing',
        'at least one of message, presence: allow or refuse',
      );
    }
    if (!ours(test.from) && !ours(test.to)) {
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(['tests', index]),
        `neither ${test.from} nor ${test.to} is a user of ours`,
        'one side of a test is ours',
      );
    }
  });
}

function checkGroup(name: string, policy: PolicyInput, path: Path, source: YamlSource, findings: Findings): void {
  const group = policy.groups[name];
  const place = source.place(path, 'value');
  const names = Object.keys(policy.groups);
  if (group === undefined) {
    findings.fault(
      'CONFIG_REFERENCE',
      place,
      `the group "${name}" is not defined`,
      names.length === 0 ? 'define it in groups' : `one of ${names.join(', ')}`,
      nearest(name, names),
    );
  }
}

function checkBlocks(
  policy: PolicyInput,
  source: YamlSource,
  domains: Domains,
  partners: ReadonlyMap<string, Partner>,
  nowMs: number,
  findings: Findings,
): void {
  policy.blocked.forEach((block, index) => {
    const path = ['blocked', index];
    const named = (['domain', 'user', 'address'] as const).filter((key) => block[key] !== undefined);
    if (named.length !== 1) {
      const found = named.length === 0 ? 'a block of nobody' : `a block with ${named.join(' and ')}`;
      findings.fault('CONFIG_VALUE', source.place(path), found, 'exactly one of domain, user, address');
    }
    if (block.subdomains && block.domain === undefined) {
      findings.fault('CONFIG_VALUE', source.place([...path, 'subdomains']), 'subdomains without domain', 'it goes with domain only');
    }
    if (block.until !== undefined && block.until <= nowMs) {
      findings.warning('CONFIG_VALUE', source.place([...path, 'until']), 'the time of this block is over', 'remove the entry');
    }
    const { domain } = block;
    if (domain === undefined) return;
    const place = source.place([...path, 'domain'], 'value');
    if (domains.has(domain)) findings.fault('CONFIG_CONFLICT', place, `${domain} is a domain of ours`, 'only others can be blocked');
    const partner = partners.get(domain);
    if (partner !== undefined)
      findings.warning(
        'CONFIG_CONFLICT',
        place,
        `${domain} is a partner with a file (${partner.where.file})`,
        'a block beats everything; remove one of the two',
      );
  });
}

/** Which pair each domain shows, and what the edge calls itself. @param coming what certs/acme.yaml will bring */
export function checkIdentities(
  domains: Domains,
  pairs: readonly OwnPair[],
  coming: readonly Pick<OwnPair, 'name' | 'names'>[],
  identity: string | undefined,
  sources: { isthmus: YamlSource | undefined; domains: YamlSource | undefined; input: DomainsInput | undefined },
  findings: Findings,
): void {
  const names = pairs.map((pair) => pair.name);
  const wantPair = (name: string | undefined, source: YamlSource | undefined, path: Path) => {
    if (name === undefined || source === undefined || names.includes(name) || coming.some((pair) => pair.name === name)) return;
    const right = names.length === 0 ? `put its fullchain.pem and key.pem into certs/own/${name}/` : `one of ${names.join(', ')}`;
    const tell = pairs.length === 0 ? 'warning' : 'fault';
    findings[tell]('CONFIG_REFERENCE', source.place(path, 'value'), `certs/own/${name} is not there`, right, nearest(name, names));
  };
  wantPair(identity, sources.isthmus, ['edge', 'identity']);
  for (const [written, entry] of Object.entries(sources.input?.domains ?? {}))
    wantPair(entry.certificate, sources.domains, ['domains', written, 'certificate']);

  for (const own of new Set(domains.values())) {
    const chosen = pairs.filter((pair) => pair.valid && (own.certificate === undefined || pair.name === own.certificate));
    const uncovered = [own.domain, ...own.aliases].filter((name) => !chosen.some((pair) => covers(pair.names, name)));
    if (uncovered.length === 0) continue;
    const place = { file: own.where.file, line: own.where.line ?? 1, column: 1, key: own.where.key };
    const asked = uncovered.every((name) => coming.some((pair) => covers(pair.names, name)));
    const right = asked
      ? 'certs/acme.yaml asks for it: isthmus cert renew gets it now, a running edge by itself'
      : 'partners cannot recognise us for it; put a certificate that names it into certs/own/<name>/ (fullchain.pem, key.pem)';
    findings.warning('CONFIG_CERTIFICATE', place, `no valid certificate of ours names ${uncovered.join(', ')}`, right);
  }
}

/** The secrets that are named, and their modes. */
export function checkSecrets(domains: Domains, files: HomeFiles, credentials: boolean, findings: Findings): void {
  for (const own of [...new Set(domains.values())].map(insideOf)) {
    if (own.component === undefined) continue;
    const path = `secrets/${own.component.secret}`;
    if (files.has(path) || credentials) continue;
    const place = { file: own.where.file, line: own.where.line ?? 1, column: 1, key: `${own.where.key}/component/secret` };
    const known = [...files.keys()].filter((other) => other.startsWith('secrets/')).map((other) => other.slice('secrets/'.length));
    const right = `write the secret into ${path} (mode 0600), or pass it in $CREDENTIALS_DIRECTORY`;
    findings.warning('CONFIG_SECRET_MISSING', place, `${path} is not there`, right, nearest(own.component.secret, known));
  }
  for (const [path, file] of files) {
    if (!path.startsWith('secrets/') || (file.mode & 0o077) === 0 || /\/(\.[^/]*|README(\.md)?)$/i.test(path)) continue;
    findings.fault(
      'CONFIG_MODE',
      wholeFile(path),
      `mode ${file.mode.toString(8).padStart(4, '0')}, others can read it`,
      `chmod 600 ${path}`,
    );
  }
}

/** What a partner's file says about time, and what this version does not do with it. */
export function checkPartners(
  partners: readonly { partner: Partner; source: YamlSource; reviewBefore: number | undefined }[],
  own: readonly OwnDomain[],
  nowMs: number,
  findings: Findings,
): void {
  for (const { partner, source, reviewBefore } of partners) {
    if (!partner.enabled) continue;
    if (partner.sip.dialect === 'lync' && partner.prefer.includes('sip')) {
      findings.notYet(
        source.place(['sip', 'dialect'], 'value'),
        'dialect: lync',
        'calls and sessions (INVITE) are answered 405 until sessions land; messages and presence cross',
      );
    }
    if (reviewBefore !== undefined && reviewBefore <= nowMs) {
      findings.warning(
        'CONFIG_VALUE',
        source.place(['reviewBefore'], 'value'),
        'the day of the review has come',
        'check the entry with its owner, then set a new day',
      );
    }
    if (partner.paused?.untilMs !== undefined && partner.paused.untilMs <= nowMs) {
      findings.warning('CONFIG_VALUE', source.place(['paused', 'until'], 'value'), 'the pause is over', 'remove paused');
    }
    for (const protocol of ['sip', 'xmpp'] as const) {
      if (!source.has([protocol]) || partner.prefer.includes(protocol)) continue;
      findings.warning(
        'CONFIG_CONFLICT',
        source.place([protocol]),
        `a section for ${protocol}, which prefer leaves out`,
        `${protocol} is not spoken with this partner; add it to prefer or remove the section`,
      );
    }
    const crosses = own
      .map(insideOf)
      .some(({ served, sameProtocol }) => sameProtocol || partner.prefer.some((protocol) => protocol !== served));
    if (own.length > 0 && !crosses) {
      findings.warning(
        'CONFIG_CONFLICT',
        source.has(['prefer']) ? source.place(['prefer']) : wholeFile(source.file),
        `${partner.prefer.join(' and ')} is all that is spoken with this partner, and every domain of ours is served by the same`,
        'nothing can cross; add the other protocol to prefer, or set sameProtocol: true for a domain in routes/domains.yaml',
      );
    }
    if (partner.xmpp.proof === 'dialback' && partner.prefer.includes('xmpp')) {
      findings.warning(
        'CONFIG_EXPOSED',
        source.place(['xmpp', 'proof']),
        'dialback is accepted from this partner',
        'its sessions are shown as unproven; ask the partner for a certificate',
      );
    }
  }
}
