/** What `keyval cluster …` shows and does, against nodes that have nothing but a book. */
import test, { type ExecutionContext } from 'ava';
import { handOver, handOversText } from '../../../src/cli/cluster/hand-overs.ts';
import { membersText } from '../../../src/cli/cluster/members.ts';
import { partitionsText } from '../../../src/cli/cluster/partitions.ts';
import { longestLog } from '../../../src/cli/cluster/reform.ts';
import { statusText } from '../../../src/cli/cluster/status.ts';
import { program } from '../../../src/cli/program.ts';
import type { ClusterAdmin } from '../../../src/client/cluster-admin.ts';
import { connect } from '../../../src/client/index.ts';
import { type Book, NO_MEMBER } from '../../../src/cluster/book.ts';
import { KeyvalError } from '../../../src/errors.ts';
import { BookNode } from '../../helpers/book-node.ts';
import { bookOf, withMember, withPartition } from '../../helpers/books.ts';
import { keyval } from '../../helpers/processes.ts';

function hosts(port: number): [string, string, string] {
  return [`127.0.0.1:${port}`, `127.0.0.2:${port}`, `127.0.0.3:${port}`];
}

/** Nodes that share a book. */
function nodes(t: ExecutionContext, addresses: readonly string[], book: Book | null): Promise<BookNode[]> {
  return Promise.all(addresses.map((address) => BookNode.on(t, address, book)));
}

async function adminOf(t: ExecutionContext, addresses: readonly string[], timeoutMs = 30_000): Promise<ClusterAdmin> {
  const client = await connect(addresses, { connectTimeoutMs: 30_000, timeoutMs });
  t.teardown(() => client.close());
  return client.admin();
}

/** The nodes' books follow what is handed over. */
function handsOver(all: readonly BookNode[], partition: number, to: number): null {
  for (const node of all) node.book = withPartition(node.book as Book, partition, { primary: to });
  return null;
}

test.serial('as processes: status, what is amiss with it, and a transfer', async (t) => {
  const addresses = hosts(21_900);
  const [first, second, third] = addresses;
  let book = bookOf({ addresses, partitions: 8 });
  for (let at = 0; at < 8; at += 1) book = withPartition(book, at, { primary: 0, isr: [0, 1, 2] });
  const all = await nodes(t, addresses, withPartition(book, 5, { isr: [0] }));
  (all[0] as BookNode).handOver = (partition, to): string | null =>
    partition === 6 ? 'another is under way' : handsOver(all, partition, to);
  const endpoints = addresses.join();
  const status = await keyval(t, endpoints, ['cluster', 'status', '--output', 'json']);
  t.deepEqual([status.code, status.stderr], [5, '']);
  const shown = JSON.parse(status.stdout);
  t.like(shown, { commander: first, cluster: { canLose: 0, goesOnWithout: 0, partitions: { ok: 7, belowMin: 1 } } });
  const seen = shown.nodes.map(({ endpoint }: { endpoint: string }) => endpoint);
  t.deepEqual(seen.sort(), [...addresses]);
  const transfer = await keyval(t, endpoints, ['cluster', 'transfer', '--all-from', first]);
  t.deepEqual([transfer.code, transfer.stderr], [5, '']);
  t.deepEqual(transfer.stdout.trimEnd().split('\n'), [
    `moved 6 partitions: 4 to ${second}, 2 to ${third}`,
    'partition 5: nobody else who is up holds all of it',
    'partition 6: partition 6 cannot be handed over now: another is under way',
  ]);
});

test('status without a commander says what to do, and promises nothing', async (t) => {
  const addresses = hosts(21_911);
  await nodes(t, addresses, bookOf({ addresses }));
  const views = await (await adminOf(t, addresses)).views();
  const leaderless = views.map((view) =>
    'answer' in view ? { ...view, answer: { ...view.answer, node: { ...view.answer.node, commander: '' } } } : view,
  );
  const text = statusText(leaderless);
  t.regex(text, /\nno commander: .*keyval cluster reform\nas it was when there was one:\nvoters /);
  t.notRegex(text, /can lose/);
});

test('status of a cluster that is well: one page', async (t) => {
  const addresses = hosts(21_901);
  await nodes(t, addresses, bookOf({ addresses }));
  const admin = await adminOf(t, addresses);
  const [headline, rows, rest] = statusText(await admin.views()).split('\n\n');
  t.deepEqual(headline?.split('\n'), [
    'cluster keyval (c1u573r), founded 2023-11-14T22:13:20Z, book version 1',
    'commander 127.0.0.1:21901',
    `voters ${addresses.join(', ')}`,
    '3 members: 3 up',
    '4 partitions: 4 ok (3 copies, min 2)',
    'can lose 1 node and go on, 2 without losing a key',
  ]);
  const lines = (rows ?? '').split('\n');
  t.regex(lines[0] ?? '', /^NODE +STATE +RAFT +TERM +LOG +BOOK +COMMANDER +DIRECTORY$/);
  t.true(
    lines.some((line) => /^127\.0\.0\.2:21901 +member +follower +3 +42 +1 +127.* +\/var\/lib\/keyval$/.test(line)),
  );
  t.is(lines.length, 4);
  t.is(rest, undefined);
});

test('status: what is amiss is counted and named; the node that knows of a commander is believed', async (t) => {
  const addresses = hosts(21_902);
  let book = withMember(bookOf({ addresses }), 2, { health: 'down' });
  book = withPartition(book, 0, { primary: NO_MEMBER });
  book = withPartition(book, 1, { isr: [0, 1] });
  const [first, second] = (await nodes(t, addresses.slice(0, 2), book)) as [BookNode, BookNode];
  second.control = { leader: '' };
  first.control = { waitsFor: 'its copies' };
  const text = statusText(await (await adminOf(t, addresses.slice(0, 2), 3000)).views());
  t.regex(text, /\ncommander 127\.0\.0\.1:21902\n/);
  t.regex(text, /\n3 members: 2 up, 1 down\n/);
  t.regex(text, /\n4 partitions: 2 ok, 1 short of copies, 1 without primary \(3 copies, min 2\)\n/);
  t.regex(text, /\n127\.0\.0\.3:21902 +silent +- /);
  t.regex(text, /\n127\.0\.0\.3:21902 does not answer: KV_\w+: /);
  t.regex(text, /\n127\.0\.0\.1:21902 is member: it waits for its copies\n/);
});

test('status before the founding: what it waits for', async (t) => {
  const [address] = hosts(21_903);
  const [node] = (await nodes(t, [address], null)) as [BookNode];
  node.control = { waitsFor: 'promises of 127.0.0.2:21903' };
  const text = statusText(await (await adminOf(t, [address])).views());
  t.regex(text, /^no cluster yet: 127\.0\.0\.1:21903 is founding, waits for promises of 127\.0\.0\.2:21903\n/);
});

test('members and partitions are tables', async (t) => {
  const addresses = hosts(21_904);
  const lost = { sinceMs: 1_700_000_001_000, keepers: addresses.slice(1), waitMs: 0 };
  const witnesses = addresses.slice(2);
  let book = withPartition(bookOf({ addresses, witnesses }), 3, { primary: NO_MEMBER, isr: [], lost });
  book = withMember(book, 0, { zone: 'eu' });
  await nodes(t, addresses, book);
  const admin = await adminOf(t, addresses);
  const members = membersText((await admin.members()).members);
  t.regex(members, /^SLOT +ADDRESS +ZONE +ROLE +HEALTH +RAFT +PRIMARIES +IN SYNC +LEARNING +INCARNATION\n/);
  t.regex(members, /\n0 +127\.0\.0\.1:21904 +eu +data +up +commander +\d+ +3 +\d+ +0000000000000001\n/);
  t.regex(members, /\n2 +127\.0\.0\.3:21904 +- +witness +up +voter +- +- +- +0000000000000003$/);
  const rowsOf = (text: string): string[] => text.split('\n').filter((line) => /^\d/.test(line));
  const all = partitionsText(await admin.partitions());
  t.regex(all, /^PARTITION +STATE +EPOCH +VERSION +PRIMARY +IN SYNC +ELIGIBLE +TARGET\n/);
  t.is(rowsOf(all).length, 4);
  const gone = partitionsText(await admin.partitions({ lost: true }));
  t.regex(rowsOf(gone).join(), /^3 +lost +\d+ +\d+ +- +- +- +127\S+ 127\S+$/);
  const keepers = '127.0.0.2:21904, 127.0.0.3:21904';
  t.true(gone.endsWith(`\npartition 3: every copy is gone since 2023-11-14T22:13:21Z; it was kept by ${keepers}`));
  t.is(partitionsText(await admin.partitions({ of: addresses[2] })), 'no partition is like that');
  await t.throwsAsync(admin.partitions({ of: '127.0.0.9:1' }), {
    code: 'KV_USAGE',
    message: `127.0.0.9:1 is not a member of the cluster; there are ${addresses.join(', ')}`,
  });
});

test('transfer of one partition: its primary is asked, and the book waited for', async (t) => {
  const addresses = hosts(21_905);
  const [, second, third] = addresses;
  const book = withPartition(bookOf({ addresses }), 2, { primary: 1, isr: [0, 1, 2] });
  const all = await nodes(t, addresses, book);
  for (const node of all) node.handOver = (partition, to): null => handsOver(all, partition, to);
  const wish = { what: { partition: 2 }, to: third };
  const outcomes = await handOver(await adminOf(t, addresses), wish, 30_000);
  t.is(handOversText(outcomes), `partition 2 moved from ${second} to ${third}`);
  t.deepEqual(
    all.map(({ transfers }) => transfers),
    [[], [[2, 2]], []],
  );
});

test('a transfer that is not over in time is said so; one that cannot begin is an error', async (t) => {
  const addresses = hosts(21_906);
  const [first, second] = addresses;
  const book = withPartition(bookOf({ addresses }), 0, { primary: 0, isr: [0, 1, 2], target: [0, 1, 2] });
  const all = await nodes(t, addresses, book);
  const admin = await adminOf(t, addresses);
  const outcomes = await handOver(admin, { what: { partition: 0 }, to: undefined }, 1);
  t.deepEqual(outcomes, [{ partition: 0, from: first, to: second, moved: false, reason: 'not done in time' }]);
  t.is(handOversText(outcomes), 'moved 0 partitions\npartition 0: not done in time');
  for (const node of all) node.handOver = (): string => 'it is leaving';
  await t.throwsAsync(handOver(admin, { what: { partition: 0 }, to: second }, 1), {
    code: 'KV_NO_QUORUM',
    message: 'partition 0 cannot be handed over now: it is leaving',
  });
  t.is(handOversText([]), 'nothing to move: the node is primary of no partition');
});

test('reform: the node with the longest log, on trial first', async (t) => {
  const addresses = hosts(21_907);
  const all = (await nodes(t, addresses, bookOf({ addresses }))) as [BookNode, BookNode, BookNode];
  const [first, second] = all;
  const reformed: string[] = [];
  for (const node of all) {
    node.control = {
      leader: '',
      lastIndex: node === second ? 50 : 99,
      lastTerm: node === second ? 4 : 3,
      directory: node === all[2] ? '' : '/state',
    };
    node.reform = (isTrial): string | null => {
      if (!isTrial) reformed.push(node.address);
      return node === first ? 'not this one' : null;
    };
  }
  const admin = await adminOf(t, addresses);
  const chosen = longestLog(await admin.views());
  t.is(chosen, second.address);
  t.like(await admin.reform(chosen, true), { obstacle: null, isBegun: false });
  t.like(await admin.reform(first.address, true), { obstacle: 'not this one', isBegun: false });
  t.deepEqual(reformed, []);
  t.true((await admin.reform(chosen, false)).isBegun);
  t.deepEqual(reformed, [chosen]);
  await t.throwsAsync(admin.reform(first.address, false), { message: 'the cluster cannot be reformed: not this one' });
  await t.throwsAsync(admin.reform('127.0.0.9:1', true), { message: '127.0.0.9:1 is not a node of the cluster' });
  t.throws(() => longestLog([]), { message: /^no node that answers keeps the state of a cluster/ });
});

const mistakes: readonly (readonly [readonly string[], string])[] = [
  [['statsu'], "unknown action 'statsu'; did you mean status?"],
  [['burn'], "unknown action 'burn'; there are status, members, partitions, transfer, reform"],
  [['status', 'x'], "unexpected argument 'x'; write: keyval cluster status"],
  [['members', '--lost'], '--lost belongs to cluster partitions, not to cluster members'],
  [['partitions', '--to', 'a'], '--to belongs to cluster transfer, not to cluster partitions'],
  [['transfer', '--yes', '1'], '--yes belongs to cluster reform, not to cluster transfer'],
  [
    ['transfer'],
    'name a partition, or a node with --all-from ADDRESS; write: keyval cluster transfer PARTITION [--to ADDRESS]',
  ],
  [['transfer', 'one'], "PARTITION is a number, as `keyval cluster partitions` shows them, not 'one'"],
  [[], 'ACTION missing; write: keyval cluster ACTION [OPERAND]'],
];
for (const [args, message] of mistakes) {
  test(`a mistake asks no node: cluster ${args.join(' ')}`, async (t) => {
    const started = program(['cluster', ...args, '--endpoints', '127.0.0.1:21949']);
    await t.throwsAsync(started, { instanceOf: KeyvalError, code: 'KV_USAGE', message });
  });
}

const facts = {
  ...{ address: '', id: '1', incarnation: '1', version: '0', protocol: 1, pid: 1, uptimeMs: 1000, cpuMicros: 1 },
  memory: { usedBytes: 1, maxBytes: 0, residentBytes: 1 },
  workers: { threads: 0, threadsMax: 0, tasks: 0, failed: 0, inline: 0, queued: 0, refused: 0 },
  ...{ keptIn: 'memory', keys: 0, locks: 0, waiters: 0, sessions: 0, connections: 1, connectionBytes: 0 },
  ...{ partitions: { total: 4, primary: 4, backup: 0, serving: 4 }, obstacle: null, peers: [] },
};

test.serial('keyval status: the commander, and how many nodes can be lost', async (t) => {
  const [address] = hosts(21_908);
  const [node] = (await nodes(t, [address], bookOf({ addresses: [address] }))) as [BookNode];
  node.facts = facts;
  const { stdout } = await keyval(t, address, ['status']);
  t.deepEqual(stdout.split('\n').slice(0, 2), [
    'cluster keyval: 1 node, 1 up; 4 of 4 partitions take writes',
    `commander ${address}; can lose 0 nodes and go on, 0 without losing a key`,
  ]);
  node.isOld = true;
  const old = await keyval(t, address, ['status', '--output', 'json']);
  t.like(JSON.parse(old.stdout), { commander: null, canLose: null, goesOnWithout: null });
  await t.throwsAsync((await adminOf(t, [address])).members(), { code: 'KV_UNKNOWN_OPCODE' });
});
