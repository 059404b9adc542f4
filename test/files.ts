// Which test files there are, and of which kind.

import { globSync } from 'node:fs';

/** Files that start processes or look at the whole of their own: beside the others, each in a process of its own. */
const HEAVY = /^test\/(fuzz|faults)\/|^test\/hostile\/(enumeration|xml)|^test\/store\/kill/;
/** Those that only make inputs and wait for nobody: they fill the time in which the peers are waited for. */
const FUZZ = /^test\/fuzz\//;
/** Suites that offer a load and count what becomes of it: not beside too much else. */
const FAULTS = /^test\/faults\//;
/** The suites that take longest, the longest first: begun last, they would be waited for alone. */
const LONG = ['bridge-sip-served', 'bridge-xmpp-served', 'acme', 'core-partners', 'web-clients'];

/** @param wanted only files whose path contains one of these; none: all */
function chosen(pattern: string, wanted: readonly string[]): string[] {
  return globSync(pattern)
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
}

/** Unit tests that share a process. */
export function lightFiles(wanted: readonly string[]): string[] {
  return chosen('test/**/*.test.ts', wanted).filter((file) => !HEAVY.test(file));
}

/** Unit tests that need one of their own. */
export function heavyFiles(wanted: readonly string[]): string[] {
  return chosen('test/**/*.test.ts', wanted).filter((file) => HEAVY.test(file) && !FUZZ.test(file));
}

/** Fuzzing: beside the peers. */
export function fuzzFiles(wanted: readonly string[]): string[] {
  return chosen('test/fuzz/**/*.test.ts', wanted);
}

/** Suites with real peers: each moves itself into a network namespace. */
export function peerFiles(wanted: readonly string[]): string[] {
  const place = (file: string): number => LONG.findIndex((part) => file.includes(part)) >>> 0; // none: behind all
  const files = chosen('test/**/*.peers.ts', wanted).filter((file) => !FAULTS.test(file));
  return files.sort((one, other) => place(one) - place(other));
}

/** Suites with faults and a load, in namespaces of their own too. */
export function faultFiles(wanted: readonly string[]): string[] {
  return chosen('test/**/*.peers.ts', wanted).filter((file) => FAULTS.test(file));
}
