// What a process and everything it started has used: CPU time and memory, from /proc. The scheduler's own count (schedstat,
// nanoseconds) where the kernel keeps it, else the clock ticks of stat.

import { readdirSync, readFileSync } from 'node:fs';

/** Linux: sysconf(_SC_CLK_TCK) is 100 on every architecture that node runs on. */
const TICK_US = 10_000;

/** CPU time of a process group so far, in µs (user and system of all threads that live). */
export function cpuUs(group: number): number {
  let sum = 0;
  for (const pid of members(group)) sum += processUs(pid);
  return sum;
}

/** Resident memory of a process group in bytes. Shared pages count once for each process that has them. */
export function residentBytes(group: number): number {
  let sum = 0;
  for (const pid of members(group)) sum += Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  return sum;
}

/** Every program of the bench is started as the leader of a group of its own (test/support/peer-process.ts). */
function members(group: number): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && Number(fields(pid)[2]) === group) found.push(pid);
  }
  return found;
}

/** /proc/PID/stat after the name, which may hold anything: state is [0], the group [2], utime [11], stime [12]. */
function fields(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function processUs(pid: number): number {
  let ns = 0;
  for (const task of list(`/proc/${pid}/task`)) ns += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0);
  if (ns > 0) return ns / 1000;
  const stat = fields(pid);
  return (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * TICK_US;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it ended meanwhile
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
