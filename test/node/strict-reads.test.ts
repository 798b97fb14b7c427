/** R10 */
import test from 'ava';
import { StrictReads } from '../../src/node/strict-reads.ts';
import { GETK, SCAN } from '../../src/protocol/opcode.ts';
import * as bodies from '../helpers/bodies.ts';
import { Caller } from './support/caller.ts';
import { EPOCH, PARTITION } from './support/partition.ts';
import { ReignSubject } from './support/reign.ts';
import { TestSession } from './support/session.ts';

class Subject extends ReignSubject {
  readonly reads: StrictReads = new StrictReads(this);
  readonly caller: Caller = new Caller();
  #lastId = 0;

  get(timeLeftMs?: number): void {
    this.#lastId += 1;
    this.reads.add(PARTITION, this.caller, this.#lastId, GETK, bodies.getk('k', timeLeftMs));
  }

  scan(): void {
    this.#lastId += 1;
    this.reads.add(PARTITION, this.caller, this.#lastId, SCAN, bodies.scan({ partition: PARTITION }));
  }

  /** Numbers of the rounds that the member in `slot` was asked to confirm. */
  asked(slot: number): number[] {
    const frames = this.controls[slot]?.takeFrames() ?? [];
    return frames.map(({ opcode, messageId, body }) => {
      if (opcode !== 'CONF' || Buffer.from(body).readUInt16BE(0) !== PARTITION) throw new Error(opcode);
      return Buffer.from(body).readUInt32BE(2) === EPOCH ? messageId : -1;
    });
  }

  confirm(slot: number, round: number, epoch: number = EPOCH): void {
    this.reads.confirmed(this.peer(slot), PARTITION, epoch, round);
  }
}

test('R10: reads are answered when every other member of the electorate has confirmed the epoch', (t) => {
  const subject = new Subject();
  subject.get();
  subject.scan();
  subject.reads.endOfTurn();
  t.deepEqual([subject.asked(1), subject.asked(2)], [[1], [1]]);
  subject.confirm(1, 1);
  subject.confirm(1, 1);
  t.deepEqual(subject.caller.read(), []);
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), ['1 GOTK nothing', '2 SCND 7 at 9.1 done:']);
  t.is(subject.reads.rounds, 1);
});

test('R10: a read that comes later needs a later round, with a new number', (t) => {
  const subject = new Subject();
  subject.get();
  subject.reads.endOfTurn();
  subject.get();
  subject.reads.endOfTurn();
  t.deepEqual(subject.asked(1), [1]);
  subject.confirm(1, 1);
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), ['1 GOTK nothing']);
  t.true(subject.wakes > 0);
  subject.reads.endOfTurn();
  t.deepEqual(subject.asked(1), [2]);
  subject.confirm(1, 1);
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), []);
  subject.confirm(1, 2);
  subject.confirm(2, 2);
  t.deepEqual(subject.caller.read(), ['2 GOTK nothing']);
});

test('R10: it reads what is committed when the round is complete', (t) => {
  const subject = new Subject();
  const session = new TestSession(subject.world);
  subject.get();
  subject.reads.endOfTurn();
  session.put('k', 'late');
  subject.world.settle();
  subject.confirm(1, 1);
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), ["1 GOTK 'late' 9.3"]);
});

test('R10: of another epoch nothing counts', (t) => {
  const subject = new Subject();
  subject.get();
  subject.reads.endOfTurn();
  for (const epoch of [EPOCH - 1, EPOCH + 1]) for (const slot of [1, 2]) subject.confirm(slot, 1, epoch);
  t.deepEqual(subject.caller.read(), []);
});

test('R10: a round that is not complete is begun anew, for all that waits', (t) => {
  const subject = new Subject();
  subject.get();
  subject.reads.endOfTurn();
  subject.confirm(1, 1);
  subject.get();
  subject.world.nowMs += 201;
  subject.reads.tick();
  subject.reads.endOfTurn();
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), []);
  subject.confirm(1, 2);
  subject.confirm(2, 2);
  t.deepEqual(subject.caller.read(), ['1 GOTK nothing', '2 GOTK nothing']);
});

test('R10: another electorate has to confirm it, the former one does not count', (t) => {
  const subject = new Subject();
  subject.get();
  subject.reads.endOfTurn();
  subject.confirm(1, 1);
  subject.primary.lease.needs([2]);
  subject.reads.configured(PARTITION);
  subject.reads.endOfTurn();
  subject.confirm(2, 1);
  t.deepEqual(subject.caller.read(), []);
  subject.confirm(2, 2);
  t.deepEqual(subject.caller.read(), ['1 GOTK nothing']);
});

test('R10: without others no round is needed', (t) => {
  const subject = new Subject({ others: 0, min: 1 });
  subject.get();
  subject.reads.endOfTurn();
  t.deepEqual(subject.caller.read(), ['1 GOTK nothing']);
});

test('R10: a round of a reign that has ended confirms nothing: its reads are handled as if they had just come', (t) => {
  const subject = new Subject();
  subject.get();
  subject.reads.endOfTurn();
  subject.primary.end();
  subject.confirm(1, 1);
  subject.confirm(2, 1);
  t.deepEqual([subject.caller.read(), subject.again], [[], [1]]);
  subject.get();
  subject.reads.endOfTurn();
  t.deepEqual(subject.again, [1, 2]);
});

test('a read whose time is over is answered so, and who has gone is not answered', (t) => {
  const subject = new Subject();
  subject.cut(1);
  subject.get(300);
  subject.get();
  subject.reads.endOfTurn();
  subject.world.nowMs += 301;
  subject.reads.tick();
  t.deepEqual(subject.caller.read(), ['1 FAIL KV_DEADLINE']);
  subject.caller.closed = true;
  subject.reads.endOfTurn();
  subject.confirm(1, 2);
  subject.confirm(2, 2);
  t.deepEqual(subject.caller.read(), []);
});
