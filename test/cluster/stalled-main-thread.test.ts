// A member whose main thread is busy for long, and one for too long: three real processes, one of which stands in a loop.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type PartitionFacts } from '../../src/index.ts';
import type { StallableOptions } from '../helpers/stallable-node.ts';

const PORT = 28_300;
const STALLED = 2;
/** Few, so that the beginning is short: on a busy machine nodes are silent for long while they found the cluster. */
const PARTITIONS = 16;
const LOOK_MS = 20;
const script = fileURLToPath(new URL('../helpers/stallable-node.ts', import.meta.url));

/** Of a line of the log. */
type Fields = Readonly<Record<string, string>>;

/** One node as a process, and what it has logged. */
class StallableNode {
  readonly #logged: Fields[] = [];
  readonly #news: EventEmitter = new EventEmitter();
  readonly #child: ChildProcess;

  constructor(options: StallableOptions) {
    this.#child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.#logged.push(JSON.parse(line) as Fields);
      this.#news.emit('news');
    });
  }

  hasLogged(fields: Fields): boolean {
    return this.#logged.some((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
  }

  /** Resolves when there is such a line. */
  async logs(fields: Fields): Promise<void> {
    while (!this.hasLogged(fields)) await once(this.#news, 'news');
  }

  async says(what: string): Promise<void> {
    for (;;) {
      const [said] = await once(this.#child, 'message');
      if (said === what) return;
    }
  }

  /** Resolves when its main thread comes round again. */
  block(forMs: number): Promise<void> {
    const awake = this.says('awake');
    this.#child.send(forMs);
    return awake;
  }

  /** What it has logged so far counts no more. */
  forget(): void {
    this.#logged.length = 0;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Enough for every partition to have some. */
const keys: readonly string[] = Array.from({ length: PARTITIONS * 8 }, (_, index) => `key:${index}`);

/** Each is acknowledged by everybody in sync. */
async function writeAll(kv: Client): Promise<void> {
  await Promise.all(keys.map((key) => kv.put(key, 'value')));
}

interface StallableCluster {
  readonly addresses: readonly string[];
  readonly stalled: StallableNode;
  readonly others: readonly StallableNode[];
  readonly kv: Client;
}

async function serving(t: ExecutionContext, port: number): Promise<StallableCluster> {
  const addresses = [1, 2, 3].map((host) => `127.0.0.${host}:${port}`);
  const nodes = addresses.map((listen) => new StallableNode({ listen, peers: addresses, partitions: PARTITIONS }));
  t.teardown(() => {
    for (const node of nodes) node.kill();
  });
  await Promise.all(nodes.map((node) => node.says('ready')));
  const kv = await connect(addresses, { timeoutMs: 20_000 });
  t.teardown(() => kv.close());
  const cluster = { addresses, stalled: nodes[STALLED] as StallableNode, others: nodes.slice(0, STALLED), kv };
  while (!(await isHeard(cluster)) || !(await isCalm(cluster))) await sleep(LOOK_MS);
  for (const node of nodes) node.forget();
  return cluster;
}

/** A link for control, one for bulk, and the one by which a stall is told: a node may serve before it has the last. */
const LINKS = 3;

async function isHeard({ addresses, kv }: StallableCluster): Promise<boolean> {
  const nodes = await kv.connections();
  return nodes.every(({ endpoint, connections }) => {
    const links = connections.filter(({ name }) => name === addresses[STALLED]);
    return endpoint === addresses[STALLED] || links.length >= LINKS;
  });
}

/** On a busy machine members are silent for long at the beginning: what that has changed is changed back. */
async function isCalm(cluster: StallableCluster): Promise<boolean> {
  const partitions = await partitionsOf(cluster);
  return partitions.every(({ inSync, target, primary }) => inSync.length === target.length && primary === target[0]);
}

function partitionsOf({ kv }: StallableCluster): Promise<PartitionFacts[]> {
  return kv.admin().partitions();
}

/** What is said of the partitions, again and again until it is over; the first node answers. */
async function partitionsUntil(end: Promise<void>, cluster: StallableCluster): Promise<PartitionFacts[]> {
  const seen: PartitionFacts[] = [];
  let isOver = false;
  const over = end.then(() => {
    isOver = true;
  });
  while (!isOver) {
    seen.push(...(await partitionsOf(cluster)));
    await sleep(LOOK_MS);
  }
  await over;
  return seen;
}

function numbersOf(partitions: readonly PartitionFacts[]): number[] {
  return [...new Set(partitions.map(({ partition }) => partition))];
}

const RULE = 'silence is death at 600 ms, a told stall is tolerated to 2 s';

test.serial(`${RULE}: a main thread blocked for 1.2 s is not declared down`, async (t) => {
  const cluster = await serving(t, PORT);
  const { addresses, stalled, others, kv } = cluster;
  const address = addresses[STALLED] as string;
  const before = await partitionsOf(cluster);
  t.true(before.some(({ primary }) => primary === address));
  // Other members may be slow, too, on a busy machine: what is said here is only of the one that stood still.
  const meanwhile = await partitionsUntil(stalled.block(1200), cluster);
  await writeAll(kv); // it takes part again
  const after = await partitionsOf(cluster);
  const seen = [...meanwhile, ...after];
  const without = seen.filter(({ inSync }) => !inSync.includes(address));
  t.deepEqual(numbersOf(without), [], 'no primary went on without it');
  const taken = seen.filter(({ partition, epoch }) => {
    const then = before[partition];
    return then?.primary === address && then.epoch !== epoch;
  });
  t.deepEqual(numbersOf(taken), [], 'nobody took over what it is primary of');
  for (const node of others) t.false(node.hasLogged({ msg: 'member down', address }));
});

test.serial(`${RULE}: a main thread blocked for 4 s is declared down`, async (t) => {
  const cluster = await serving(t, PORT + 1);
  const { addresses, stalled, others, kv } = cluster;
  const before = await partitionsOf(cluster);
  const address = addresses[STALLED] as string;
  const awake = stalled.block(4000).then(() => 'awake');
  const down = others.map((node) => node.logs({ msg: 'member down', address }).then(() => 'down'));
  t.is(await Promise.race([awake, ...down]), 'down');
  await writeAll(kv);
  const after = await partitionsOf(cluster);
  for (const { partition, primary, epoch } of before) {
    if (primary === address)
      t.true((after[partition]?.epoch as number) > epoch, `partition ${partition} was taken over`);
  }
});
