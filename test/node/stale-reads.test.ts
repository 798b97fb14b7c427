/** R13: what a replica answers to stale reads, how old it says that it is, and for whom a primary vouches. */
import test from 'ava';
import { type Book, NO_MEMBER } from '../../src/cluster/book.ts';
import type { PartitionBackup } from '../../src/node/partition-backup.ts';
import { Peer } from '../../src/node/peer.ts';
import type { ReplyTarget } from '../../src/node/reply.ts';
import { Stages } from '../../src/node/stages.ts';
import { type StaleHost, StaleReads } from '../../src/node/stale-reads.ts';
import { AGE_UNKNOWN } from '../../src/protocol/client-codec.ts';
import { FollowerState } from '../../src/replication/follower.ts';
import * as bodies from '../helpers/bodies.ts';
import { bookOf, withPartition } from '../helpers/books.ts';
import { Caller } from './support/caller.ts';
import { PARTITION, PartitionWorld } from './support/partition.ts';
import { TestSession } from './support/session.ts';

const HEARTBEAT_MS = 100;
const ADDRESSES = ['a:1', 'b:1', 'c:1'];
const founded = bookOf({ addresses: ADDRESSES, partitions: 8 });
const ISR = [0, 1, 2];

/** Stale reads at one of the three members, 0 is the primary. */
class Member implements StaleHost {
  /** Own slot, as the book says. */
  self: number;
  readonly peers: readonly Peer[];
  readonly reads: StaleReads;
  readonly caller: Caller = new Caller();
  readonly sentLarge: number[] = [];
  book: Book = withPartition(founded, PARTITION, { primary: 0, isr: ISR });
  elected: readonly number[] = [];
  readonly #world: PartitionWorld;
  readonly #place: number;

  constructor(world: PartitionWorld, self: number) {
    this.#world = world;
    this.#place = self;
    this.self = self;
    const others = ISR.filter((slot) => slot !== self);
    this.peers = others.map((slot, index) => {
      const peer = new Peer(index, ADDRESSES[slot] as string, { host: 'n', port: slot }, new Stages(1, () => true));
      peer.slot = slot;
      return peer;
    });
    this.reads = new StaleReads(this);
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  touch(): number {
    return this.#world.touch();
  }

  get primaries(): StaleHost['primaries'] {
    return this.#sparse(this.#place === this.#world.primaryMember ? this.#world.primary : null);
  }

  get backups(): StaleHost['backups'] {
    const own = this.#world.backups.find(({ kept }) => kept === this.#world.keptBy(this.#place)) as PartitionBackup;
    return this.#sparse(own ?? null);
  }

  get partitions(): StaleHost['partitions'] {
    return { replicas: this.#sparse(this.#world.keptBy(this.#place)) };
  }

  #sparse<T>(own: T): (T | null)[] {
    return Array.from({ length: 8 }, (_, partition) => (partition === PARTITION ? own : null));
  }

  isElected(partition: number): boolean {
    return this.elected.includes(partition);
  }

  peerOf(slot: number): Peer | null {
    return this.peers.find((peer) => peer.slot === slot) ?? null;
  }

  sendLarge(
    _to: ReplyTarget,
    _id: number,
    value: Uint8Array,
    _e: number,
    _o: number,
    _ttl: number,
    ageMs: number,
  ): void {
    this.sentLarge.push(value.length, ageMs);
  }

  /** Value, its time to live and its age, as told; null: it does not answer. */
  get(key: string): { value: string | null; ttlMs: number; ageMs: number } | null {
    const body = bodies.getk(key);
    if (!this.reads.get(PARTITION, this.caller, 1, body, 0)) return null;
    const [reply] = this.caller.takeFrames();
    if (reply === undefined) return { value: '(in pieces)', ttlMs: 0, ageMs: this.sentLarge.at(-1) as number };
    const told = Buffer.from(reply.body);
    const hasValue = (told.readUInt8(0) & 1) === 1;
    const value = hasValue ? told.subarray(19).toString() : null;
    if ((told.readUInt8(0) & 4) === 0) throw new Error('it is not labelled');
    return { value, ttlMs: told.readUIntBE(9, 6), ageMs: told.readUInt32BE(15) };
  }

  /** Two heartbeats of the primary, the second echoing what this node said just now. */
  vouchedFor(): void {
    const version = this.book.version;
    const peer = this.peerOf(0) as Peer;
    const sent = this.nowMs * 1000;
    this.reads.beaten(peer, true, version, sent, 0);
    this.reads.beaten(peer, true, version, sent + HEARTBEAT_MS * 1000, sent);
  }
}

function worldWith(...pairs: readonly (readonly [key: string, value: string])[]): PartitionWorld {
  const world = new PartitionWorld({ backups: 2 });
  const session = new TestSession(world);
  for (const [key, value] of pairs) session.put(key, value);
  world.settle();
  return world;
}

test('R13: the primary answers under its lease with age 0', (t) => {
  const member = new Member(worldWith(['k', 'one']), 0);
  t.deepEqual(member.get('k'), { value: 'one', ttlMs: 0, ageMs: 0 });
  t.deepEqual(member.get('none'), { value: null, ttlMs: 0, ageMs: 0 });
});

test('R13: a primary whose lease has ended says since when', (t) => {
  const world = worldWith(['k', 'one']);
  const member = new Member(world, 0);
  world.leases.set(1, world.nowMs + 100);
  t.is(member.get('k')?.ageMs, 0);
  world.sleptMs = 2100; // the clock is read for each answer, so a process that slept knows it
  t.is(member.get('k')?.ageMs, 2000);
});

test('R9, R11, R13: an orphan, and a primary whose barrier is not committed, cannot tell', (t) => {
  const world = worldWith(['k', 'one']);
  world.primary.orphan = true;
  t.deepEqual(new Member(world, 0).get('k'), { value: 'one', ttlMs: 0, ageMs: AGE_UNKNOWN });
  const starting = new PartitionWorld({ backups: 2, opens: false });
  t.is(new Member(starting, 0).get('k')?.ageMs, AGE_UNKNOWN);
});

test('R13: a backup answers from what is applied, and does not know its age before the primary has vouched', (t) => {
  const world = worldWith(['k', 'one']);
  const member = new Member(world, 1);
  t.deepEqual(member.get('k'), { value: 'one', ttlMs: 0, ageMs: AGE_UNKNOWN });
  member.vouchedFor();
  t.is(member.get('k')?.ageMs, HEARTBEAT_MS * 1.01);
  world.nowMs += 5000;
  t.is(member.get('k')?.ageMs, 5000 + HEARTBEAT_MS * 1.01, 'silence makes it older');
});

test('R5, R13: what is not committed is not shown', (t) => {
  const world = worldWith(['k', 'one']);
  world.silent.add(0);
  new TestSession(world, 'b');
  const session = new TestSession(world, 'c');
  session.put('k', 'two');
  world.send(1);
  t.is(new Member(world, 2).get('k')?.value, 'one');
});

test('R13: what was vouched for by one entry of the book says nothing of the next; what is known stays known', (t) => {
  const world = worldWith(['k', 'one']);
  const member = new Member(world, 1);
  member.vouchedFor();
  const told = member.get('k')?.ageMs as number;
  member.reads.bookChanging();
  member.book = withPartition(member.book, PARTITION, { isr: [0, 1] });
  world.nowMs += 1000;
  t.is(member.get('k')?.ageMs, told + 1000);
  const fresh = new Member(world, 2);
  fresh.vouchedFor();
  fresh.book = withPartition(fresh.book, PARTITION, { isr: [0, 2] });
  t.is(fresh.get('k')?.ageMs, AGE_UNKNOWN);
});

test('R13: who is not in sync answers nothing; who was when commits froze does (R8)', (t) => {
  const member = new Member(worldWith(['k', 'one']), 1);
  member.book = withPartition(founded, PARTITION, { primary: 0, isr: [0, 2], eligible: [] });
  t.is(member.get('k'), null);
  member.book = withPartition(founded, PARTITION, { primary: 0, isr: [0], eligible: [1] });
  t.is(member.get('k')?.value, 'one');
});

test('R4, R13: a life that the book does not name answers nothing', (t) => {
  const member = new Member(worldWith(['k', 'one']), 1);
  member.self = NO_MEMBER;
  t.is(member.get('k'), null);
});

test('R23: a key that is due is there until its expiry has committed, with the least time left', (t) => {
  const world = new PartitionWorld({ backups: 2 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 1000 });
  world.settle();
  const member = new Member(world, 1);
  t.is(member.get('k')?.ttlMs, 1000);
  world.nowMs += 600;
  t.is(member.get('k')?.ttlMs, 400);
  world.nowMs += 600;
  t.like(member.get('k'), { value: 'one', ttlMs: 1 });
  t.like(new Member(world, 0).get('k'), { value: 'one', ttlMs: 1 }, 'the primary does not wait for it either');
  t.is(world.parked.length, 0);
  world.primary.tick();
  world.settle();
  t.is(member.get('k')?.value, null);
});

test('R12, R13: when a clock cannot be trusted nothing is known of ages', (t) => {
  const member = new Member(worldWith(['k', 'one']), 1);
  member.vouchedFor();
  member.reads.void();
  t.is(member.get('k')?.ageMs, AGE_UNKNOWN);
});

test('R9, R13: a replica that begins anew has forgotten how fresh it was', (t) => {
  const world = worldWith(['k', 'one']);
  const member = new Member(world, 1);
  member.vouchedFor();
  t.not(member.get('k')?.ageMs, AGE_UNKNOWN);
  world.keptBy(1).forget();
  t.is(world.keptBy(1).latestMs, Number.NEGATIVE_INFINITY);
});

test('R19, R13: while a replica catches up nothing is vouched for, nor later for that time', (t) => {
  const world = worldWith(['k', 'one']);
  const member = new Member(world, 1);
  member.book = withPartition(member.book, PARTITION, { isr: [0, 2] });
  member.vouchedFor();
  member.reads.bookChanging();
  member.book = withPartition(member.book, PARTITION, { isr: [0, 1, 2] });
  t.is(member.get('k')?.ageMs, AGE_UNKNOWN);
  member.vouchedFor();
  t.not(member.get('k')?.ageMs, AGE_UNKNOWN);
});

// ---- for whom a primary vouches

function vouches(member: Member): boolean[] {
  member.reads.vouch();
  return member.peers.map((peer) => peer.vouches);
}

test('R13: a primary vouches under its lease, for those that follow it', (t) => {
  const world = worldWith();
  const member = new Member(world, 0);
  t.deepEqual(vouches(member), [true, true]);
  world.follower(0).state = FollowerState.unknown;
  t.deepEqual(vouches(member), [false, true], 'it has not been told how far everything is committed');
  world.follower(0).state = FollowerState.following;
  t.deepEqual(vouches(member), [true, true]);
  world.leases.set(2, world.nowMs);
  world.primary.lease.void();
  t.deepEqual(vouches(member), [false, false]);
});

test('R8, R13: below min, as an orphan, or before it serves, a primary vouches for nobody', (t) => {
  const world = worldWith();
  const member = new Member(world, 0);
  world.freeze();
  t.deepEqual(vouches(member), [false, false]);
  world.thaw();
  t.deepEqual(vouches(member), [true, true]);
  world.primary.orphan = true;
  t.deepEqual(vouches(member), [false, false]);
  t.deepEqual(vouches(new Member(new PartitionWorld({ backups: 2, opens: false }), 0)), [false, false]);
});

test('R12, R13: who waits to be primary vouches for nobody who follows it', (t) => {
  const member = new Member(worldWith(), 1);
  t.deepEqual(vouches(member), [true, true], 'primary of nothing');
  member.elected = [PARTITION];
  t.deepEqual(vouches(member), [false, false]);
});
