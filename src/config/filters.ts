// routes/filters.yaml to the table's filters: what is switched off is left out, defaults filled in, each with its place.

import type { Filters, PartnerFilters } from '../model/filters.ts';
import type { Partner, Where } from '../model/table.ts';
import type { HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { type FiltersInput, filtersSection, type partnerFiltersSection } from './sections/filters.ts';
import { nearest } from './spelling.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const FILTERS_FILE = 'routes/filters.yaml';

/**
 * What is filtered; undefined when nothing is, neither for all nor for one partner.
 * @param source undefined when there is no filters.yaml
 */
export function filtersOf(
  input: FiltersInput | undefined,
  source: YamlSource | undefined,
  partners: Iterable<Pick<Partner, 'filters'>>,
): Filters | undefined {
  const written = input === undefined || input.enabled === false ? undefined : input;
  const { conversationPause, ...sections } = written ?? filtersSection.parse({});
  const urls = on(sections.urls);
  const files = on(sections.files);
  const length = on(sections.length);
  const disclaimer = on(sections.disclaimer);
  const externalMark = on(sections.externalMark);
  const hook = on(sections.hook);
  const wanted = [urls, files, length, disclaimer, externalMark, hook].some((one) => one !== undefined);
  if (!wanted && ![...partners].some(({ filters }) => filters !== undefined)) return undefined;
  const where = (...path: Path): Where => ({
    file: FILTERS_FILE,
    key: pointer(path),
    ...(source?.has(path) && { line: source.place(path).line }),
  });
  // A partner's file may switch on what is off for everyone: what it says how stands here.
  const usual = filtersSection.parse({ urls: {}, files: {} });
  const links = sections.urls ?? usual.urls!; // both were just written
  const names = sections.files ?? usual.files!;
  return {
    urls: {
      action: urls?.action ?? 'off',
      direction: links.direction,
      prefixes: [...links.schemes.map((scheme) => `${scheme}:`), ...links.prefixes],
      trusted: links.trusted,
      ignoreLocal: links.ignoreLocal,
      warnMessage: links.warnMessage,
      allowMessage: links.allowMessage,
      where: where('urls', 'action'),
    },
    files: {
      action: files?.action ?? 'off',
      direction: names.direction,
      extensions: new Set(names.extensions),
      names: names.names,
      warnMessage: names.warnMessage,
      where: where('files', 'action'),
    },
    ...(length !== undefined && { length: { most: length.most, direction: length.direction, where: where('length', 'most') } }),
    ...(disclaimer !== undefined && {
      disclaimer: { text: disclaimer.text, direction: disclaimer.direction, where: where('disclaimer', 'text') },
    }),
    ...(externalMark !== undefined && { externalMark: markOf(externalMark, where('externalMark')) }),
    ...(hook !== undefined && {
      hook: {
        url: hook.url,
        ...(hook.token !== undefined && { token: hook.token.secret }),
        timeoutMs: hook.timeout,
        onFailure: hook.onFailure,
        direction: hook.direction,
        atOnce: hook.atOnce,
        where: where('hook', 'url'),
      },
    }),
    conversationPauseMs: conversationPause,
  };
}

function on<T extends { enabled?: boolean | undefined }>(section: T | undefined): T | undefined {
  return section?.enabled === false ? undefined : section;
}

function markOf(
  { names, who, prefix, notice, warning }: NonNullable<FiltersInput['externalMark']>,
  where: Where,
): Filters['externalMark'] & {} {
  return {
    ...(names !== undefined && { names }),
    who,
    ...(prefix !== undefined && { prefix }),
    ...(notice !== undefined && { notice }),
    ...(warning !== undefined && { warning }),
    where,
  };
}

/** `filters:` of a partner's file; undefined: it says nothing. */
export function partnerFiltersOf(input: ReturnType<typeof partnerFiltersSection.parse> | undefined): PartnerFilters | undefined {
  if (input === undefined || input.enabled === false) return undefined;
  const { note: _note, enabled: _enabled, ...keys } = input;
  const written = Object.entries(keys).filter(([, value]) => value !== undefined);
  return written.length === 0 ? undefined : (Object.fromEntries(written) as PartnerFilters); // the section's own keys
}

/** What does not stand in one value: a mark that says nothing, a secret that is not there. */
export function checkFilters(
  input: FiltersInput | undefined,
  source: YamlSource | undefined,
  files: HomeFiles,
  credentials: boolean,
  findings: Findings,
): void {
  if (input === undefined || source === undefined) return;
  const { externalMark, hook } = input;
  if (
    externalMark !== undefined &&
    (externalMark.prefix ?? externalMark.notice ?? externalMark.warning ?? externalMark.names) === undefined
  )
    findings.fault('CONFIG_VALUE', source.place(['externalMark']), 'a mark that says nothing', 'one of names, prefix, notice, warning');
  const secret = hook?.token?.secret;
  if (secret === undefined || hook?.enabled === false || input.enabled === false) return;
  const path = `secrets/${secret}`;
  if (files.has(path) || credentials) return;
  const known = [...files.keys()].filter((other) => other.startsWith('secrets/')).map((other) => other.slice('secrets/'.length));
  findings.warning(
    'CONFIG_SECRET_MISSING',
    source.place(['hook', 'token', 'secret'], 'value') ?? wholeFile(FILTERS_FILE),
    `${path} is not there`,
    `write the token into ${path} (mode 0600), or pass it in $CREDENTIALS_DIRECTORY; until then the hook cannot be asked`,
    nearest(secret, known),
  );
}
