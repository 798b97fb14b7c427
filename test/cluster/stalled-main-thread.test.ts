// A member whose main thread is busy for long, and one for too long: three real processes, one of which stands in a loop.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type PartitionFacts } from '../../src/index.ts';
import type { StallableOptions } from '../helpers/stallable-node.ts';

const PORT = 28_300;
const STALLED = 2;
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

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Enough for every partition to have some. */
function keysOf(partitions: number): string[] {
  return Array.from({ length: partitions * 8 }, (_, index) => `key:${index}`);
}

interface StallableCluster {
  readonly addresses: readonly string[];
  readonly stalled: StallableNode;
  readonly others: readonly StallableNode[];
  readonly kv: Client;
}

async function serving(t: ExecutionContext, port: number): Promise<StallableCluster> {
  const addresses = [1, 2, 3].map((host) => `127.0.0.${host}:${port}`);
  const nodes = addresses.map((listen) => new StallableNode({ listen, peers: addresses }));
  t.teardown(() => {
    for (const node of nodes) node.kill();
  });
  await Promise.all(nodes.map((node) => node.says('ready')));
  const kv = await connect(addresses, { timeoutMs: 20_000 });
  t.teardown(() => kv.close());
  return { addresses, stalled: nodes[STALLED] as StallableNode, others: nodes.slice(0, STALLED), kv };
}

function partitionsOf({ kv }: StallableCluster): Promise<PartitionFacts[]> {
  return kv.admin().partitions();
}

const RULE = 'silence is death at 600 ms, a told stall is tolerated to 2 s';

test.serial(`${RULE}: a main thread blocked for 1.2 s is not declared down`, async (t) => {
  const cluster = await serving(t, PORT);
  const { addresses, stalled, others, kv } = cluster;
  const before = await partitionsOf(cluster);
  t.true(before.some(({ primary }) => primary === addresses[STALLED]));
  await stalled.block(1200);
  // Every partition is written to: the one that stood still takes part again, and nobody took over meanwhile.
  await Promise.all(keysOf(before.length).map((key) => kv.put(key, 'value')));
  const after = await partitionsOf(cluster);
  t.deepEqual(
    after.map(({ epoch }) => epoch),
    before.map(({ epoch }) => epoch),
  );
  t.deepEqual(
    after.map(({ inSync }) => inSync),
    before.map(({ inSync }) => inSync),
    'its primaries did not go on without it either',
  );
  for (const node of others) {
    t.true(node.hasLogged({ msg: 'peer stalled', peer: addresses[STALLED] as string }), 'the stall was told');
    t.false(node.hasLogged({ msg: 'member down' }));
  }
});

test.serial(`${RULE}: a main thread blocked for 4 s is declared down`, async (t) => {
  const cluster = await serving(t, PORT + 1);
  const { addresses, stalled, others, kv } = cluster;
  const before = await partitionsOf(cluster);
  const address = addresses[STALLED] as string;
  const awake = stalled.block(4000).then(() => 'awake');
  const down = others.map((node) => node.logs({ msg: 'member down', address }).then(() => 'down'));
  t.is(await Promise.race([awake, ...down]), 'down');
  await Promise.all(keysOf(before.length).map((key) => kv.put(key, 'value')));
  const after = await partitionsOf(cluster);
  for (const { partition, primary, epoch } of before) {
    if (primary === address)
      t.true((after[partition]?.epoch as number) > epoch, `partition ${partition} was taken over`);
  }
});
