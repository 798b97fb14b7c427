/** L14: which losses of locks a partition remembers. */
import test from 'ava';
import { LOSS_KEY_BYTES_MAX, LOSS_TEXT_MAX, LOSSES_MAX, type Loss, LossCause, Losses } from '../../src/lock/losses.ts';

function loss(key: string, atMs: number, rest: Partial<Loss> = {}): Loss {
  return {
    cause: LossCause.expired,
    atMs,
    key: Buffer.from(key),
    keyLength: Buffer.byteLength(key),
    epoch: 9,
    operation: atMs,
    mode: 5,
    flow: 0,
    sinceMs: 0,
    delayMs: 0,
    session: 'aa'.repeat(16),
    name: 'host:1',
    label: '',
    by: '',
    ...rest,
  };
}

function times(losses: Iterable<Loss>): number[] {
  return [...losses].map(({ atMs }) => atMs);
}

test('those of a key, newest first', (t) => {
  const losses = new Losses();
  for (const [at, key] of ['a', 'b', 'a', 'ab'].entries()) losses.add(loss(key, at + 1));
  t.deepEqual(times(losses.of(Buffer.from('a'))), [3, 1]);
  t.deepEqual(times(losses.of(Buffer.from('c'))), []);
});

test('so many are remembered, and it is known from when on all are', (t) => {
  const losses = new Losses();
  losses.sinceMs = 1;
  for (let at = 1; at <= LOSSES_MAX + 10; at += 1) losses.add(loss('k', at * 100));
  t.is(losses.added, LOSSES_MAX + 10);
  t.is(losses.sinceMs, 1000);
  t.deepEqual(times(losses.from(0)).slice(0, 2), [1100, 1200]);
  t.deepEqual(times(losses.from(LOSSES_MAX + 8)), [(LOSSES_MAX + 9) * 100, (LOSSES_MAX + 10) * 100]);
  t.is(losses.of(Buffer.from('k')).length, LOSSES_MAX);
});

test('texts are cut, whole characters stay', (t) => {
  const losses = new Losses();
  const long = `${'x'.repeat(LOSS_TEXT_MAX - 1)}😀`;
  const key = 'k'.repeat(1000);
  losses.add(loss(key, 1, { name: long, label: long, by: long }));
  const [kept] = losses.from(0);
  t.is(kept?.key.length, LOSS_KEY_BYTES_MAX);
  t.is(kept?.keyLength, 1000);
  for (const text of [kept?.name, kept?.label, kept?.by]) t.true(text?.isWellFormed());
  t.is(losses.of(Buffer.from(key)).length, 1);
  t.is(losses.of(Buffer.from('k'.repeat(999))).length, 0, 'another length is another key');
});

test('what another replica remembers is put back as it was', (t) => {
  for (const count of [0, 3, LOSSES_MAX, LOSSES_MAX + 5]) {
    const losses = new Losses();
    for (let at = 1; at <= count; at += 1) losses.add(loss('k', at));
    const copy = new Losses();
    copy.restore(losses.added, losses.sinceMs, [...losses.from(0)]);
    for (const one of [losses, copy]) one.add(loss('more', 1000));
    t.deepEqual([...copy.from(0)], [...losses.from(0)]);
    t.is(copy.sinceMs, losses.sinceMs);
  }
});
