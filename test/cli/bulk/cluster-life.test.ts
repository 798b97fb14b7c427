/** A long command and nodes that are restarted under it: it ends, whenever that is noticed. */
import { EventEmitter } from 'node:events';
import test from 'ava';
import { ClusterLife } from '../../../src/cli/bulk/cluster-life.ts';
import { Interruption } from '../../../src/cli/bulk/interruption.ts';
import type { ClusterStatus } from '../../../src/client/cluster-status.ts';
import { KeyvalError } from '../../../src/errors.ts';

/** Two nodes, as a client sees them. */
class Cluster extends EventEmitter {
  readonly incarnations: Map<string, string> = new Map([
    ['a:1', 'a1'],
    ['b:1', 'b1'],
  ]);
  obstacle: string | null = null;
  readonly away: Set<string> = new Set();
  /** What happens when a node is asked for the last time. */
  pinged: () => void = () => undefined;

  status(): Promise<ClusterStatus> {
    const nodes = [{ endpoint: 'a:1', state: 'up', obstacle: this.obstacle }];
    return Promise.resolve({ cluster: 'keyval', nodes } as unknown as ClusterStatus);
  }

  ping(node?: string): Promise<never[]> {
    this.pinged();
    return this.away.has(node ?? '') ? Promise.reject(new KeyvalError('KV_UNREACHABLE', 'away')) : Promise.resolve([]);
  }

  restart(node: string): void {
    this.incarnations.set(node, 'another');
    this.emit('status', { endpoint: node, state: 'connected' });
  }
}

const WHY = 'while it ran';
const lifeOf = (cluster: Cluster): Promise<ClusterLife> =>
  ClusterLife.of(cluster as unknown as Parameters<typeof ClusterLife.of>[0], 1000);

test('a restart interrupts the work, and is told with what the nodes say', async (t) => {
  const cluster = new Cluster();
  const life = await lifeOf(cluster);
  t.deepEqual(life.life, { cluster: 'keyval', nodes: { 'a:1': 'a1', 'b:1': 'b1' } });
  const interruption = new Interruption();
  const work = async (): Promise<boolean> => {
    cluster.emit('status', { endpoint: 'b:1', state: 'connected' }); // the same life again
    t.false(interruption.signal.aborted);
    cluster.obstacle = 'partition 1: KV_RESTARTED: stop all nodes';
    cluster.restart('b:1');
    t.true(interruption.signal.aborted);
    throw new KeyvalError('KV_ABORTED', 'interrupted');
  };
  const error = await t.throwsAsync(life.during(work, interruption, WHY, 0), { code: 'KV_RESTARTED' });
  t.is(error?.message, 'b:1 was restarted while it ran (a:1: partition 1: KV_RESTARTED: stop all nodes)');
  t.is((error as KeyvalError).exitCode, 5);
  t.is(cluster.listenerCount('status'), 0);
});

test('a restart after the last answer, and one of a node that came later, are noticed', async (t) => {
  const late = new Cluster();
  const life = await lifeOf(late);
  late.pinged = () => late.incarnations.set('a:1', 'a2');
  await t.throwsAsync(
    life.during(async () => true, new Interruption(), WHY, 0),
    { message: /^a:1 was restarted/ },
  );
  const cluster = new Cluster();
  cluster.incarnations.delete('b:1');
  const resumed = await lifeOf(cluster);
  resumed.adopt({ cluster: 'keyval', nodes: { 'a:1': 'a1', 'b:1': 'b1' } });
  const work = async (): Promise<boolean> => {
    cluster.restart('b:1');
    return false;
  };
  await t.throwsAsync(resumed.during(work, new Interruption(), WHY, 0), { message: /^b:1 was restarted/ });
});

test('a node that is away at the end: nobody can say, unless it does not matter', async (t) => {
  const cluster = new Cluster();
  cluster.away.add('b:1');
  const life = await lifeOf(cluster);
  const done = async (): Promise<boolean> => true;
  t.true(await life.during(done, new Interruption(), WHY, null));
  await t.throwsAsync(life.during(done, new Interruption(), WHY, 0), {
    code: 'KV_UNREACHABLE',
    message: /^b:1 does not/,
  });
  const failed = async (): Promise<boolean> => Promise.reject(new KeyvalError('KV_NO_QUORUM', 'its own failure'));
  await t.throwsAsync(life.during(failed, new Interruption(), WHY, 0), { code: 'KV_NO_QUORUM' });
});
