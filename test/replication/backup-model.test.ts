/**
 * A primary and two backups over links that lose, repeat and hold back what is sent: what a backup holds is always a
 * piece of the primary's log from its beginning (R6), what is committed is held by all (R5), and once everything arrives all
 * hold and know the same (R15).
 */
import test from 'ava';
import fc from 'fast-check';
import { AcceptStatus, Backup } from '../../src/replication/backup.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import type { Follower } from '../../src/replication/follower.ts';
import { Primary } from '../../src/replication/primary.ts';
import { Replica } from '../../src/replication/replica.ts';
import type { ReplicationLog } from '../../src/replication/replication-log.ts';

const EPOCH = 5;
const BACKUPS = 2;

class World {
  readonly primary = new Primary(new Replica(), EPOCH, 1000);
  readonly log = this.primary.replica.log;
  readonly backups = Array.from({ length: BACKUPS }, () => new Backup(new Replica()));
  /** Acknowledged last, by backup: for being repeated. */
  readonly #acknowledged = [0, 0];

  constructor() {
    for (const backup of this.backups.keys()) this.primary.follow(backup).inSync = true;
    this.settle();
  }

  #follower(backup: number): Follower {
    return this.primary.followers[backup] as Follower;
  }

  append(body: number): void {
    this.primary.append(EntryKind.put, 1000, Uint8Array.of(body, body >>> 8), 0, 2);
  }

  /** Hands a backup the next `count` entries; with `lost` they never arrive. */
  send(backup: number, count: number, lost: boolean): void {
    const follower = this.#follower(backup);
    const from = follower.sent;
    const to = Math.min(this.log.next, from + count);
    for (let position = from; position < to && !lost; position += 1) this.#deliver(backup, position);
    follower.sent = to;
  }

  #deliver(backup: number, position: number): void {
    const { log } = this;
    const offset = log.offset(position);
    const end = offset + log.length(position);
    const receiver = this.backups[backup] as Backup;
    const [epoch, operation] = [log.epoch(position), log.operation(position)];
    const status = receiver.accept(EPOCH, epoch, operation, log.data, offset, end, 0);
    if (status === AcceptStatus.mismatch) {
      const { lacking } = receiver;
      this.primary.mismatched(this.#follower(backup), lacking.epoch, lacking.operation);
    }
    receiver.committed(EPOCH, this.primary.commitOperation);
  }

  acknowledge(backup: number): void {
    this.#acknowledged[backup] = (this.backups[backup] as Backup).replica.last.operation;
    this.repeat(backup);
  }

  /** An acknowledgement that comes again, late. */
  repeat(backup: number): void {
    this.primary.acknowledged(this.#follower(backup), EPOCH, this.#acknowledged[backup] as number);
  }

  resend(backup: number): void {
    this.primary.resend(this.#follower(backup));
  }

  settle(): void {
    for (let backup = 0; backup < BACKUPS; backup += 1) {
      this.resend(backup);
      this.send(backup, Number.POSITIVE_INFINITY, false);
      this.acknowledge(backup);
    }
    for (const backup of this.backups) backup.committed(EPOCH, this.primary.commitOperation);
  }

  entry(log: ReplicationLog, position: number): string {
    const offset = log.offset(position);
    const bytes = Buffer.from(log.data.subarray(offset, offset + log.length(position)));
    return `${log.epoch(position)}.${log.operation(position)} ${bytes.toString('hex')}`;
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('append' as const), body: fc.nat(60_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('send' as const),
      backup: fc.nat(1),
      count: fc.nat(4),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constantFrom('acknowledge' as const, 'repeat' as const, 'resend' as const),
      backup: fc.nat(1),
    }),
  },
);

test('whatever the links do, backups hold the beginning of the log, and in the end all of it', (t) => {
  const run = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const world = new World();
    for (const one of steps) {
      const before = world.primary.commit;
      if (one.act === 'append') world.append(one.body);
      else if (one.act === 'send') world.send(one.backup, one.count, one.lost);
      else world[one.act](one.backup);
      t.true(world.primary.commit >= before);
      for (const { replica: backup } of world.backups) {
        t.true(backup.log.next <= world.log.next);
        t.true(backup.commit <= backup.log.next && backup.commit <= world.primary.commit);
        t.true(world.primary.commit <= backup.log.next);
        for (let position = 0; position < backup.log.next; position += 1)
          t.is(world.entry(backup.log, position), world.entry(world.log, position));
      }
    }
    world.settle();
    for (const { replica: backup } of world.backups) {
      t.is(backup.log.next, world.log.next);
      t.is(backup.commit, world.primary.commit);
    }
    t.is(world.primary.commit, world.log.next);
  });
  fc.assert(run, { numRuns: 25 });
});
