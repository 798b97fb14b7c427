/**
 * A program that takes a lock and then lets its main thread come round to nothing for a while; it tells what it finds
 * afterwards. Started with `inWorker` all of it runs in a worker thread, whose loop is the one that stands still then.
 */
import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { type Client, type ConnectOptions, connect, startNode } from '../../src/index.ts';
import type { PartitionFacts } from '../../src/protocol/cluster-facts.ts';

export interface HolderOptions {
  readonly endpoints: readonly string[];
  readonly key: string;
  readonly connect: ConnectOptions;
  /** How long the main thread stands still; 0: not at all, it waits until its input ends. */
  readonly blockMs: number;
  /** Ask whether the lock is held while standing still. */
  readonly asks?: boolean;
  /** Stand still only when the thread that renews is connected to every node: a busy machine takes its time. */
  readonly waits?: boolean;
  readonly inWorker?: boolean;
  /** Be a member, at the first of the endpoints, and take a lock whose partition has another primary. */
  readonly embedded?: boolean;
}

/** What the program tells, a line of JSON each. */
export type Told =
  | { readonly event: 'granted'; readonly key: string; readonly token: string; readonly partition: number }
  | { readonly event: 'waiting' }
  | { readonly event: 'blocking' }
  | { readonly event: 'noticed' }
  | { readonly event: 'back'; readonly wrote: string; readonly held: boolean; readonly aborted: boolean }
  | { readonly event: 'lost'; readonly cause: string; readonly text: string }
  | { readonly event: 'warned'; readonly text: string }
  | { readonly event: 'closed' };

/** At once, whatever this thread does next. */
function tell(told: Told): void {
  writeSync(1, `${JSON.stringify(told)}\n`);
}

const idle = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 5;
/** Both of its connections bear it. */
const NAME = `holder ${process.pid}`;

/** Nothing else runs in this thread until then; others have the processor. */
function standStill(forMs: number, look: () => void): void {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    look();
    Atomics.wait(idle, 0, 0, PAUSE_MS);
  }
}

function inputEnded(): Promise<unknown> {
  return new Promise((resolve) => process.stdin.on('end', resolve).resume());
}

async function untilThreadConnected(kv: Client): Promise<void> {
  for (;;) {
    const nodes = await kv.connections();
    const counts = nodes.map(({ connections }) => connections.filter(({ name }) => name === NAME).length);
    if (counts.every((count) => count === 2)) return;
  }
}

async function client({ endpoints, connect: given, embedded = false }: HolderOptions): Promise<Client> {
  const options = { ...given, name: NAME };
  if (!embedded) return connect(endpoints, options);
  const [listen = ''] = endpoints;
  const node = await startNode({ listen, peers: endpoints, data: 'none', new: true, logLevel: 'silent' });
  await node.ready();
  return node.client(options);
}

/** A key whose partition has its primary elsewhere. */
async function keyElsewhere(kv: Client, { endpoints, key }: HolderOptions): Promise<string> {
  const partitions: readonly PartitionFacts[] = await kv.admin().partitions();
  for (let index = 0; ; index += 1) {
    const candidate = `${key}:${index}`;
    const probe = await kv.lock(candidate, { waitMs: 0 });
    await probe.release({ confirm: true });
    if (partitions[probe.partition]?.primary !== endpoints[0]) return candidate;
  }
}

async function run(options: HolderOptions): Promise<void> {
  const { blockMs, asks = false, waits = false, embedded = false } = options;
  const kv = await client(options);
  kv.on('warning', (error) => tell({ event: 'warned', text: error.message }));
  const key = embedded ? await keyElsewhere(kv, options) : options.key;
  const lock = await kv.lock(key);
  let isOver = false;
  lock.on('lost', ({ cause, error }) => {
    if (!isOver) tell({ event: 'lost', cause, text: error.message });
  });
  tell({ event: 'granted', key, token: `${lock.token}`, partition: lock.partition });
  if (waits) await untilThreadConnected(kv);
  let hasNoticed = false;
  if (blockMs === 0) {
    tell({ event: 'waiting' });
    await inputEnded();
  } else {
    tell({ event: 'blocking' });
    standStill(blockMs, () => {
      if (!asks || hasNoticed || lock.held) return;
      hasNoticed = true;
      tell({ event: 'noticed' });
    });
  }
  // The token alone: the client does not ask its lock first.
  const write = kv.put(key, 'written late', { fence: { key, token: lock.token } });
  const wrote = await write.then(
    () => 'ok',
    (error) => error.code as string,
  );
  tell({ event: 'back', wrote, held: lock.held, aborted: lock.signal.aborted });
  isOver = true;
  await kv.close();
  tell({ event: 'closed' });
  if (embedded) process.exit();
}

if (isMainThread) {
  const options = JSON.parse(argv[2] as string) as HolderOptions;
  if (options.inWorker === true) new Worker(new URL(import.meta.url), { workerData: options });
  else await run(options);
} else await run(workerData as HolderOptions);
