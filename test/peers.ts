// `npm run peers`: installs the real peers of the interop tests. As root on Debian it uses apt, and keeps every one of them from
// starting as a service; elsewhere it says what is missing and changes nothing.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { missingPackages, PEER_PACKAGES, whyNoWorld } from './support/available.ts';

const POLICY = '/usr/sbin/policy-rc.d';
const OUR_POLICY = '#!/bin/sh\nexit 101\n';
const POLICY_ASIDE = `${POLICY}.before-isthmus-peers`;

const missing = missingPackages();
if (missing.length === 0) {
  const why = whyNoWorld();
  console.log(`The ${PEER_PACKAGES.length} packages of the interop tests are installed; nothing to do.`);
  if (why !== undefined) console.log(`But the suites will be skipped: ${why}.`);
} else if (!isDebian()) {
  console.log(`Missing for the interop tests: ${missing.join(', ')}. Nothing was changed: this is not Debian.`);
  console.log('In a Debian 12 container (--privileged) or machine, as root: npm run peers');
} else if (process.getuid?.() !== 0) {
  console.log(`Missing for the interop tests: ${missing.join(', ')}. Nothing was changed: that takes root.`);
  console.log(`sudo env "PATH=$PATH" npm run peers`);
} else {
  install(missing);
}

function install(packages: readonly string[]): void {
  console.log(`About to install with apt: ${packages.join(', ')}.`);
  for (const row of PEER_PACKAGES.filter((one) => packages.includes(one.name))) console.log(`  ${row.name}: ${row.what}`);
  console.log(`None of them will be started, now or at the next boot: ${POLICY} says no while apt works, and is put back afterwards.`);
  if (globSync('/var/lib/apt/lists/*_Packages*').length === 0) apt(['update']);
  keepServicesDown();
  let installed: boolean;
  try {
    const line = ['install', '--yes', '--no-install-recommends', ...packages];
    installed = apt(line) || (apt(['update']) && apt(line)); // old package lists name files that are gone
  } finally {
    letServicesBe();
  }
  leaveDisabled(packages);
  if (!installed) {
    console.error('apt-get failed; its own words stand above. Nothing was started, and npm test still runs what it can.');
    process.exit(1);
  }
  const still = missingPackages();
  if (still.length > 0) {
    console.error(`apt ended well, but these are still missing: ${still.join(', ')}`);
    process.exit(1);
  }
  console.log('Done: npm test now runs the interop suites too.');
}

/** Runs apt-get with its output shown. @returns whether it ended well */
function apt(args: readonly string[]): boolean {
  console.log(`apt-get ${args.join(' ')}`);
  const done = spawnSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return done.status === 0;
}

/** invoke-rc.d asks this file before it starts a service; 101 means no. One that was there already is put aside. */
function keepServicesDown(): void {
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== OUR_POLICY) renameSync(POLICY, POLICY_ASIDE);
  writeFileSync(POLICY, OUR_POLICY, { mode: 0o755 });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined); // apt ends; we tidy up after it
}

function letServicesBe(): void {
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') === OUR_POLICY) rmSync(POLICY);
  if (existsSync(POLICY_ASIDE)) renameSync(POLICY_ASIDE, POLICY);
}

/** What apt enabled for the next boot. Services that were here before are left as they were. */
function leaveDisabled(packages: readonly string[]): void {
  const services = ['prosody', 'ejabberd', 'kamailio', 'dnsmasq'].filter(
    (name) => packages.includes(name) && globSync(`/{usr/,}lib/systemd/system/${name}.service`).length > 0,
  );
  if (services.length > 0 && existsSync('/usr/bin/systemctl'))
    spawnSync('systemctl', ['disable', '--quiet', ...services], { stdio: 'inherit' });
}

function isDebian(): boolean {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}
