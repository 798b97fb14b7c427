// L12: when a client tries again that was sent away.
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import type { ClientPorts } from '../../src/client/node-link.ts';
import { Operation } from '../../src/client/operation.ts';
import { Waiting } from '../../src/client/waiting.ts';
import * as op from '../../src/protocol/opcode.ts';
import { ManualTime } from '../../tools/fuzz/world/manual-time.ts';

/** As waiting.ts has them. */
const BASE_MS = 5;
const CAP_MS = 200;
const FAILOVER_CAP_MS = 100;
const CLIENTS = 100;

/** The delays before the attempts of a request that is always sent away. */
function delaysOf(seed: number, attempts: number, afterFailure: boolean): number[] {
  const time = new ManualTime();
  const random = new Prng(seed);
  const delays: number[] = [];
  let sentAwayMs = 0;
  const again = (operation: Operation): void => {
    delays.push(time.monotonicMs() - sentAwayMs);
    if (delays.length === attempts) return;
    sentAwayMs = time.monotonicMs();
    waiting.retryLater(operation);
  };
  const waiting = new Waiting({ clock: time, timers: time, random } as unknown as ClientPorts, again);
  if (afterFailure) waiting.failureSeen();
  const ignore = (): void => undefined;
  waiting.retryLater(new Operation(op.LCKK, 'hot', null, Number.POSITIVE_INFINITY, ignore, ignore));
  time.advance(attempts * CAP_MS);
  return delays;
}

function delaysOfAll(attempts: number, afterFailure = false): number[][] {
  return Array.from({ length: CLIENTS }, (_, client) => delaysOf(client + 1, attempts, afterFailure));
}

const mean = (delays: readonly number[]): number => delays.reduce((sum, delay) => sum + delay, 0) / delays.length;

test('L12: delays grow from attempt to attempt, up to a cap', (t) => {
  const all = delaysOfAll(20);
  for (const delays of all) {
    t.is(delays.length, 20);
    for (const [at, delay] of delays.entries()) {
      const before = at === 0 ? BASE_MS : (delays[at - 1] as number);
      t.true(delay >= BASE_MS && delay <= Math.min(CAP_MS, 3 * before), delays.join(' '));
    }
  }
  const first = mean(all.map((delays) => delays[1] as number));
  const last = mean(all.map((delays) => delays.at(-1) as number));
  t.true(last > 3 * first, `${first} ms, then ${last} ms`);
});

test('L12: clients that were sent away together do not come back together', (t) => {
  for (const attempt of [5, 10, 15]) {
    const times = delaysOfAll(attempt).map((delays) => delays.reduce((sum, delay) => sum + delay, 0));
    t.true(new Set(times).size > CLIENTS / 2, `attempt ${attempt}: ${times.join(' ')}`);
  }
});

test('L12: for a while after a failure attempts stand closer together', (t) => {
  const highest = Math.max(...delaysOfAll(15, true).flat());
  t.true(highest <= FAILOVER_CAP_MS, `${highest} ms`);
  t.true(Math.max(...delaysOfAll(15).flat()) > FAILOVER_CAP_MS);
});
