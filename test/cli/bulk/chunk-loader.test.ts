/** Chunks that are stored in part: what is sent again, for how long, and what is told of wrong lines. */
import test from 'ava';
import { parseRows } from '../../../src/bulk/ndjson-rows.ts';
import { ChunkLoader } from '../../../src/cli/bulk/chunk-loader.ts';
import type { LineChunk } from '../../../src/cli/bulk/line-chunks.ts';
import type { LoadFailure, LoadResult } from '../../../src/client/bulk.ts';
import type { Code } from '../../../src/errors.ts';

const FIRST_LINE = 501;

function chunkOf(lines: readonly string[]): LineChunk {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return { text, firstLine: FIRST_LINE, lines: lines.length, end: 10_000 + text.length, long: false };
}

const row = (at: number): string => `{"key":"k${at}","value":"v"}`;
const rowsOf = (count: number): string[] => Array.from({ length: count }, (_, at) => row(at));

/** A cluster that refuses rows as it is told to. */
class Cluster {
  readonly stored: Set<string> = new Set();
  loads = 0;
  readonly #refuses: (key: number, load: number) => Code | null;

  constructor(refuses: (key: number, load: number) => Code | null) {
    this.#refuses = refuses;
  }

  load(text: string | Uint8Array): Promise<LoadResult> {
    this.loads += 1;
    const lines = Buffer.from(text as Uint8Array)
      .toString()
      .trimEnd()
      .split('\n');
    const failures: LoadFailure[] = [...parseRows(Buffer.from(text as Uint8Array), 1, Number.POSITIVE_INFINITY).errors];
    lines.forEach((line, at) => {
      const key = /k(\d+)/.exec(line)?.[1];
      const code = key === undefined ? null : this.#refuses(Number(key), this.loads);
      if (code !== null) failures.push({ line: at + 1, code, message: 'refused' });
      else if (key !== undefined) this.stored.add(key);
    });
    const failed = failures.length;
    return Promise.resolve({ rows: lines.length - failed, failed, failures: failures.slice(0, 100) });
  }

  put(): never {
    throw new Error('no line is that long');
  }

  loader(retryForMs: number): ChunkLoader {
    return new ChunkLoader(this, { timeoutMs: 1000, retryForMs, signal: new AbortController().signal });
  }
}

test('part of a chunk that never passes: it is given up, after few attempts', async (t) => {
  const cluster = new Cluster((key) => (key % 2 === 1 ? 'KV_OUT_OF_MEMORY' : null));
  const error = await t.throwsAsync(cluster.loader(200).load(chunkOf(rowsOf(300))), { code: 'KV_OUT_OF_MEMORY' });
  t.regex(error?.message ?? '', /refused; tried for --retry-for, then given up/);
  t.is(cluster.stored.size, 150);
  t.true(cluster.loads < 30, `${cluster.loads}`);
});

test('what passes is stored, however many rows failed first', async (t) => {
  const cluster = new Cluster((key, load) => (key < 250 && load < 6 ? 'KV_OVERLOADED' : null));
  const outcome = await cluster.loader(60_000).load(chunkOf(rowsOf(300)));
  t.deepEqual(outcome, { rows: 300, failures: [] });
  t.is(cluster.stored.size, 300);
});

test('wrong lines are told by their number in the file, in order, however many there are', async (t) => {
  const lines = rowsOf(500);
  for (let at = 0; at < 500; at += 2) lines[at] = 'wrong';
  const cluster = new Cluster((key) => (key === 499 ? 'KV_BAD_KEY' : null));
  const { rows, failures } = await cluster.loader(60_000).load(chunkOf(lines));
  t.is(rows, 249);
  t.is(cluster.stored.size, 249);
  const wanted = [...Array.from({ length: 250 }, (_, at) => FIRST_LINE + at * 2), FIRST_LINE + 499];
  t.deepEqual(
    failures.map(({ line }) => line),
    wanted,
  );
  t.is(failures.at(-1)?.code, 'KV_BAD_KEY');
});

test('an answer that does not tell all its failures is not taken for success', async (t) => {
  const silent = { load: () => Promise.resolve({ rows: 0, failed: 1, failures: [] }), put: () => Promise.reject() };
  const loader = new ChunkLoader(silent, { timeoutMs: 1, retryForMs: 0, signal: new AbortController().signal });
  await t.throwsAsync(loader.load(chunkOf(rowsOf(1))), { code: 'KV_INTERNAL' });
});

test('a node that was restarted alone ends it at once', async (t) => {
  const restarted = new Cluster((key) => (key === 3 ? 'KV_RESTARTED' : null));
  await t.throwsAsync(restarted.loader(60_000).load(chunkOf(rowsOf(5))), { code: 'KV_RESTARTED', message: 'refused' });
  t.is(restarted.loads, 1);
  const failure: LoadFailure = { line: 1, code: 'KV_NO_QUORUM', message: 'partition 1: KV_RESTARTED: stop all nodes' };
  const told = {
    load: () => Promise.resolve({ rows: 0, failed: 1, failures: [failure] }),
    put: () => Promise.reject(),
  };
  const loader = new ChunkLoader(told, { timeoutMs: 1, retryForMs: 60_000, signal: new AbortController().signal });
  await t.throwsAsync(loader.load(chunkOf(rowsOf(1))), { code: 'KV_RESTARTED', message: /stop all nodes/ });
});

test('requests get no more time than is left, and many lines are not tried one portion after the other', async (t) => {
  const times: number[] = [];
  const away = {
    load: (text: string | Uint8Array, options?: { readonly timeoutMs?: number }): Promise<LoadResult> => {
      times.push(options?.timeoutMs ?? 0);
      const failed =
        Buffer.from(text as Uint8Array)
          .toString()
          .split('\n').length - 1;
      const failures = Array.from({ length: Math.min(100, failed) }, (_, at) => ({
        line: at + 1,
        code: at === 0 ? ('KV_DEADLINE' as const) : ('KV_NO_QUORUM' as const),
        message: 'refused',
      }));
      return new Promise((resolve) => setTimeout(resolve, 20, { rows: 0, failed, failures }));
    },
    put: () => Promise.reject(),
  };
  const loader = new ChunkLoader(away, { timeoutMs: 30_000, retryForMs: 30, signal: new AbortController().signal });
  await t.throwsAsync(loader.load(chunkOf(rowsOf(3000))), {
    code: 'KV_NO_QUORUM',
    message: /^lines 501 to 3500: refused/,
  });
  t.true(times.every((ms) => ms <= 1000));
  t.true(times.length <= 3, `${times.length}`);
});
