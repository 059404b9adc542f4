// Drafts meet the home: what becomes a new file, what is added to one that is there, what stays as it is with a difference,
// and what cannot be because the domain is ours. Nothing that an operator wrote is ever changed.

import type { FileChange } from '../../config/edit.ts';
import { editYaml } from '../../config/edit-yaml.ts';
import type { HomeFiles } from '../../config/files.ts';
import type { Step } from '../../config/yaml-step.ts';
import type { BlockDraft, Drafts, PartnerDraft } from './drafts.ts';
import { asData, asList, type HomeView, viewOf } from './home-view.ts';
import { blockText, noteOf, partnerText, providerText, sipKeys } from './new-files.ts';
import { showOrigin } from './record.ts';

const POLICY = 'routes/policy.yaml';
const PLACEHOLDER = 'placeholder.isthmus.invalid';

/** What the import says and the home says otherwise; the home wins. */
export interface Difference {
  readonly file: string;
  readonly key: string;
  /** As the file has it; undefined: it does not say. */
  readonly here: string | undefined;
  readonly there: string;
}

export interface ImportPlan {
  readonly changes: ReadonlyMap<string, FileChange>;
  /** First domain and file of each new partner. */
  readonly added: readonly { readonly domain: string; readonly file: string }[];
  /** Files of the home that get something. */
  readonly merged: readonly { readonly file: string; readonly keys: readonly string[] }[];
  /** Partners that stand in the home just so. */
  readonly same: number;
  readonly blocked: readonly string[];
  readonly providers: readonly string[];
  readonly differences: readonly Difference[];
}

/** Works out what an import changes. Adds to the drafts' remarks. @param day `2026-11-23` */
export function planImport(drafts: Drafts, files: HomeFiles, day: string): ImportPlan {
  const home = viewOf(files);
  const changes = new Map<string, FileChange>();
  const added: { domain: string; file: string }[] = [];
  const merged: { file: string; keys: readonly string[] }[] = [];
  const differences: Difference[] = [];
  let same = 0;
  const blockedThere = new Set(drafts.blocks.map(({ domain }) => domain));
  for (const draft of drafts.partners) {
    const partner = withoutOurs(draft, home, drafts);
    const [domain] = partner.domains;
    if (domain === undefined) continue;
    const from = partner.from[0]!;
    if (blockedThere.has(domain)) {
      drafts.remark(
        'note',
        from,
        domain,
        'it is allowed and blocked',
        'a block beats everything, there and here: no file was written for it',
      );
      continue;
    }
    const known = partner.domains.flatMap((name) => home.partners.get(name) ?? [])[0];
    if (known === undefined) {
      const file = `routes/partners/${domain}.yaml`;
      changes.set(file, partnerText(partner, day, files.has('routes/partner.schema.json')));
      added.push({ domain, file });
      continue;
    }
    const { steps, differs } = mergePartner(partner, known.data);
    differences.push(...differs.map((one) => ({ ...one, file: known.path })));
    if (steps.length > 0) {
      changes.set(known.path, steps);
      merged.push({ file: known.path, keys: steps.map(({ path }) => path.join('.')) });
    } else if (differs.length === 0) same++;
  }
  const blocked = planPolicy(drafts, home, files, changes, differences);
  const providers = planProviders(drafts, home, files, day, changes, differences);
  tellOwn(drafts, home);
  return { changes, added, merged, same, blocked, providers, differences };
}

/** Domains of ours, and those that another file has, are taken out of a draft. */
function withoutOurs(draft: PartnerDraft, home: HomeView, drafts: Drafts): PartnerDraft {
  const from = draft.from[0]!;
  const first = draft.domains.flatMap((name) => home.partners.get(name) ?? [])[0];
  const domains = draft.domains.filter((domain) => {
    if (home.own.has(domain) || drafts.ownDomains.has(domain)) {
      drafts.remark('lost', from, domain, 'a partner', 'it is a domain of yours, and nobody outside can speak for it');
      return false;
    }
    const other = home.partners.get(domain);
    if (other === undefined || other.path === first?.path) return true;
    drafts.remark('lost', from, draft.domains[0]!, `the further domain ${domain}`, `it is in ${other.path} already`);
    return false;
  });
  return { ...draft, domains };
}

type Differs = readonly Omit<Difference, 'file'>[];

/** What is missing as a whole section is added; what stands there is compared and kept. */
function mergePartner(
  partner: PartnerDraft,
  data: Readonly<Record<string, unknown>>,
): { readonly steps: readonly Step[]; readonly differs: Differs } {
  const steps: Step[] = [];
  const differs: Omit<Difference, 'file'>[] = [];
  const sections = { sip: partner.sip === undefined ? undefined : sipKeys(partner.sip), xmpp: partner.xmpp };
  // Without any section both protocols are spoken; a first section would silence the other one.
  const speaksBoth = data.prefer === undefined && data.sip === undefined && data.xmpp === undefined;
  for (const [name, keys] of Object.entries(sections)) {
    if (keys === undefined) continue;
    if (data[name] !== undefined) {
      for (const [key, there] of Object.entries(keys)) compare(`${name}.${key}`, asData(data[name])[key], there, differs);
      continue;
    }
    const telling = Object.entries(keys).filter(([key, value]) => !(key === 'proof' && value === 'certificate'));
    if (speaksBoth && telling.length === 0) continue; // it says no more than the file does already
    if (speaksBoth && !steps.some(({ path }) => path[0] === 'prefer'))
      steps.push({ kind: 'set', path: ['prefer'], value: ['xmpp', 'sip'] });
    steps.push({ kind: 'set', path: [name], value: { ...keys } });
    const prefer = asList(data.prefer);
    if (prefer.length > 0 && !prefer.includes(name)) differs.push({ key: 'prefer', here: prefer.join(', '), there: `${name} too` });
  }
  const further = partner.domains.slice(1).filter((domain) => !asList(data.domains).includes(domain));
  if (further.length > 0) differs.push({ key: 'domains', here: asList(data.domains).join(', ') || undefined, there: further.join(', ') });
  if (partner.invited) {
    if (data.allow === undefined) steps.push({ kind: 'set', path: ['allow', 'firstContact'], value: 'localUserInvites' });
    else compare('allow.firstContact', asData(data.allow).firstContact, 'localUserInvites', differs);
  }
  if (partner.notes.length > 0 && data.note === undefined) steps.push({ kind: 'set', path: ['note'], value: noteOf(partner) });
  if (partner.off !== undefined && data.enabled !== false)
    differs.push({
      key: 'enabled',
      here: data.enabled === undefined ? undefined : String(data.enabled),
      there: `false, because ${partner.off}`,
    });
  if (partner.off === undefined && data.enabled === false) differs.push({ key: 'enabled', here: 'false', there: 'it in use' });
  return { steps, differs };
}

function compare(key: string, here: unknown, there: string, differs: Omit<Difference, 'file'>[]): void {
  const port = key.startsWith('sip') ? ':5061' : ':5269';
  const plain = (text: string): string =>
    key.endsWith('.hosts') ? text.toLowerCase().replace(new RegExp(`${port}$`), '') : text.toLowerCase();
  const written = asList(here).map(String);
  const byDefault = key.endsWith('.proof') && here === undefined ? 'certificate' : undefined;
  if (byDefault === there || written.some((one) => plain(one) === plain(there))) return;
  differs.push({ key, here: written.length === 0 ? undefined : written.join(', '), there });
}

/** The block list; the switch is only compared, since an import must never open a home. @returns the domains that are newly blocked */
function planPolicy(
  drafts: Drafts,
  home: HomeView,
  files: HomeFiles,
  changes: Map<string, FileChange>,
  differences: Difference[],
): string[] {
  const known = new Map(asList(home.policy?.blocked).map((entry) => [String(asData(entry).domain).toLowerCase(), asData(entry)]));
  const blocks: BlockDraft[] = [];
  const taken = new Set<string>();
  for (const block of drafts.blocks) {
    if (home.own.has(block.domain)) {
      drafts.remark('lost', block.from, block.domain, 'a block', 'it is a domain of yours; only others can be blocked');
    } else if (!known.has(block.domain) && !taken.has(block.domain)) {
      blocks.push(block);
      taken.add(block.domain);
    } else if (block.subdomains && known.get(block.domain)?.subdomains !== true && !taken.has(block.domain)) {
      differences.push({ file: POLICY, key: `blocked, ${block.domain}`, here: 'without subdomains', there: 'subdomains: true' });
    }
  }
  const { federation } = drafts;
  const here = home.policy?.federation;
  const effective = here === undefined ? 'closed' : String(here);
  if (federation !== undefined && effective !== federation.value) {
    const there = `${federation.value} (${federation.because}, ${showOrigin(federation.from)})`;
    differences.push({ file: POLICY, key: 'federation', here: here === undefined ? undefined : effective, there });
  }
  if (blocks.length > 0) changes.set(POLICY, withBlocks(files.get(POLICY)?.text ?? '', blocks));
  return blocks.map(({ domain }) => domain);
}

/** One edit for the whole list: a single entry is put where the editor wants it, and all of them take its place. */
function withBlocks(text: string, blocks: readonly BlockDraft[]): string {
  const one = editYaml(text, [{ kind: 'append', path: ['blocked'], value: { domain: PLACEHOLDER } }]);
  const entry = new RegExp(`^(.*?)\\{ domain: ${PLACEHOLDER.replaceAll('.', '\\.')} \\}`, 'm').exec(one);
  if (entry === null) {
    const steps = blocks.map(({ domain, subdomains, note }): Step => {
      return {
        kind: 'append',
        path: ['blocked'],
        value: { domain, ...(subdomains && { subdomains }), ...(note !== undefined && { note }) },
      };
    });
    return editYaml(text, steps);
  }
  const [whole, before = ''] = entry;
  const between = /^\s*- $/.test(before) ? `\n${before}` : ', ';
  const at = one.indexOf(whole);
  return one.slice(0, at) + before + blocks.map(blockText).join(between) + one.slice(at + whole.length);
}

function planProviders(
  drafts: Drafts,
  home: HomeView,
  files: HomeFiles,
  day: string,
  changes: Map<string, FileChange>,
  differences: Difference[],
): string[] {
  const made: string[] = [];
  for (const provider of drafts.providers) {
    const known = [...home.providers].find(([, data]) =>
      asList(asData(data.sip).hosts).some((host) => String(host).replace(/:5061$/, '') === provider.names),
    );
    if (known !== undefined) {
      const missing = provider.domains.filter((domain) => !asList(known[1].domains).includes(domain));
      if (missing.length > 0)
        differences.push({
          file: known[0],
          key: 'domains',
          here: asList(known[1].domains).join(', ') || undefined,
          there: missing.join(', '),
        });
      continue;
    }
    let file = `routes/providers/${provider.name}.yaml`;
    for (let number = 2; files.has(file) || changes.has(file); number++) file = `routes/providers/${provider.name}-${number}.yaml`;
    changes.set(file, providerText(provider, day, files.has('routes/provider.schema.json')));
    made.push(file);
  }
  return made;
}

/** What the other system served itself and the home does not know. */
function tellOwn(drafts: Drafts, home: HomeView): void {
  for (const [domain, from] of drafts.ownDomains) {
    if (home.own.has(domain)) continue;
    drafts.remark(
      'lost',
      from,
      domain,
      'a domain that it served',
      'if Isthmus is to stand before it, write it into routes/domains.yaml with what serves it',
    );
  }
}
