/** L10: what is found is a deadlock, the youngest wait of each ends, and none is left; against the rule written down plainly. */
import test from 'ava';
import fc from 'fast-check';
import { isCompatible, LockMode } from '../../src/base/lock-mode.ts';
import { agreed, type Deadlock, deadlocksIn } from '../../src/lock/deadlock.ts';
import type { ReportedGrant, ReportedLock, ReportedWait } from '../../src/lock/messages.ts';

const { concurrentRead, concurrentWrite, exclusive, protectedRead } = LockMode;
const AFTER_MS = 500;
const MODES = Object.values(LockMode).filter((mode) => mode !== LockMode.null);

function sessionOf(flow: number): string {
  return flow.toString(16).padStart(2, '0').repeat(16);
}

function grant(flow: number, operation: number, mode: number = exclusive): ReportedGrant {
  return { epoch: 1, operation, mode, session: sessionOf(flow), flow };
}

function wait(flow: number, waitsMs: number, parts: Partial<ReportedWait> = {}): ReportedWait {
  return {
    epoch: 1,
    operation: flow,
    sequence: 1,
    mode: exclusive,
    converts: null,
    session: sessionOf(flow),
    flow,
    name: `flow ${flow}`,
    waitsMs,
    ...parts,
  };
}

function lock(partition: number, grants: readonly ReportedGrant[], waits: readonly ReportedWait[]): ReportedLock {
  return { partition, key: `key ${partition}`, grants, waits };
}

function flowsOf(deadlocks: readonly Deadlock[]): number[][] {
  return deadlocks.map((deadlock) => deadlock.map((step) => step.wait.flow));
}

test('two that wait for each other: the younger wait comes first', (t) => {
  const locks = [lock(1, [grant(1, 5)], [wait(2, 900)]), lock(2, [grant(2, 6)], [wait(1, 600)])];
  t.deepEqual(flowsOf(deadlocksIn(locks, AFTER_MS)), [[1, 2]]);
});

test('waits in a row are none, however long', (t) => {
  const locks = Array.from({ length: 2000 }, (_, at) => lock(at, [grant(at + 1, 1)], [wait(at + 2, 600 + at)]));
  t.deepEqual(deadlocksIn(locks, AFTER_MS), []);
});

test('one long circle is one deadlock', (t) => {
  const locks = Array.from({ length: 2000 }, (_, at) =>
    lock(at, [grant(at + 1, 1)], [wait(((at + 1) % 2000) + 1, 600 + at)]),
  );
  const found = deadlocksIn(locks, AFTER_MS);
  t.is(found.length, 1);
  t.is(found[0]?.length, 2000);
  t.is(found[0]?.[0]?.wait.waitsMs, 600);
});

test('several waits of one knot end in one go', (t) => {
  const locks = [
    lock(1, [grant(1, 5, protectedRead), grant(2, 5, protectedRead)], [wait(3, 900)]),
    lock(2, [grant(3, 6)], [wait(1, 800), wait(2, 700)]),
  ];
  t.deepEqual(flowsOf(deadlocksIn(locks, AFTER_MS)), [
    [2, 3],
    [1, 3],
  ]);
});

test('who converts does not wait for itself, and whoever is in line waits for who converts', (t) => {
  const own = grant(1, 5, protectedRead);
  const converting = wait(1, 700, { converts: { epoch: 1, operation: 5 } });
  t.deepEqual(deadlocksIn([lock(1, [own], [converting])], AFTER_MS), []);
  const other = grant(2, 5, protectedRead);
  const third = lock(2, [grant(1, 6)], [wait(2, 900)]);
  t.deepEqual(flowsOf(deadlocksIn([lock(1, [own, other], [converting]), third], AFTER_MS)), [[1, 2]]);
});

test('a conversion waits for those before it, too', (t) => {
  const grants = [1, 2, 3].map((flow) => grant(flow, 5, concurrentRead));
  const first = wait(1, 900, { mode: protectedRead, converts: { epoch: 1, operation: 5 } });
  const second = wait(2, 800, { mode: concurrentWrite, converts: { epoch: 1, operation: 5 } });
  const circle = [
    lock(1, [...grants, grant(4, 6, concurrentWrite)], [first, second]),
    lock(2, [grant(2, 7)], [wait(4, 700)]),
  ];
  t.deepEqual(flowsOf(deadlocksIn(circle, AFTER_MS)), [[4, 2, 1]]);
  const young = { ...first, waitsMs: 100 };
  const behindYoung = circle.map((one) => ({
    ...one,
    waits: one.waits.map((other) => (other === first ? young : other)),
  }));
  t.deepEqual(flowsOf(deadlocksIn(behindYoung, AFTER_MS)), [[4, 2]]);
});

test('a lock under another lease of the same client is of the same owner', (t) => {
  const other = `${sessionOf(1).slice(0, 16)}${'f'.repeat(16)}`;
  const locks = [lock(1, [grant(1, 5)], [wait(2, 900)]), lock(2, [grant(2, 6)], [wait(1, 600, { session: other })])];
  t.is(deadlocksIn(locks, AFTER_MS).length, 1);
});

test('what two rounds report alike: waits by name, grants by token and owner', (t) => {
  const first = [lock(1, [grant(1, 5), grant(3, 5)], [wait(2, 900), wait(4, 800)])];
  const [both] = agreed(first, [lock(1, [grant(1, 5), grant(3, 7)], [wait(2, 950), wait(5, 600)])]);
  t.deepEqual(both?.grants, [grant(1, 5)]);
  t.deepEqual(both?.waits, [wait(2, 950)]);
  t.deepEqual(agreed(first, [lock(2, [grant(1, 5)], [wait(2, 950)])]), []);
});

test('a lock that was let go of and taken again between the rounds is no part of a deadlock', (t) => {
  const round = (operation: number): ReportedLock[] => [
    lock(1, [grant(1, operation)], [wait(2, 900)]),
    lock(2, [grant(2, 6)], [wait(1, 600)]),
  ];
  t.is(deadlocksIn(agreed(round(5), round(5)), AFTER_MS).length, 1);
  t.deepEqual(deadlocksIn(agreed(round(5), round(7)), AFTER_MS), []);
});

// ---- the rule, wait by wait

interface Placed {
  readonly lock: ReportedLock;
  readonly wait: ReportedWait;
}

function isVertex({ flow, waitsMs }: ReportedWait): boolean {
  return flow > 0 && waitsMs >= AFTER_MS;
}

/** Those that must get `lock` before `wait`. */
function aheadOf({ lock: { waits }, wait: one }: Placed): readonly ReportedWait[] {
  return waits.slice(0, waits.indexOf(one));
}

function holdsUp(next: ReportedWait, one: Placed): boolean {
  const ahead = aheadOf(one);
  if (ahead.some((other) => other === next)) return true;
  return [one.wait, ...ahead].some(({ mode, converts, session, flow }) =>
    one.lock.grants.some((held) => {
      if (held.flow !== next.flow || held.session !== next.session || isCompatible(mode, held.mode)) return false;
      const isOwn = held.epoch === converts?.epoch && held.operation === converts.operation;
      return !(isOwn && held.session === session && held.flow === flow);
    }),
  );
}

function placedIn(locks: readonly ReportedLock[]): Placed[] {
  return locks.flatMap((one) => one.waits.map((waits) => ({ lock: one, wait: waits })));
}

/** Vertices that lead back to themselves. */
function inCircles(locks: readonly ReportedLock[]): ReportedWait[] {
  const vertices = placedIn(locks).filter((placed) => isVertex(placed.wait));
  return vertices.flatMap((start) => {
    const reached = new Set<Placed>();
    const next = [start];
    for (const one of next) {
      for (const other of vertices) {
        if (reached.has(other) || !holdsUp(other.wait, one)) continue;
        reached.add(other);
        next.push(other);
      }
    }
    return reached.has(start) ? [start.wait] : [];
  });
}

function without(locks: readonly ReportedLock[], ended: ReadonlySet<ReportedWait>): ReportedLock[] {
  return locks.map((one) => ({ ...one, waits: one.waits.filter((other) => !ended.has(other)) }));
}

const FLOWS = 6;
const someFlow = fc.integer({ min: 1, max: FLOWS });
const someLock = fc.record({
  grants: fc.array(fc.record({ flow: someFlow, mode: fc.constantFrom(...MODES) }), { maxLength: 3 }),
  converting: fc.array(fc.nat(2), { maxLength: 2 }),
  line: fc.array(
    fc.record({
      flow: fc.oneof(fc.constant(0), someFlow),
      mode: fc.constantFrom(...MODES),
      waitsMs: fc.constantFrom(100, 600, 700, 800, 900),
    }),
    { maxLength: 4 },
  ),
});

const someLocks = fc.array(someLock, { maxLength: 5 }).map((drawn) => {
  let operation = 0;
  return drawn.map(({ grants, converting, line }, partition): ReportedLock => {
    const held = grants.map(({ flow, mode }) => {
      operation += 1;
      return grant(flow, operation, mode);
    });
    const conversions = [...new Set(converting)].flatMap((index) => {
      const one = held[index];
      if (one === undefined) return [];
      operation += 1;
      const converts = { epoch: one.epoch, operation: one.operation };
      return wait(one.flow, 550 + operation, { operation, converts, sequence: operation });
    });
    const waits = line.map(({ flow, mode, waitsMs }) => {
      operation += 1;
      return wait(flow, waitsMs, { operation, mode, sequence: operation });
    });
    return lock(partition, held, [...conversions, ...waits]);
  });
});

test('any locks: each deadlock is one, its youngest wait ends, and none is left', (t) => {
  fc.assert(
    fc.property(someLocks, (locks) => {
      const found = deadlocksIn(locks, AFTER_MS);
      const ended = new Set<ReportedWait>();
      for (const deadlock of found) {
        const waits = deadlock.map((step) => step.wait);
        const [victim] = waits as [ReportedWait];
        t.true(waits.every((one) => one.waitsMs >= victim.waitsMs));
        t.false(waits.some((one) => ended.has(one)));
        const left = without(locks, ended);
        deadlock.forEach((step, index) => {
          const one = left.find(({ partition }) => partition === step.lock.partition) as ReportedLock;
          t.true(holdsUp(waits[(index + 1) % waits.length] as ReportedWait, { lock: one, wait: step.wait }));
        });
        ended.add(victim);
      }
      t.deepEqual(inCircles(without(locks, ended)), []);
      t.is(found.length > 0, inCircles(locks).length > 0);
    }),
    { numRuns: 2000 },
  );
});

test('any two rounds: what is found in both is a deadlock in each', (t) => {
  fc.assert(
    fc.property(someLocks, fc.func(fc.boolean()), (locks, stays) => {
      const second = locks.map((one) => ({
        ...one,
        waits: one.waits.filter(({ operation }) => stays(operation)),
        grants: one.grants.map((held) =>
          stays(-held.operation) ? held : { ...held, operation: held.operation + 1000 },
        ),
      }));
      for (const deadlock of deadlocksIn(agreed(locks, second), AFTER_MS)) {
        for (const round of [locks, second]) {
          deadlock.forEach((step, index) => {
            const next = deadlock[(index + 1) % deadlock.length]?.wait as ReportedWait;
            const one = round.find(({ partition }) => partition === step.lock.partition) as ReportedLock;
            t.true(holdsUp(next, { lock: one, wait: step.wait }));
          });
        }
      }
    }),
    { numRuns: 1000 },
  );
});
