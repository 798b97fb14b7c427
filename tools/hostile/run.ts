/** One run: nodes, the honest client and the watch beside them, then one attack after the other, each judged by itself. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineTime } from '../machine-time.ts';
import { type Attack, type Findings, pause } from './attack.ts';
import { attack as carryOut, HonestProcess } from './helpers.ts';
import type { HonestReport } from './honest.ts';
import type { HostileOptions } from './options.ts';
import { Victim } from './victim.ts';
import { Watch } from './watch.ts';

/** What must hold. */
export const HONEST_P99_MS = 50;
export const GROWTH_BYTES: number = 128 * 1024 * 1024;

/** The nodes and the client have reached their usual size after this. */
const WARM_UP_MS = 4000;
/** Behind each attack: what it left is closed and forgotten. */
const SETTLE_MS = 500;
/** Memory is given back when the engine gets to it: looked at until then. */
const QUIET_MS_MAX = 15_000;
const QUIET_STEP_MS = 500;
const SECRET = 'known to those who may come in';

export interface Row {
  readonly attack: string;
  readonly does: string;
  readonly findings: Findings;
  readonly crashes: number;
  readonly hangs: number;
  /** Of the node that grew most, since the start of the run or the last growth past the limit: at its highest, and afterwards. */
  readonly peakBytes: number;
  readonly growthBytes: number;
  readonly nodeCpuMs: number;
  readonly attackerCpuMs: number;
  /** Of whatever else ran on the machine: where it is much, times of the honest client say little. */
  readonly othersCpuMs: number;
  readonly honest: HonestReport;
  /** Longest wait of a lone PING at any node. */
  readonly slowestPingMs: number;
  readonly wallMs: number;
  /** All that did not hold. */
  readonly failures: readonly string[];
}

/** `told` gets each row as it is done. */
export async function runHostile(options: HostileOptions, told: (row: Row) => void): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'keyval-hostile-'));
  const scene = await Scene.start(options, folder);
  const rows: Row[] = [];
  try {
    for (const attack of options.attacks) {
      const row = await scene.oneAttack(attack);
      rows.push(row);
      told(row);
      if (row.crashes > 0) break;
    }
  } finally {
    await scene.stop();
    await rm(folder, { recursive: true });
  }
  return rows;
}

class Scene {
  readonly #options: HostileOptions;
  readonly #victim: Victim;
  readonly #guarded: Victim;
  readonly #honest: HonestProcess;
  readonly #watches: readonly Watch[];
  #baseBytes: readonly number[];

  static async start(options: HostileOptions, folder: string): Promise<Scene> {
    const { port, rate, seed } = options;
    const secretFile = join(folder, 'secret');
    await writeFile(secretFile, SECRET);
    const addresses = [1, 2, 3].map((host) => `127.0.0.${host}:${port}`);
    const victim = await Victim.start({ addresses, logFolder: join(folder, 'nodes') });
    const guardedAddress = `127.0.0.1:${port + 1}`;
    const guarded = await Victim.start({
      addresses: [guardedAddress],
      args: ['--secret-file', secretFile],
      logFolder: join(folder, 'guarded'),
    });
    const honest = await HonestProcess.start(addresses, rate, seed % 2 ** 32);
    await pause(WARM_UP_MS);
    await honest.report();
    return new Scene(options, victim, guarded, honest);
  }

  private constructor(options: HostileOptions, victim: Victim, guarded: Victim, honest: HonestProcess) {
    this.#options = options;
    this.#victim = victim;
    this.#guarded = guarded;
    this.#honest = honest;
    this.#watches = victim.addresses.map((address) => new Watch(address));
    this.#baseBytes = this.#ownBytes();
  }

  async oneAttack(attack: Attack): Promise<Row> {
    const { seconds, connections, requests, seed, port } = this.#options;
    await this.#honest.report();
    for (const watch of this.#watches) watch.report();
    this.#victim.forgetPeaks();
    const cpuBefore = this.#cpuMs;
    const machineBefore = machineTime().busyMs;
    const ownBefore = process.cpuUsage();
    const startMs = performance.now();
    const outcome = await carryOut({
      attack: attack.name,
      nodes: this.#victim.addresses,
      guarded: this.#guarded.addresses[0] as string,
      secret: SECRET,
      seconds,
      connections,
      requests,
      seed,
      share: 1,
      port: port + 2,
    });
    const honest = await this.#honest.report();
    const wallMs = performance.now() - startMs;
    const nodeCpuMs = this.#cpuMs - cpuBefore;
    const own = process.cpuUsage(ownBefore);
    const knownCpuMs = nodeCpuMs + outcome.cpuMs + honest.cpuMs + (own.user + own.system) / 1000;
    const othersCpuMs = Math.max(0, machineTime().busyMs - machineBefore - knownCpuMs);
    const peakBytes = this.#growth('peakBytes');
    const watched = this.#watches.map((watch) => watch.report());
    const growthBytes = await this.#quiet();
    // One attack's growth is not held against those that follow.
    if (growthBytes > GROWTH_BYTES) this.#baseBytes = this.#ownBytes();
    const violations = await this.#honest.verify();
    await this.#honest.resume();
    const row = {
      attack: attack.name,
      does: attack.does,
      findings: outcome.findings,
      crashes: this.#victim.crashes.length + this.#guarded.crashes.length,
      hangs: outcome.findings.hangs + watched.reduce((sum, { hangs }) => sum + hangs, 0),
      peakBytes,
      growthBytes,
      nodeCpuMs,
      attackerCpuMs: outcome.cpuMs,
      othersCpuMs,
      honest: { ...honest, violations: [...honest.violations, ...violations] },
      slowestPingMs: Math.max(...watched.map(({ slowestMs }) => slowestMs)),
      wallMs,
    };
    const refusals = watched.flatMap(({ refusals }) => refusals);
    return { ...row, failures: [...failuresOf(row, attack), ...refusals, ...this.#complaints()] };
  }

  /**
   * Gives the growth when it has settled, or will not. The honest client is silent, unless it was much: an engine that has
   * nothing to do does not clear up either.
   */
  async #quiet(): Promise<number> {
    await pause(SETTLE_MS);
    await this.#honest.pause();
    const deadline = performance.now() + QUIET_MS_MAX;
    let growth = this.#growth();
    if (growth > GROWTH_BYTES) await this.#honest.resume();
    while (growth > GROWTH_BYTES && performance.now() < deadline) {
      await pause(QUIET_STEP_MS);
      growth = this.#growth();
    }
    return growth;
  }

  /** Of the node that grew most. */
  #growth(what: 'residentBytes' | 'peakBytes' = 'residentBytes'): number {
    return Math.max(...this.#ownBytes(what).map((bytes, index) => bytes - (this.#baseBytes[index] as number)));
  }

  /** Memory of each node beyond what it stores: what attacks have stored, as any client may, is no growth of its own. */
  #ownBytes(what: 'residentBytes' | 'peakBytes' = 'residentBytes'): number[] {
    const stored = this.#watches.map(({ storedBytes }) => storedBytes);
    return this.#victim.facts().map((facts, index) => (facts?.[what] ?? 0) - (stored[index] as number));
  }

  get #cpuMs(): number {
    return this.#victim.facts().reduce((sum, facts) => sum + (facts?.cpuMs ?? 0), 0);
  }

  #complaints(): string[] {
    return [...this.#victim.complaints, ...this.#guarded.complaints].map((line) => `log: ${line}`);
  }

  async stop(): Promise<void> {
    this.#honest.stop();
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    await Promise.all([this.#victim.stop(), this.#guarded.stop()]);
  }
}

function failuresOf(row: Omit<Row, 'failures'>, { timed = true }: Attack): string[] {
  const { findings, honest, growthBytes } = row;
  const failures = [...findings.texts, ...honest.violations.map((text) => `honest client: ${text}`)];
  if (row.crashes > 0) failures.push('a node has ended');
  if (row.hangs > findings.hangs) failures.push('a node did not answer a PING for 5 s');
  if (growthBytes > GROWTH_BYTES) failures.push(`memory grew by ${Math.round(growthBytes / 2 ** 20)} MiB`);
  if (timed && honest.p99Ms > HONEST_P99_MS) failures.push(`honest p99 ${honest.p99Ms.toFixed(1)} ms`);
  for (const [error, count] of Object.entries(honest.errors)) failures.push(`honest client: ${count} × ${error}`);
  return failures;
}
