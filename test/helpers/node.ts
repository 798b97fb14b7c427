/** A node inside the test's own process: quick to start, keeps nothing, and its state can be looked at. */
import type { ExecutionContext } from 'ava';
import { type NodeOptions, type RunningNode, startNode } from '../../src/index.ts';

/** A cluster of one on a free port; it is closed at the end of the test, or of the file when `t` is that of `before`. */
export async function startedNode(t: ExecutionContext, options: NodeOptions = {}): Promise<RunningNode> {
  const node = await startNode({ port: 0, logLevel: 'silent', data: 'none', new: true, ...options });
  t.teardown(() => node.close());
  return node;
}

/** The same, when it serves. */
export async function readyNode(t: ExecutionContext, options: NodeOptions = {}): Promise<RunningNode> {
  const node = await startedNode(t, options);
  await node.ready();
  return node;
}
