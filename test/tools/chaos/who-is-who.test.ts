/** Who leads what, from what the nodes say; and when a cluster counts as whole. */
import test from 'ava';
import type { PartitionFacts, StatusAnswer } from '../../../src/protocol/cluster-facts.ts';
import { type Asked, obstacleOf, partitionsOf, whoIsWho } from '../../../tools/chaos/who-is-who.ts';

interface Said {
  readonly commander?: string;
  readonly term?: number;
  readonly version?: number;
  readonly up?: number;
  readonly ok?: number;
  readonly state?: StatusAnswer['node']['state'];
  readonly primaries?: readonly (string | null)[];
}

/** A node that answers. */
function node(address: string, said: Said = {}): Asked {
  const { commander = 'a', term = 1, version = 1, up = 2, ok = 2, state = 'member', primaries = ['a', 'b'] } = said;
  const answer = {
    node: { address, state, waitsFor: '', commander, term },
    cluster: {
      id: 'c0',
      foundedAtMs: 7,
      bookVersion: version,
      members: { up },
      partitions: { total: 2, ok, incomplete: 2 - ok, belowMin: 0, withoutPrimary: 0, lost: 0 },
    },
  } as StatusAnswer;
  return {
    status: () => Promise.resolve(answer),
    partitions: () => Promise.resolve(primaries.map((primary) => ({ primary }) as PartitionFacts)),
  };
}

const silent: Asked = { status: () => Promise.resolve('does not answer'), partitions: () => Promise.resolve([]) };

test('the newest copy of the book says who is primary, the highest term who is commander', async (t) => {
  const old = node('a', { version: 3, term: 9, commander: 'b', primaries: ['a', 'a'] });
  const found = await whoIsWho([old, silent, node('b', { version: 4, term: 8, primaries: ['b', null] })]);
  t.deepEqual(found, { primaries: ['b', null], commander: 'b', identity: 'c0 of 7' });
  t.deepEqual(partitionsOf(found, 'b'), [0]);
  t.deepEqual(partitionsOf(found, 'a'), []);
});

test('of nodes that say nothing, nothing is known', async (t) => {
  t.deepEqual(await whoIsWho([silent]), { primaries: [], commander: null, identity: null });
  t.is(await obstacleOf([node('a'), silent]), 'does not answer');
});

test('a cluster is whole when all are there, agree, and hold all they should', async (t) => {
  t.is(await obstacleOf([node('a'), node('b')]), null);
  t.regex((await obstacleOf([node('a'), node('b', { state: 'joining' })])) ?? '', /b is joining/);
  t.regex((await obstacleOf([node('a'), node('b', { commander: '' })])) ?? '', /b follows nobody, not a/);
  t.regex((await obstacleOf([node('a'), node('b', { up: 1 })])) ?? '', /b knows of 1 members/);
  t.regex((await obstacleOf([node('a', { ok: 1 }), node('b')])) ?? '', /a: of 2 partitions 1 incomplete/);
  const headless = [node('a', { commander: '' }), node('b', { commander: '' })];
  t.is(await obstacleOf(headless), 'there is no commander');
});
