// One real program under test conditions: started with a readiness check, its output kept in a file, ended with its whole
// process group. It can be stopped, killed and started again with the same arguments.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { until } from './wait.ts';

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where its output goes. */
  readonly logFile: string;
  /** Asked again and again until it says yes, with what the program has said since this start. */
  readonly ready: (said: () => string) => boolean | Promise<boolean>;
  readonly readyWithinMs?: number;
}

export class PeerProcess {
  readonly #launch: Launch;
  #child: ChildProcess | undefined;
  #exit: Promise<void> = Promise.resolve();
  /** Milliseconds from start to ready, of the last start. */
  startMs = 0;

  constructor(launch: Launch) {
    this.#launch = launch;
  }

  get name(): string {
    return this.#launch.name;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** All output so far. */
  log(fromByte = 0): string {
    return existsSync(this.#launch.logFile) ? readFileSync(this.#launch.logFile).subarray(fromByte).toString('utf8') : '';
  }

  logSize(): number {
    return existsSync(this.#launch.logFile) ? statSync(this.#launch.logFile).size : 0;
  }

  /** Starts it and resolves when it is ready; rejects with its last words when it ends before or takes too long. */
  async start(): Promise<void> {
    const { command, args, env, cwd, logFile, ready, readyWithinMs = 30_000 } = this.#launch;
    const began = performance.now();
    const before = this.logSize();
    const output = openSync(logFile, 'a');
    const child = spawn(command, args, {
      stdio: ['ignore', output, output],
      detached: true, // a process group of its own, so that its children end with it
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(output);
    this.#child = child;
    let failed: Error | undefined;
    this.#exit = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        failed = error;
        resolve();
      });
    });
    try {
      await until(
        `${this.name} to be ready`,
        () => {
          if (failed !== undefined) throw failed;
          if (!this.running) throw new Error(`${this.name} ended with ${child.exitCode ?? child.signalCode} before it was ready`);
          return ready(() => this.log(before));
        },
        readyWithinMs,
      );
    } catch (error) {
      this.#signal('SIGKILL');
      throw new Error(`${(error as Error).message}\n${lastLines(this.log(), 30)}`, { cause: error });
    }
    this.startMs = Math.round(performance.now() - began);
  }

  /** Asks it to end, and insists after a while. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', insistAfterMs = 10_000): Promise<void> {
    if (!this.running) return;
    this.#signal(signal);
    const insist = setTimeout(() => this.#signal('SIGKILL'), insistAfterMs);
    await this.#exit;
    clearTimeout(insist);
    this.#signal('SIGKILL'); // children that outlived it
  }

  /** kill -9, at once. */
  kill(): Promise<void> {
    return this.stop('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // the group is gone already
    }
  }
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
