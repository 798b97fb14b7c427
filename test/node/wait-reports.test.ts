// L10: what a primary reports of the waits for its locks, and when it does.
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { LockMode } from '../../src/base/lock-mode.ts';
import { LockTable } from '../../src/lock/lock-table.ts';
import type { ReportedLock } from '../../src/lock/messages.ts';
import type { PartitionPrimary } from '../../src/node/partition-primary.ts';
import { waitsLasting } from '../../src/node/wait-reports.ts';

const { exclusive, protectedRead, null: nullMode } = LockMode;

/** A partition with three sessions, one flow each as the tests say. */
class Scene {
  readonly locks: LockTable = new LockTable(new Arena());
  leased = true;
  serving = true;
  nowMs = 10_000;
  #operation = 0;
  readonly #attachments = [0, 1, 2].map((slot) => ({
    slot,
    epoch: 1,
    operation: 100 + slot,
    session: `${slot}`.repeat(32),
    name: `client ${slot}`,
  }));

  /** Gives the request. `tag`: the flow's number × 2, + 1 if it holds something. */
  ask(key: string, session: number, tag: number, mode: number = exclusive): number {
    const { locks } = this;
    this.#operation += 1;
    const request = locks.requests.take(session, this.#operation, mode, tag);
    const bytes = Buffer.from(key, 'latin1');
    locks.acquire(bytes, 0, bytes.length, request, 1, this.#operation, this.nowMs, true);
    return request;
  }

  convert(request: number, mode: number): void {
    this.#operation += 1;
    this.locks.convert(request, mode, this.#operation, 1, this.#operation, this.nowMs, true);
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  report(afterMs = 500): ReportedLock[] {
    const attachments = this.#attachments;
    const partition = {
      id: 3,
      serving: this.serving,
      lease: { holds: this.leased },
      logTimeMs: () => this.nowMs,
      state: {
        locks: this.locks,
        attachments: {
          [Symbol.iterator]: () => attachments.values(),
          atSlot: (slot: number) => attachments[slot] ?? null,
        },
      },
    };
    return waitsLasting([null, partition as unknown as PartitionPrimary], afterMs);
  }
}

function waiting(): Scene {
  const scene = new Scene();
  scene.ask('k', 0, 2);
  scene.ask('k', 1, 5);
  return scene.after(500);
}

test('a wait of a flow that holds another lock, with who stands in its way', (t) => {
  t.deepEqual(waiting().report(), [
    {
      partition: 3,
      key: 'k',
      grants: [{ epoch: 1, operation: 1, mode: exclusive, session: '0'.repeat(32), flow: 1 }],
      waits: [
        {
          epoch: 1,
          operation: 101,
          sequence: 2,
          mode: exclusive,
          converts: null,
          session: '1'.repeat(32),
          flow: 2,
          name: 'client 1',
          waitsMs: 500,
        },
      ],
    },
  ]);
});

test('nothing is reported by whoever may not be the only primary, or does not serve', (t) => {
  const scene = waiting();
  scene.leased = false;
  t.deepEqual(scene.report(), []);
  scene.leased = true;
  scene.serving = false;
  t.deepEqual(scene.report(), []);
});

test('nothing of waits that are young, of flows that hold nothing, and of nobody knows whom', (t) => {
  t.deepEqual(waiting().report(501), []);
  for (const tag of [0, 4]) {
    const scene = new Scene();
    scene.ask('k', 0, 2);
    scene.ask('k', 1, tag);
    t.deepEqual(scene.after(5000).report(), []);
  }
});

test('holders without a flow, or in a mode that nobody minds, are left out', (t) => {
  const scene = new Scene();
  scene.ask('k', 0, 0, protectedRead);
  scene.ask('k', 0, 2, nullMode);
  scene.ask('k', 2, 2, protectedRead);
  scene.ask('k', 1, 5);
  t.deepEqual(
    scene
      .after(500)
      .report()[0]
      ?.grants.map(({ session }) => session),
    ['2'.repeat(32)],
  );
});

test('of those that do not count one in each mode stands before one that does, and none behind', (t) => {
  const scene = new Scene();
  scene.ask('k', 0, 2);
  for (const mode of [exclusive, protectedRead, exclusive]) scene.ask('k', 2, 6, mode);
  scene.ask('k', 1, 5);
  scene.ask('k', 2, 6);
  t.deepEqual(
    scene
      .after(500)
      .report()[0]
      ?.waits.map(({ flow, mode, sequence }) => [flow, mode, sequence]),
    [
      [0, exclusive, 2],
      [0, protectedRead, 3],
      [2, exclusive, 5],
    ],
  );
});

test('conversions come first, and count although their flow held nothing else; from the null mode they stand in line', (t) => {
  const scene = new Scene();
  const nothing = scene.ask('k', 0, 2, nullMode);
  const reader = scene.ask('k', 1, 4, protectedRead);
  scene.ask('k', 2, 6, protectedRead);
  scene.ask('k', 2, 7);
  scene.convert(nothing, exclusive);
  scene.convert(reader, exclusive);
  t.deepEqual(
    scene
      .after(500)
      .report()[0]
      ?.waits.map(({ flow, mode, converts }) => [flow, mode, converts]),
    [
      [2, exclusive, { epoch: 1, operation: 2 }],
      [3, exclusive, null],
      [1, exclusive, null],
    ],
  );
});

test('a key is shown as text, cut', (t) => {
  const scene = new Scene();
  for (const key of ['\xff\n', 'x'.repeat(300)]) {
    scene.ask(key, 0, 2);
    scene.ask(key, 1, 5);
  }
  t.deepEqual(
    scene
      .after(500)
      .report()
      .map(({ key }) => key),
    ['\ufffd\ufffd', `${'x'.repeat(99)}…`],
  );
});
