// What a node's state directory says of it: another cluster's, a copy of another node's, none at all.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connect, type NodeOptions, type RunningNode, startNode } from '../../src/index.ts';
import type { MembersAnswer } from '../../src/protocol/cluster-facts.ts';
import { RawClient } from '../helpers/raw-client.ts';

const PORT = 26_320;

function temporary(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'keyval-directories-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function hosts(port: number, ...numbers: readonly number[]): string[] {
  return numbers.map((number) => `127.0.0.${number}:${port}`);
}

async function started(t: ExecutionContext, options: NodeOptions): Promise<RunningNode> {
  const node = await startNode({ partitions: 8, new: true, logLevel: 'silent', ...options });
  t.teardown(() => node.close());
  return node;
}

/** A cluster of nodes at `peers`, each with a directory `host-N` in `path`; resolves when all serve. */
async function founded(t: ExecutionContext, peers: readonly string[], path: string): Promise<RunningNode[]> {
  const nodes = await Promise.all(
    peers.map((listen, index) => started(t, { peers, listen, data: join(path, `host-${index + 1}`) })),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes;
}

async function membersAt(address: string): Promise<MembersAnswer['members']> {
  const raw = await RawClient.login(address);
  const reply = await raw.request('CLUS', 1, Buffer.from('{"command":"members"}'));
  raw.destroy();
  return (JSON.parse(reply.body.toString()) as MembersAnswer).members;
}

/** Resolves with the first text that matches. */
async function told(texts: () => readonly (string | null)[], wanted: RegExp): Promise<string> {
  for (let tries = 0; tries < 500; tries += 1) {
    const found = texts().find((text) => text !== null && wanted.test(text));
    if (typeof found === 'string') return found;
    await sleep(20);
  }
  return `none of ${texts().join(' | ')}`;
}

/** Why a node is not linked to a peer, when it matches. */
function reasonOf(node: RunningNode, wanted: RegExp): Promise<string> {
  return told(
    () => (node.status() as { peers: { reason: string | null }[] }).peers.map(({ reason }) => reason),
    wanted,
  );
}

test('a node with --data none is taken in, keeps keys, and has no vote', async (t) => {
  const peers = hosts(PORT, 1, 2);
  await founded(t, peers, temporary(t));
  const [, , third] = hosts(PORT, 1, 2, 3);
  // One address of the cluster is enough to find it.
  const joined = await started(t, {
    peers: [peers[1] as string, third as string],
    listen: third as string,
    data: 'none',
    new: false,
  });
  await joined.ready();
  const kv = await connect(peers[0] as string);
  t.teardown(() => kv.close());
  await kv.put('key', 'value');
  const members = await membersAt(peers[0] as string);
  const facts = members.map(({ address, isVoter, health }) => ({ address, isVoter, health }));
  t.deepEqual(
    facts.sort((one, other) => (one.address < other.address ? -1 : 1)),
    [
      { address: peers[0] as string, isVoter: true, health: 'up' },
      { address: peers[1] as string, isVoter: true, health: 'up' },
      { address: third as string, isVoter: false, health: 'up' },
    ],
  );
});

test('a copy of a directory is refused, wherever it is started; the cluster goes on', async (t) => {
  const path = temporary(t);
  const peers = hosts(PORT + 1, 1, 2);
  await founded(t, peers, path);
  const copy = join(path, 'copy');
  cpSync(join(path, 'host-2'), copy, { recursive: true });
  rmSync(join(copy, 'lock'));
  const [, , third] = hosts(PORT + 1, 1, 2, 3);
  const twin = await started(t, { peers: [...peers, third as string], listen: third as string, data: copy });
  t.regex(await reasonOf(twin, /same node id/), /KV_CONFIG_MISMATCH: .*the same node id: a state directory was copied/);
  const kv = await connect(peers);
  t.teardown(() => kv.close());
  await kv.put('key', 'value');
  t.is((await membersAt(peers[0] as string)).length, 2);
});

test('a directory of another cluster: two clusters never become one', async (t) => {
  const path = temporary(t);
  const blue = hosts(PORT + 2, 1);
  const [alone] = await founded(t, blue, join(path, 'blue'));
  await alone?.close();
  const directory = join(path, 'blue', 'host-1');
  await t.throwsAsync(
    startNode({ peers: blue, listen: blue[0] as string, data: directory, cluster: 'green', logLevel: 'silent' }),
    { code: 'KV_WRONG_CLUSTER', message: /belongs to cluster 'keyval', this node was started for 'green'/ },
  );
  const [, green] = hosts(PORT + 2, 1, 2);
  await founded(t, [green as string], join(path, 'green'));
  const stranger = await started(t, {
    peers: [blue[0] as string, green as string],
    listen: blue[0] as string,
    data: directory,
  });
  t.regex(await reasonOf(stranger, /WRONG_CLUSTER/), /belongs to the cluster [0-9a-f]{16}.*never become one/);
});

test('a founding needs all who are named; who starts later with other --peers joins all the same', async (t) => {
  const path = temporary(t);
  const peers = hosts(PORT + 3, 1, 2);
  const one = await started(t, { peers, listen: peers[0] as string, data: join(path, 'one') });
  const waits = await told(() => [(one.status() as { obstacle: string | null }).obstacle], /--peers/);
  t.regex(waits, /127\.0\.0\.2:\d+ of --peers: not linked, so no cluster is founded yet/);
  const two = await started(t, { peers, listen: peers[1] as string, data: join(path, 'two') });
  await Promise.all([one.ready(), two.ready()]);
  await two.close();
  // The list it was founded with counts no more.
  const listed = hosts(PORT + 3, 1, 2, 4);
  const again = await started(t, { peers: listed, listen: peers[1] as string, data: join(path, 'two') });
  await again.ready();
  t.deepEqual((await membersAt(peers[0] as string)).map(({ address }) => address).sort(), peers);
});
