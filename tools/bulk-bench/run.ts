/**
 * The course of the bench: in each round one import with worker threads and one without, which of the two first
 * alternates; every import into a new cluster of three processes. Small requests are measured before it and during it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type NodeStatus } from '../../src/index.ts';
import { format, planAddresses } from '../start/addresses.ts';
import { NodeProcess } from '../start/node-process.ts';
import { Child } from './child.ts';
import type { ImportAnswer, ImportQuestion } from './importer.ts';
import type { BulkBenchOptions } from './options.ts';
import type { SmallAnswer, SmallQuestion } from './small-requests.ts';

const NODES = 3;
const STOP_GRACE_MS = 5000;
const WARM_UP_ROWS = 30_000;
const WARM_UP_CHUNK_BYTES: number = 64 * 1024;
const entry = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));
const importer = new URL('./importer.ts', import.meta.url);
const smallRequests = new URL('./small-requests.ts', import.meta.url);

export type Pool = 'on' | 'off';

/** What one node says afterwards. */
export interface NodeFigures {
  readonly cpuSeconds: number;
  readonly tasks: number;
  readonly inline: number;
  readonly queueP99Ms: number;
  readonly runP50Ms: number;
}

export interface Measurement {
  readonly pool: Pool;
  readonly idle: SmallAnswer;
  readonly during: SmallAnswer;
  readonly imported: ImportAnswer;
  readonly nodes: readonly NodeFigures[];
}

export async function run(options: BulkBenchOptions, onProgress: (what: string) => void): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const pools: readonly Pool[] = round % 2 === 1 ? ['on', 'off'] : ['off', 'on'];
    for (const pool of pools) {
      onProgress(`round ${round} of ${options.rounds}, worker threads ${pool}`);
      measurements.push(await measure(pool, options));
    }
  }
  return measurements;
}

async function measure(pool: Pool, options: BulkBenchOptions): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-bulk-bench-'));
  const endpoints = await freeEndpoints(options.port);
  const nodes = endpoints.map((address, index) => {
    const args = [
      '--peers',
      endpoints.join(','),
      '--listen',
      address,
      '--log-level',
      'warn',
      ...threadArgs(pool, options),
    ];
    return new NodeProcess({ entry, args, address, logFile: join(folder, `${index}.log`) });
  });
  const children = [new Child(smallRequests), new Child(importer)] as const;
  try {
    const casualty = Promise.race(nodes.map(async (node) => node.ended.then(() => endedEarly(node))));
    await Promise.race([Promise.all(nodes.map((node) => node.ready)), casualty]);
    return await Promise.race([conversation(pool, endpoints, children, options), casualty]);
  } finally {
    for (const child of children) child.stop();
    await Promise.all(nodes.map((node) => node.stop(STOP_GRACE_MS)));
    rmSync(folder, { recursive: true });
  }
}

function threadArgs(pool: Pool, { threads }: BulkBenchOptions): string[] {
  if (pool === 'off') return ['--worker-threads', '0'];
  return threads === null ? [] : ['--worker-threads', `${threads}`];
}

async function freeEndpoints(port: number): Promise<string[]> {
  const { addresses, taken } = await planAddresses(NODES, port);
  if (taken === null) return addresses.map(format);
  throw new Error(`${format(taken)} is in use; choose another --port`);
}

function endedEarly(node: NodeProcess): never {
  throw new Error(`node ${node.address} ended:\n${node.logTail()}`);
}

async function conversation(
  pool: Pool,
  endpoints: readonly string[],
  [small, imports]: readonly [Child, Child],
  options: BulkBenchOptions,
): Promise<Measurement> {
  const ask = (question: SmallQuestion): Promise<SmallAnswer> => small.ask(question);
  const { rows, valueBytes, chunkBytes, inFlight, rowsPerSecond } = options;
  const question: ImportQuestion = { endpoints, rows, valueBytes, chunkBytes, inFlight, rowsPerSecond };
  await ask({ ask: 'connect', endpoints, perSecond: options.perSecond });
  // What is new is compiled, and threads are started.
  await imports.ask({ ...question, rows: Math.min(rows, WARM_UP_ROWS), chunkBytes: WARM_UP_CHUNK_BYTES });
  await pause(1000);
  await ask({ ask: 'begin' });
  await pause(options.idleSeconds * 1000);
  const idle = await ask({ ask: 'end' });
  await ask({ ask: 'begin' });
  const imported = await imports.ask<ImportAnswer>(question);
  const during = await ask({ ask: 'end' });
  return { pool, idle, during, imported, nodes: await figuresOf(endpoints) };
}

async function figuresOf(endpoints: readonly string[]): Promise<NodeFigures[]> {
  const client = await connect(endpoints);
  const { nodes } = await client.status();
  await client.close();
  return nodes
    .filter((node): node is Extract<NodeStatus, { state: 'up' }> => node.state === 'up')
    .map((node) => ({
      cpuSeconds: node.cpuMicros / 1e6,
      tasks: node.workers.tasks,
      inline: node.workers.inline,
      queueP99Ms: node.workers.queueMs.p99,
      runP50Ms: node.workers.runMs.p50,
    }));
}
