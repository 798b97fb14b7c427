/** `--concurrency 1`: of the lines of a key the last one wins, whatever takes long or is tried again. */
import test from 'ava';
import type { LineChunk } from '../../../src/cli/bulk/line-chunks.ts';
import { OrderedLoader } from '../../../src/cli/bulk/ordered-loader.ts';
import { type Code, KeyvalError } from '../../../src/errors.ts';

function chunkOf(lines: readonly string[]): LineChunk {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return { text, firstLine: 11, lines: lines.length, end: text.length, long: false };
}

const row = (key: string, value: string): string => JSON.stringify({ key, value });

/** Stores what it gets, or refuses it, some turns later. */
class Store {
  readonly values: Map<string, string> = new Map();
  underWayMax = 0;
  #underWay = 0;
  readonly #answer: (value: string, attempt: number) => { readonly turns: number; readonly code?: Code };
  readonly #attempts: Map<string, number> = new Map();

  constructor(answer: (value: string, attempt: number) => { readonly turns: number; readonly code?: Code }) {
    this.#answer = answer;
  }

  async put(key: unknown, bytes: Uint8Array): Promise<bigint> {
    const value = Buffer.from(bytes).toString();
    const attempt = (this.#attempts.get(value) ?? 0) + 1;
    this.#attempts.set(value, attempt);
    this.#underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    const { turns, code } = this.#answer(value, attempt);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    this.#underWay -= 1;
    if (code !== undefined) throw new KeyvalError(code, `refused ${value}`);
    this.values.set(Buffer.from(key as Uint8Array).toString(), value);
    return 1n;
  }

  loader(retryForMs = 60_000): OrderedLoader {
    return new OrderedLoader(this, { timeoutMs: 1000, retryForMs, signal: new AbortController().signal });
  }
}

test('a row that takes long, or is tried again, is not overtaken; other keys go on', async (t) => {
  const store = new Store((value, attempt) => {
    if (value === 'again' && attempt < 3) return { turns: 1, code: 'KV_OVERLOADED' };
    return { turns: value === 'long' ? 5000 : 40 };
  });
  const others = Array.from({ length: 1000 }, (_, at) => row(`k${at}`, `${at}`));
  const lines = [row('a', 'long'), row('b', 'again'), ...others, row('a', 'last a'), row('b', 'last b')];
  t.deepEqual(await store.loader().load(chunkOf(lines)), { rows: 1004, failures: [] });
  t.is(store.values.get('a'), 'last a');
  t.is(store.values.get('b'), 'last b');
  t.is(store.values.size, 1002);
  t.true(store.underWayMax > 10 && store.underWayMax <= 128);
});

test('wrong lines are told in order; what is wrong with the cluster ends it', async (t) => {
  const store = new Store((value) => (value === 'bad' ? { turns: 1, code: 'KV_TOO_LARGE' } : { turns: 1 }));
  const { rows, failures } = await store
    .loader()
    .load(chunkOf([row('a', '1'), row('b', 'bad'), 'nonsense', row('c', '2')]));
  t.is(rows, 2);
  t.deepEqual(
    failures.map(({ line, code }) => [line, code]),
    [
      [12, 'KV_TOO_LARGE'],
      [13, 'KV_BAD_REQUEST'],
    ],
  );
  const restarted = new Store(() => ({ turns: 1, code: 'KV_RESTARTED' }));
  await t.throwsAsync(restarted.loader().load(chunkOf([row('a', '1')])), { code: 'KV_RESTARTED' });
  const away = new Store(() => ({ turns: 1, code: 'KV_AMBIGUOUS' }));
  await t.throwsAsync(away.loader(1).load(chunkOf([row('a', '1')])), {
    code: 'KV_AMBIGUOUS',
    message:
      /^line 11: refused 1; tried for --retry-for, .*they may be stored or not, and storing them again does no harm/,
  });
});
