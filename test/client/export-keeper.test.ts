import test from 'ava';
import { ExportKeeper, KEEPS_MAX } from '../../src/client/export-keeper.ts';

class ManualTimers {
  #run: (() => void) | null = null;

  after(_ms: number, run: () => void): { cancel(): void } {
    this.#run = run;
    return { cancel: () => (this.#run = null) };
  }

  /** False: nobody waits. */
  pass(): boolean {
    const run = this.#run;
    this.#run = null;
    run?.();
    return run !== null;
  }
}

test('the node is asked again and again until the next page is wanted', (t) => {
  const timers = new ManualTimers();
  let asked = 0;
  const keeper = new ExportKeeper(timers, async () => (asked += 1));
  t.true(timers.pass() && timers.pass());
  keeper.stop();
  t.false(timers.pass());
  t.is(asked, 2);
});

test('a reader that never comes back is not waited for without end', (t) => {
  const timers = new ManualTimers();
  let asked = 0;
  new ExportKeeper(timers, async () => (asked += 1));
  while (timers.pass());
  t.is(asked, KEEPS_MAX);
});

test('an export that is gone is not asked about any more', async (t) => {
  const timers = new ManualTimers();
  new ExportKeeper(timers, () => Promise.reject(new Error('gone')));
  t.true(timers.pass());
  await Promise.resolve();
  t.false(timers.pass());
});
