import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { KeyvalError } from '../../src/errors.ts';
import { Stages } from '../../src/node/stages.ts';
import { VALUE_BYTES_MAX } from '../../src/protocol/limits.ts';
import { stage } from '../helpers/bodies.ts';

function newStages(limit = 4, reserve: (bytes: number) => boolean = () => true): Stages {
  return new Stages(limit, reserve);
}

/** Hands over one piece, in the middle of other bytes. */
function piece(stages: Stages, number: number, total: number, offset: number, bytes: Uint8Array): boolean {
  const framed = Buffer.concat([Buffer.from('...'), stage(number, total, offset, bytes), Buffer.from('.')]);
  return stages.receive(framed, 3, framed.length - 1);
}

function refuses(t: ExecutionContext, code: KeyvalError['code'], run: () => unknown): void {
  t.is(t.throws<KeyvalError>(run)?.code, code);
}

test('pieces in order make a value, which is taken once', (t) => {
  const stages = newStages();
  t.false(piece(stages, 9, 8, 0, Buffer.from('one')));
  t.is(stages.take(9), null);
  t.false(piece(stages, 9, 8, 3, Buffer.from('two')));
  t.true(piece(stages, 9, 8, 6, Buffer.from('34')));
  t.is(Buffer.from(stages.take(9) as Uint8Array).toString(), 'onetwo34');
  t.is(stages.take(9), null);
});

test('what is announced counts, until it is taken or dropped', (t) => {
  const stages = newStages();
  piece(stages, 1, 100, 0, Buffer.alloc(10));
  piece(stages, 2, 50, 0, Buffer.alloc(50));
  t.is(stages.bytes, 150);
  stages.take(2);
  t.is(stages.bytes, 100);
  stages.drop(1);
  stages.drop(1);
  t.is(stages.bytes, 0);
  piece(stages, 1, 100, 0, Buffer.alloc(10));
  stages.clear();
  t.is(stages.bytes, 0);
  t.is(stages.take(1), null);
});

test('a value that begins again takes the place of its former pieces', (t) => {
  const stages = newStages();
  piece(stages, 1, 100, 0, Buffer.alloc(10));
  t.true(piece(stages, 1, 3, 0, Buffer.from('new')));
  t.is(stages.bytes, 3);
  t.is(Buffer.from(stages.take(1) as Uint8Array).toString(), 'new');
});

test('an empty value is whole at once', (t) => {
  const stages = newStages();
  t.true(piece(stages, 1, 0, 0, Buffer.alloc(0)));
  t.is(stages.take(1)?.length, 0);
});

test('pieces that do not follow each other are refused', (t) => {
  const stages = newStages();
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 1, 8, 3, Buffer.from('x')));
  piece(stages, 1, 8, 0, Buffer.from('one'));
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 1, 8, 4, Buffer.from('x')));
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 1, 8, 2, Buffer.from('x')));
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 1, 9, 3, Buffer.from('x')));
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 1, 8, 3, Buffer.alloc(6)));
  refuses(t, 'KV_BAD_REQUEST', () => piece(stages, 2, 8, 3, Buffer.from('x')));
  t.true(piece(stages, 1, 8, 3, Buffer.alloc(5)));
});

test('a body that is cut is refused', (t) => {
  const bytes = stage(1, 8, 0, Buffer.alloc(8));
  for (let end = 0; end < 12; end += 1) refuses(t, 'KV_BAD_REQUEST', () => newStages().receive(bytes, 0, end));
});

test('a value that is too large is refused before anything is allocated', (t) => {
  const stages = newStages(4, () => t.fail() as never);
  for (const total of [VALUE_BYTES_MAX + 1, 2 ** 32 - 1]) {
    refuses(t, 'KV_TOO_LARGE', () => piece(stages, 1, total, 0, Buffer.alloc(1)));
  }
  t.is(stages.bytes, 0);
});

test('a value for which there is no room is refused, and asks for all of it', (t) => {
  const asked: number[] = [];
  const stages = newStages(4, (bytes) => {
    asked.push(bytes);
    return bytes <= 100;
  });
  refuses(t, 'KV_OUT_OF_MEMORY', () => piece(stages, 1, 101, 0, Buffer.alloc(1)));
  piece(stages, 1, 100, 0, Buffer.alloc(1));
  piece(stages, 1, 100, 1, Buffer.alloc(1));
  t.deepEqual(asked, [101, 100]);
});

test('so many values at a time and no more', (t) => {
  const stages = newStages(2);
  piece(stages, 1, 8, 0, Buffer.alloc(1));
  piece(stages, 2, 8, 0, Buffer.alloc(8));
  refuses(t, 'KV_OVERLOADED', () => piece(stages, 3, 8, 0, Buffer.alloc(1)));
  piece(stages, 1, 8, 0, Buffer.alloc(1));
  stages.take(2);
  t.notThrows(() => piece(stages, 3, 8, 0, Buffer.alloc(1)));
});

test('several values come together from any pieces', (t) => {
  const value = fc.uint8Array({ maxLength: 60 });
  const run = fc.property(
    fc.array(value, { minLength: 1, maxLength: 4 }),
    fc.infiniteStream(fc.nat(20)),
    (values, sizes) => {
      const stages = newStages();
      const received = values.map(() => 0);
      const whole = values.map(() => false);
      while (whole.includes(false)) {
        for (const [number, bytes] of values.entries()) {
          if (whole[number]) continue;
          const offset = received[number] as number;
          const end = Math.min(bytes.length, offset + 1 + (sizes.next().value as number));
          whole[number] = piece(stages, number, bytes.length, offset, bytes.subarray(offset, end));
          received[number] = end;
        }
      }
      for (const [number, bytes] of values.entries()) t.deepEqual([...(stages.take(number) as Uint8Array)], [...bytes]);
      t.is(stages.bytes, 0);
    },
  );
  fc.assert(run);
});

test('what does not grow is dropped, what grows is kept', (t) => {
  const stages = newStages();
  piece(stages, 1, 10, 0, Buffer.alloc(3));
  piece(stages, 2, 10, 0, Buffer.alloc(3));
  stages.dropIdle(1000, 500);
  stages.dropIdle(1500, 500);
  piece(stages, 2, 10, 3, Buffer.alloc(3));
  t.is(stages.bytes, 20, 'neither is late yet');
  stages.dropIdle(1501, 500);
  t.is(stages.bytes, 10);
  t.true(piece(stages, 2, 10, 6, Buffer.alloc(4)), 'the other one goes on');
  stages.dropIdle(1600, 500);
  stages.dropIdle(2101, 500);
  t.is(stages.take(2), null, 'a whole one that nothing names is dropped, too');
});
