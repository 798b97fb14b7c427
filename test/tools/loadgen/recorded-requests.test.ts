/** The lines of a history, for every way a request can end. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Client, type Code, KeyvalError, type Lock } from '../../../src/index.ts';
import { HistoryWriter } from '../../../tools/loadgen/history-writer.ts';
import { RecordedRequests } from '../../../tools/loadgen/recorded-requests.ts';

/** A client whose every request ends as the test says. */
function clientThat(ends: () => unknown): Client {
  const request = async (): Promise<unknown> => ends();
  return {
    getEntry: request,
    put: request,
    delete: request,
    cas: request,
    incr: request,
    lock: request,
    tryLock: request,
  } as unknown as Client;
}

function failsWith(code: Code): () => never {
  return () => {
    throw new KeyvalError(code, 'a test');
  };
}

/** The lines that `act` leaves, without stamps. */
async function linesOf(ends: () => unknown, act: (requests: RecordedRequests) => Promise<unknown>): Promise<unknown[]> {
  const folder = mkdtempSync(join(tmpdir(), 'loadgen-'));
  const path = join(folder, 'history');
  const history = new HistoryWriter({ path, nowNs: () => 1, writer: 2, writers: 3 });
  const options = { client: clientThat(ends), history, owner: '0.1', valueBytes: 4 };
  await act(new RecordedRequests(options)).catch((error) => {
    if (!(error instanceof KeyvalError)) throw error;
  });
  history.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  return lines.map((line) => {
    const { ts, ...rest } = JSON.parse(line);
    return ts === 1 ? rest : { ts, ...rest };
  });
}

const call = { t: 'call', id: 2, p: '0.1', k: 'a' };
const ret = { t: 'ret', id: 2, r: 'ok' };
const lock = { key: 'a', token: 9n, release: async () => undefined } as unknown as Lock;

test('answers', async (t) => {
  const entry = { value: '1.2~', revision: 5n, ttlMs: null };
  t.deepEqual(
    await linesOf(
      () => entry,
      (requests) => requests.get('a'),
    ),
    [
      { ...call, f: 'get', lvl: 'lin', a: {} },
      { ...ret, o: { v: '1.2', ver: '5' } },
    ],
  );
  t.deepEqual(
    (
      await linesOf(
        () => null,
        (requests) => requests.getEntry('a'),
      )
    )[1],
    { ...ret, o: { v: null } },
  );
  t.deepEqual(
    await linesOf(
      () => 6n,
      (requests) => requests.put('a', '1.3~'),
    ),
    [
      { ...call, f: 'put', a: { v: '1.3' } },
      { ...ret, o: { ver: '6' } },
    ],
  );
  t.deepEqual(
    await linesOf(
      () => true,
      (requests) => requests.delete('a'),
    ),
    [
      { ...call, f: 'del', a: {} },
      { ...ret, o: { found: true } },
    ],
  );
  t.deepEqual(
    await linesOf(
      () => 3n,
      (requests) => requests.incr('a'),
    ),
    [
      { ...call, f: 'incr', a: {} },
      { ...ret, o: { v: '3' } },
    ],
  );
});

test('a refused condition is an answer', async (t) => {
  const refused = { ok: false, revision: 0n };
  t.deepEqual(
    await linesOf(
      () => refused,
      (requests) => requests.cas('a', 5n, '1.4~'),
    ),
    [
      { ...call, f: 'cas', a: { ver: '5', to: '1.4' } },
      { ...ret, o: { ok: false, ver: '0' } },
    ],
  );
  const notGranted = { ...ret, o: { got: false } };
  t.deepEqual(
    (
      await linesOf(
        () => null,
        (requests) => requests.tryLock('a'),
      )
    )[1],
    notGranted,
  );
  t.deepEqual((await linesOf(failsWith('KV_LOCK_BUSY'), (requests) => requests.lock('a')))[1], notGranted);
  const notHeld = { ...lock, release: async () => failsWith('KV_NOT_HELD')() } as unknown as Lock;
  t.deepEqual(
    (
      await linesOf(
        () => null,
        (requests) => requests.release(notHeld),
      )
    )[1],
    { ...ret, o: { ok: false } },
  );
});

test('locks belong to the loop', async (t) => {
  t.deepEqual(
    await linesOf(
      () => lock,
      (requests) => requests.lock('a'),
    ),
    [
      { ...call, f: 'acquire', a: { s: '0.1' } },
      { ...ret, o: { got: true, token: '9' } },
    ],
  );
  t.deepEqual(
    await linesOf(
      () => null,
      (requests) => requests.release(lock),
    ),
    [
      { ...call, f: 'release', a: { s: '0.1', token: '9' } },
      { ...ret, o: { ok: true } },
    ],
  );
  t.deepEqual(
    await linesOf(
      () => null,
      async (requests) => requests.leave(),
    ),
    [{ t: 'call', id: 2, p: '0.1', f: 'close', a: { s: '0.1' } }],
  );
});

test('errors: fail only where the code promises that nothing was done', async (t) => {
  const put = (requests: RecordedRequests): Promise<unknown> => requests.put('a', '1.5~');
  t.like((await linesOf(failsWith('KV_NO_QUORUM'), put))[1], { r: 'fail', o: {} });
  t.like((await linesOf(failsWith('KV_AMBIGUOUS'), put))[1], { r: 'unknown', o: {} });
  t.like((await linesOf(failsWith('KV_LOCK_LOST'), (requests) => requests.lock('a')))[1], { r: 'unknown' });
});
