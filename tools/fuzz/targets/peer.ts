/**
 * Frames of a peer that is logged in, at a node of three: any bytes on its control link or its bulk link. Nothing is thrown
 * and nothing asserted, whatever a peer says; what is answered has its layout. Both other members are there, and a client
 * with writes under way; after a link was closed the member comes back.
 */
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold, type Target } from '../target.ts';
import type { RecordingChannel } from '../world/channel.ts';
import { founding, INCARNATION } from '../world/founded-cluster.ts';
import { bytes, frame, number } from '../world/frames.ts';
import { FuzzedNode, MEMBERS, MEMBERS_PARTITIONS } from '../world/fuzzed-node.ts';
import { FIRST_EPOCH } from '../world/manual-time.ts';
import { helloBody } from './login.ts';
import { readReplies } from './reply-layout.ts';
import { attachBody, getBody, writeBody } from './request-seeds.ts';
import { helloOfClient } from './requests.ts';

const SELF = MEMBERS[2] as string;
const LIFE = 40;
/** A moment at which the fuzzed node has asked for its leases, by its own clock. */
const ASKED_MICROS = 700_000;
/** By the first byte of an input: whose link, which one. */
const LINKS = [
  { member: 0, role: 1 },
  { member: 0, role: 2 },
  { member: 1, role: 1 },
  { member: 1, role: 2 },
] as const;

class Cluster {
  readonly node: FuzzedNode = new FuzzedNode({ address: SELF, members: MEMBERS });
  readonly #links: RecordingChannel[];
  readonly #client: RecordingChannel;

  constructor() {
    this.#links = LINKS.map((_, index) => this.#connect(index));
    this.#client = this.node.connect();
    this.#client.receive(helloOfClient);
    this.#links[0]?.receive(founding(this.node));
    this.node.advance(200);
    mustHold(
      this.node.node.primaries.some((primary) => primary !== null),
      'the fuzzed node is a member',
    );
    this.#beat();
    this.#acknowledgeAll(1);
    this.#attach();
    this.#acknowledgeAll(2);
    this.#write();
  }

  #connect(index: number): RecordingChannel {
    const channel = this.node.connect();
    const { member, role } = LINKS[index] as (typeof LINKS)[number];
    channel.receive(frame(op.HELO, 0, helloBody({ role, member })));
    this.node.endTurn();
    channel.take();
    return channel;
  }

  /** Both grant their leases: the fuzzed node has asked with its own beats. */
  #beat(): void {
    for (const index of [0, 2]) this.#links[index]?.receive(frame(op.BEAT, 0, ...beat(1, 1, ASKED_MICROS)));
    this.node.endTurn();
  }

  /** Both backups hold everything through `operation`. */
  #acknowledgeAll(operation: number): void {
    const { primaries } = this.node.node;
    const own = primaries.flatMap((primary, partition) => (primary === null ? [] : [partition]));
    const records = own.map((partition) => acknowledgement(partition, 0, FIRST_EPOCH, operation));
    for (const index of [0, 2]) this.#links[index]?.receive(frame(op.ACKN, 0, INCARNATION, ...records));
    this.node.endTurn();
  }

  #attach(): void {
    for (let partition = 0; partition < MEMBERS_PARTITIONS; partition += 1)
      this.#client.receive(frame(op.ATCH, 1 + partition, attachBody(partition)));
    this.node.endTurn();
  }

  /** Some of these keys belong to this node, the others are forwarded. */
  #write(): void {
    for (const [index, key] of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].entries()) {
      const body = writeBody({ key, sequence: 1 + index, payload: 'v' });
      this.#client.receive(bytes(frame(op.PUTK, 10 + index, body), frame(op.GETK, 30 + index, getBody(key))));
    }
    this.node.endTurn();
  }

  async send(link: number, input: Uint8Array): Promise<void> {
    this.node.node.touch();
    let channel = this.#links[link] as RecordingChannel;
    if (channel.ending || channel.closed) {
      channel.close();
      channel = this.#connect(link);
      this.#links[link] = channel;
    }
    channel.receive(input);
    this.node.endTurn();
    for (let round = 0; round < 4; round += 1) await null;
    this.node.endTurn();
    for (const one of this.#links) readReplies(one.take());
    this.#client.take(); // answers of peers are handed on as they are
    mustHold(!this.#client.ending, 'the client of a node is not closed for what a peer says');
  }
}

function acknowledgement(partition: number, status: number, epoch: number, operation: number): Uint8Array {
  return bytes(number(2, partition), status, number(4, FIRST_EPOCH), number(4, epoch), number(4, operation));
}

function beat(version: number, sent: number, echo: number): readonly (number | Uint8Array)[] {
  return [INCARNATION, 0, number(4, version), number(6, sent), number(6, echo)];
}

export function peerTarget(seeds: readonly Uint8Array[]): Target {
  let cluster: Cluster | null = null;
  let turns = 0;
  return {
    name: 'peer',
    files: [
      'src/node/',
      'src/cluster/',
      'src/raft/',
      'src/protocol/',
      'src/store/',
      'src/lock/',
      'src/replication/',
      'src/base/',
    ],
    framesFrom: 1,
    inputBytesMax: 4096,
    inputsPerLife: LIFE,
    seeds: [...ownSeeds(), ...seeds.map((seed) => bytes(0, seed))],
    words: [
      INCARNATION,
      number(4, FIRST_EPOCH),
      number(4, FIRST_EPOCH + 1),
      ...[1, 2, 3, 4, 5].map((n) => number(4, n)),
    ],
    reset: () => {
      turns = 0;
      cluster = new Cluster();
    },
    run: (input) => {
      turns += 1;
      if (turns % 16 === 0) (cluster as Cluster).node.advance(turns % 64 === 0 ? 1000 : 100);
      return (cluster as Cluster).send((input[0] ?? 0) % LINKS.length, input.subarray(1));
    },
  };
}

interface RecordParts {
  readonly partition: number;
  readonly epoch?: number;
  readonly operation: number;
  readonly commit?: number;
  readonly kind: number;
  readonly body?: Uint8Array;
}

function record({
  partition,
  epoch = FIRST_EPOCH,
  operation,
  commit = 0,
  kind,
  body = bytes(),
}: RecordParts): Uint8Array {
  const numbers = bytes(
    number(2, partition),
    number(4, FIRST_EPOCH),
    number(4, epoch),
    number(4, operation),
    number(4, commit),
    kind,
    number(6, 1000),
  );
  return bytes(number(4, numbers.length + body.length), numbers, body);
}

/** Entries of each kind, acknowledgements of each status, pieces, replies to what was forwarded. */
function ownSeeds(): Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (let partition = 0; partition < MEMBERS_PARTITIONS; partition += 1) {
    const entries = entriesOf(partition);
    for (const link of [0, 2]) {
      seeds.push(bytes(link, frame(op.APND, 0, INCARNATION, ...entries)));
      seeds.push(bytes(link, ...entries.map((entry) => frame(op.APND, 0, INCARNATION, entry))));
      for (const status of [0, 1, 2, 3]) {
        const records = [1, 2, 3].map((operation) => acknowledgement(partition, status, FIRST_EPOCH, operation));
        seeds.push(bytes(link, frame(op.ACKN, 0, INCARNATION, ...records)));
      }
    }
  }
  for (const link of [0, 1, 2, 3]) {
    const piece = bytes(number(4, 9), number(4, 4), number(4, 0), 'abcd');
    seeds.push(bytes(link, frame(op.STGE, 9, piece), frame(op.DROP, 9)));
    seeds.push(bytes(link, frame(op.STGD, 1), frame(op.BEAT, 0, ...beat(1, 5, 0)), frame(op.GETK, 3, getBody('a'))));
    seeds.push(bytes(link, ...[0, 1, 2].map((id) => frame(op.FAIL, id, number(2, 0), 'no')), frame(op.WAIT, 1)));
    seeds.push(bytes(link, ...named(link)));
    seeds.push(bytes(link, ...[0, 1, 2].map((id) => frame(op.DONE, id, 1, new Uint8Array(8)))));
  }
  return seeds;
}

/** What is said about a partition and its epoch, and pieces of a snapshot. */
function named(partition: number): Uint8Array[] {
  const head = bytes(number(2, partition), number(4, FIRST_EPOCH));
  const part = bytes(2, number(4, 8), number(4, 4), number(4, 7));
  return [
    frame(op.CONF, 1, head),
    frame(op.CNFD, 1, head),
    frame(op.LRLS, 0, head),
    frame(op.REPT, 0, head, 2, number(2, 0), number(2, 1)),
    frame(op.WISH, 0, head, number(2, partition % 3)),
    frame(op.DLKQ, 1, number(4, 500)),
    frame(
      op.DLKA,
      1,
      number(2, partition),
      number(1, 1),
      'k',
      number(2, 1),
      number(2, 1),
      new Uint8Array(29),
      new Uint8Array(47),
    ),
    frame(
      op.DLKV,
      1,
      number(2, partition),
      number(8, 1),
      number(4, 1),
      '[{"session":"","name":"","flow":1,"key":"","mode":"","waitsMs":1,"isBehind":true}]',
    ),
    frame(op.SNAP, 0, head, number(4, 1), number(4, 0x5f3c_0c92), number(4, 0), part),
    frame(op.SNPD, 0, head, number(4, 1), 1),
    frame(op.PROP, 0, '["down",1,"0101010101010101",1750000001000]'),
  ];
}

function entriesOf(partition: number): Uint8Array[] {
  const write = (key: string, sequence: number, more: object = {}): Uint8Array =>
    writeBody({ key, sequence, ...more }).subarray(4);
  const bodies: readonly [kind: number, body: Uint8Array][] = [
    [1, new Uint8Array(8)],
    [6, attachBody(partition).subarray(4)],
    [2, write('key', 1, { payload: 'value' })],
    [4, write('n', 2, { payload: number(8, 5) })],
    [8, write('lock', 3)],
    [8, write('lock', 4, { span: 1000 })],
    [10, bytes(number(4, FIRST_EPOCH), number(4, 2), number(4, 4), 1)],
    [9, write('lock', 5, { revision: [FIRST_EPOCH, 5] })],
    [5, bytes(number(4, FIRST_EPOCH), number(4, 3), number(2, 3), 'key')],
    [3, write('n', 6)],
    [7, bytes(number(4, FIRST_EPOCH), number(4, 2))],
  ];
  return bodies.map(([kind, body], index) =>
    record({ partition, operation: index + 1, commit: Math.max(0, index - 1), kind, body }),
  );
}
