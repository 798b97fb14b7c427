/** What operators are told of the book, and what they may ask of it. */
import test from 'ava';
import fc from 'fast-check';
import { type Book, NO_MEMBER } from '../../src/cluster/book.ts';
import { KeyvalError } from '../../src/errors.ts';
import {
  answerClusterRequest,
  type ClusterHost,
  PARTITIONS_PER_ANSWER,
  requestOf,
} from '../../src/node/cluster-requests.ts';
import type { ControlStatus } from '../../src/node/control/host.ts';
import type {
  ClusterRequest,
  ClusterSummary,
  MembersAnswer,
  PartitionsAnswer,
  StatusAnswer,
} from '../../src/protocol/cluster-facts.ts';
import { bookOf, controlOf, withMember, withPartition } from '../helpers/books.ts';

const addresses = ['10.0.0.1:6234', '10.0.0.2:6234', '10.0.0.3:6234'];
const three = bookOf({ addresses });

type Extras = Partial<Omit<ClusterHost, 'book'>> & { readonly control?: Partial<ControlStatus> };

function hostOf(book: Book | null, { control = {}, ...rest }: Extras = {}): ClusterHost {
  const controlStatus = (): ControlStatus => controlOf(book, control);
  return { address: '10.0.0.2:6234', book, controlStatus, requestTransfer: () => null, reform: () => null, ...rest };
}

function ask<T>(book: Book | null, request: ClusterRequest, extras?: Extras): T {
  return answerClusterRequest(hostOf(book, extras), request) as T;
}

function summaryOf(book: Book, extras?: Extras): ClusterSummary {
  return ask<StatusAnswer>(book, { command: 'status' }, extras).cluster as ClusterSummary;
}

/** Code and message of the refusal. */
function refusal(act: () => unknown): string {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error instanceof KeyvalError ? `${error.code}: ${error.message}` : String(error);
  }
}

test('status of a cluster that is well', (t) => {
  const { node, cluster } = ask<StatusAnswer>(three, { command: 'status' });
  t.like(node, { address: '10.0.0.2:6234', state: 'member', role: 'follower', term: 3, commander: '10.0.0.1:6234' });
  t.like(cluster, {
    id: 'c1u573r',
    name: 'keyval',
    foundedAtMs: 1_700_000_000_000,
    voters: addresses,
    members: { total: 3, up: 3, down: 0, leaving: 0, witnesses: 0 },
    partitions: { total: 4, ok: 4, incomplete: 0, belowMin: 0, withoutPrimary: 0, lost: 0 },
    settings: { replicas: 3, min: 2, maxLeaseMs: 60_000, onLoss: 'stop' },
    canLose: 2,
    goesOnWithout: 1,
  });
});

test('each partition counts once, for the worst that is amiss with it', (t) => {
  let book = bookOf({ addresses, partitions: 8 });
  book = withPartition(book, 1, { isr: [0, 1] });
  book = withPartition(book, 2, { isr: [0], eligible: [1] });
  book = withPartition(book, 3, { primary: NO_MEMBER });
  const lost = { sinceMs: 5, keepers: addresses, waitMs: 0 };
  book = withPartition(book, 4, { primary: NO_MEMBER, isr: [], lost });
  const { partitions, canLose, goesOnWithout } = summaryOf(book);
  t.deepEqual(partitions, { total: 8, ok: 4, incomplete: 1, belowMin: 1, withoutPrimary: 1, lost: 1 });
  t.is(canLose, 0);
  t.is(goesOnWithout, 0);
});

test('a cluster goes on without as many as voters and copies can spare', (t) => {
  t.is(summaryOf(withMember(three, 2, { health: 'down' })).goesOnWithout, 0, 'two of three voters are the majority');
  const five = bookOf({ addresses: [...addresses, '10.0.0.4:6234', '10.0.0.5:6234'], replicas: 5, min: 2 });
  t.is(summaryOf(five).goesOnWithout, 1, 'three vote');
  const voters = five.members.map((member) => member?.address ?? '');
  t.is(summaryOf(five, { control: { voters } }).goesOnWithout, 2, 'five vote: two can go');
  t.is(summaryOf(bookOf({ addresses: ['10.0.0.1:6234'] })).goesOnWithout, 0);
  t.is(summaryOf(bookOf({ addresses, witnesses: ['10.0.0.3:6234'] })).goesOnWithout, 0, 'min is 2 of two keepers');
});

test('before the founding there is no cluster, and nothing to ask about it', (t) => {
  const control = { waitsFor: 'promises of 10.0.0.3:6234' };
  const { node, cluster } = ask<StatusAnswer>(null, { command: 'status' }, { control });
  t.is(cluster, null);
  t.like(node, { state: 'founding', waitsFor: 'promises of 10.0.0.3:6234', commander: '' });
  for (const request of [
    { command: 'members' },
    { command: 'partitions', from: 0 },
    { command: 'transfer', partition: 0 },
  ] as const)
    t.is(
      refusal(() => ask(null, request, { control })),
      'KV_NO_QUORUM: 10.0.0.2:6234 knows of no cluster yet (founding): it waits for promises of 10.0.0.3:6234',
    );
});

test('members: the longest-lived first, with what they keep and what they are to Raft', (t) => {
  let book = withMember(three, 0, { joinedAt: 90, zone: 'eu' });
  book = withPartition(book, 0, { primary: 1, isr: [1, 2], target: [0, 1, 2] });
  const { members } = ask<MembersAnswer>(book, { command: 'members' }, { control: { voters: addresses.slice(0, 2) } });
  t.deepEqual(
    members.map(({ slot }) => slot),
    [1, 2, 0],
  );
  t.like(members[2], {
    address: addresses[0] as string,
    zone: 'eu',
    isCommander: true,
    isVoter: true,
    replicas: 3,
    learning: 1,
  });
  t.like(members[1], { isCommander: false, isVoter: false, replicas: 4, learning: 0, incarnation: '0000000000000003' });
  t.is(
    members.reduce((sum, { primaries }) => sum + primaries, 0),
    4,
  );
});

test('partitions: all, those of one node, those that are lost', (t) => {
  const lost = { sinceMs: 5, keepers: addresses.slice(1), waitMs: 9 };
  let book = bookOf({ addresses, replicas: 1, min: 1, partitions: 8 });
  book = withPartition(book, 3, { primary: NO_MEMBER, isr: [], lost });
  const all = ask<PartitionsAnswer>(book, { command: 'partitions', from: 0 });
  t.deepEqual([all.partitions.length, all.next, all.bookVersion], [8, null, book.version]);
  t.like(all.partitions[3], {
    partition: 3,
    state: 'lost',
    primary: null,
    lost: { sinceMs: 5, keepers: addresses.slice(1) },
  });
  const gone = ask<PartitionsAnswer>(book, { command: 'partitions', from: 0, lost: true });
  t.deepEqual(
    gone.partitions.map(({ partition }) => partition),
    [3],
  );
  const of = addresses[0] as string;
  const kept = ask<PartitionsAnswer>(book, { command: 'partitions', from: 0, of }).partitions;
  t.true(kept.length > 0 && kept.length < 8);
  t.true(kept.every(({ target }) => target.includes(of)));
  t.is(
    refusal(() => ask(book, { command: 'partitions', from: 0, of: '10.0.0.9:6234' })),
    `KV_USAGE: 10.0.0.9:6234 is not a member of the cluster; there are ${addresses.join(', ')}`,
  );
});

test('many partitions come in several answers, each exactly once', (t) => {
  const partitions = PARTITIONS_PER_ANSWER * 4;
  const book = bookOf({ addresses, partitions });
  const seen: number[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const answer: PartitionsAnswer = ask(book, { command: 'partitions', from });
    t.true(JSON.stringify(answer).length < 2 ** 21, 'below the length of a frame');
    seen.push(...answer.partitions.map(({ partition }) => partition));
    from = answer.next;
  }
  t.deepEqual(
    seen,
    Array.from({ length: partitions }, (_, index) => index),
  );
  t.deepEqual(ask<PartitionsAnswer>(book, { command: 'partitions', from: 2 ** 40 }).partitions, []);
});

test('R17: a hand-over is asked of the node with the slot, and only where it can succeed', (t) => {
  const asked: (readonly [number, number])[] = [];
  const requestTransfer = (partition: number, to: number): null => {
    asked.push([partition, to]);
    return null;
  };
  const book = withPartition(three, 1, { primary: 0, isr: [0, 1, 2], target: [0, 2, 1] });
  const to = (address?: string, other: Book = book): unknown =>
    ask(
      other,
      { command: 'transfer', partition: 1, ...(address === undefined ? {} : { to: address }) },
      { requestTransfer },
    );
  t.deepEqual(to('10.0.0.2:6234'), { partition: 1, from: addresses[0], to: addresses[1] });
  t.deepEqual(to(), { partition: 1, from: addresses[0], to: addresses[2] }, 'where placement would have it next');
  t.deepEqual(to(undefined, withMember(book, 2, { health: 'down' })), {
    partition: 1,
    from: addresses[0],
    to: addresses[1],
  });
  t.deepEqual(asked, [
    [1, 1],
    [1, 2],
    [1, 1],
  ]);
  const cannot = 'KV_NO_QUORUM: partition 1 cannot be handed over now:';
  for (const [act, message] of [
    [() => to(addresses[0]), `KV_USAGE: ${addresses[0]} is already primary of partition 1`],
    [() => to('10.0.0.9:6234'), /^KV_USAGE: 10\.0\.0\.9:6234 is not a member/],
    [
      () => to(addresses[2], withPartition(book, 1, { isr: [0, 1] })),
      `${cannot} ${addresses[2]} does not hold all of it`,
    ],
    [() => to(addresses[2], withMember(book, 2, { health: 'leaving' })), `${cannot} ${addresses[2]} is not up`],
    [() => to(undefined, withPartition(book, 1, { isr: [0] })), `${cannot} nobody else who is up holds all of it`],
    [() => to(undefined, withPartition(book, 1, { primary: NO_MEMBER })), `${cannot} it has no primary at present`],
    [() => ask(book, { command: 'transfer', partition: 4 }), 'KV_USAGE: there is no partition 4; they are 0 to 3'],
    [
      () => ask(book, { command: 'transfer', partition: 1 }, { requestTransfer: () => 'another is under way' }),
      `${cannot} another is under way`,
    ],
  ] as const) {
    const said = refusal(act);
    if (typeof message === 'string') t.is(said, message);
    else t.regex(said, message);
  }
  t.is(asked.length, 3, 'what cannot succeed is not asked for');
});

test('R9: a cluster is reformed only without a commander, by a node that keeps state, and not on trial', (t) => {
  let reforms = 0;
  const reform = (isTrial: boolean): null => {
    if (!isTrial) reforms += 1;
    return null;
  };
  const act = (isTrial: boolean, extras: Extras): unknown => ask(three, { command: 'reform', isTrial }, extras);
  t.regex(
    refusal(() => act(false, { reform })),
    /^KV_USAGE: the cluster has a commander, 10\.0\.0\.1:6234: .*nothing needs to be reformed$/,
  );
  t.regex(
    refusal(() => act(false, { reform, control: { leader: '', directory: '' } })),
    /^KV_USAGE: 10\.0\.0\.2:6234 keeps no state/,
  );
  const control = { leader: '' };
  t.like(act(true, { reform, control }), { isBegun: false, obstacle: null });
  const wait = 'ask again in 9 s';
  t.like(act(true, { reform: () => wait, control }), { isBegun: false, obstacle: wait });
  t.is(reforms, 0);
  const { steps, isBegun } = act(false, { reform, control }) as { steps: string[]; isBegun: boolean };
  t.true(isBegun);
  t.is(reforms, 1);
  t.regex(steps.join('\n'), /10\.0\.0\.2:6234 becomes the only voter of cluster keyval \(c1u573r\)/);
  t.regex(steps.join('\n'), /other voters \(10\.0\.0\.1:6234, 10\.0\.0\.3:6234\) must be stopped for good/);
  t.is(
    refusal(() => act(false, { reform: () => 'it is still joining', control })),
    'KV_NO_QUORUM: the cluster cannot be reformed: it is still joining',
  );
});

function body(document: unknown): Uint8Array {
  return new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document));
}

test('requests are read as they were written, and unknown members passed over', (t) => {
  const requests: readonly ClusterRequest[] = [
    { command: 'status' },
    { command: 'members' },
    { command: 'partitions', from: 0 },
    { command: 'partitions', from: 7, of: 'a:1', lost: true },
    { command: 'transfer', partition: 3 },
    { command: 'transfer', partition: 3, to: 'a:1' },
    { command: 'reform', isTrial: false },
  ];
  for (const request of requests) t.deepEqual(requestOf(body({ ...request, later: 1 })), request);
});

test('what is no request is KV_BAD_REQUEST, whatever it is', (t) => {
  const bad = [
    ...['', '{', 'null', '[]', '7', '"status"', '{}', '\u0000'],
    ...[{ command: 'stop' }, { command: null }, { command: 'partitions' }, { command: 'partitions', from: -1 }],
    ...[{ command: 'partitions', from: 0.5 }, { command: 'partitions', from: 0, of: 1 }, { command: 'transfer' }],
    ...[{ command: 'transfer', partition: '1' }, { command: 'transfer', partition: 1, to: {} }, { command: 'reform' }],
    ...[
      { command: 'status', filler: 'x'.repeat(5000) },
      { command: 'partitions', from: 0, lost: 'yes' },
    ],
  ];
  for (const document of bad)
    t.regex(
      refusal(() => requestOf(body(document))),
      /^KV_BAD_REQUEST: /,
      JSON.stringify(document),
    );
  t.regex(
    refusal(() => requestOf(Uint8Array.of(0xff, 0xfe))),
    /^KV_BAD_REQUEST: /,
  );
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      t.regex(
        refusal(() => requestOf(body(text))),
        /^(KV_BAD_REQUEST: |nothing$)/,
      );
    }),
  );
});
