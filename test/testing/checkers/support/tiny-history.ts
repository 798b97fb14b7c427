/** Random histories of a few operations on one key, so dense that most of what can go wrong does. */

import fc from 'fast-check';
import type { Written } from './lines.ts';

const time = fc.integer({ min: 0, max: 12 });
const value = fc.constantFrom('a', 'b', 'c', '1', '2');
const valueOrAbsent = fc.option(value, { nil: null });
const version = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 2 });
const flag = fc.boolean();
const ttl = fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 1 });

type Said = Pick<Written, 'f' | 'a' | 'o'>;

const get: fc.Arbitrary<Said> = fc
  .record({ v: valueOrAbsent, ver: version })
  .map(({ v, ver }) => ({ f: 'get', o: { v, ver: v === null && ver !== undefined ? 0 : ver } }));

const put: fc.Arbitrary<Said> = fc
  .record({ v: value, ver: version, ttl })
  .map(({ v, ver, ttl }) => ({ f: 'put', a: { v, ttl }, o: { ver } }));

const del: fc.Arbitrary<Said> = fc
  .record({ found: fc.option(flag, { nil: undefined }), ver: version })
  .map((o) => ({ f: 'del', o }));

const cas: fc.Arbitrary<Said> = fc
  .record({ from: valueOrAbsent, to: value, ok: flag, ver: version, v: fc.option(valueOrAbsent, { nil: undefined }) })
  .map(({ from, to, ok, ver, v }) => ({ f: 'cas', a: { from, to }, o: ok ? { ok, ver } : { ok, ver, v } }));

const casVersion: fc.Arbitrary<Said> = fc
  .record({ demanded: fc.integer({ min: 0, max: 4 }), to: value, ok: flag, ver: version })
  .map(({ demanded, to, ok, ver }) => ({ f: 'cas', a: { ver: demanded, to }, o: { ok, ver } }));

const incr: fc.Arbitrary<Said> = fc
  .record({ by: fc.integer({ min: -1, max: 2 }), v: fc.integer({ min: 0, max: 4 }), ver: version })
  .map(({ by, v, ver }) => ({ f: 'incr', a: { by }, o: { v, ver } }));

function operation(said: fc.Arbitrary<Said>): fc.Arbitrary<Written> {
  const outcome = fc.oneof(
    { arbitrary: fc.constant('ok' as const), weight: 8 },
    { arbitrary: fc.constant('unknown' as const), weight: 3 },
    { arbitrary: fc.constant('fail' as const), weight: 1 },
  );
  const client = fc.constantFrom('p', 'q', 'r');
  return fc
    .record({ said, call: time, length: time, r: outcome, p: client })
    .map(({ said, call, length, r, p }) => ({ ...said, call, ret: call + length, r, p }));
}

/** Versions are drawn only in some histories, since a random one is nearly always wrong. */
function withoutVersions(written: Written): Written {
  return { ...written, o: { ...written.o, ver: undefined } };
}

export const tinyHistory: fc.Arbitrary<readonly Written[]> = fc
  .record({
    operations: fc.oneof(
      fc.array(operation(fc.oneof(get, put)), { minLength: 2, maxLength: 6 }),
      fc.array(operation(fc.oneof(get, put, del)), { minLength: 2, maxLength: 6 }),
      fc.array(operation(fc.oneof(get, put, cas)), { minLength: 2, maxLength: 6 }),
      fc.array(operation(fc.oneof(get, incr)), { minLength: 2, maxLength: 6 }),
      fc.array(operation(fc.oneof(get, put, del, cas, casVersion, incr)), { minLength: 2, maxLength: 6 }),
    ),
    versions: flag,
  })
  .map(({ operations, versions }) => (versions ? operations : operations.map(withoutVersions)));

/** What the meta line allows. */
export const tinyMeta: fc.Arbitrary<object> = fc.record({
  late: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined, freq: 1 }),
  skew: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 1 }),
  init: fc.option(fc.record({ k: value }), { nil: undefined, freq: 1 }),
});
