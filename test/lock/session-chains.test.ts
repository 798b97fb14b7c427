/** Requests of sessions, in order and by sequence; against plain arrays. */
import test from 'ava';
import fc from 'fast-check';
import { INDEXED_MIN, SessionChains } from '../../src/lock/session-chains.ts';

const NONE = -1;
const MANY = 20_000;

/** Chains that count how often they look at a request. */
class Counted {
  readonly sequences: number[] = [];
  looks = 0;
  readonly chains: SessionChains = new SessionChains((request) => {
    this.looks += 1;
    return this.sequences[request] as number;
  });

  append(attachment: number, request: number, sequence: number): void {
    this.sequences[request] = sequence;
    this.chains.append(attachment, request);
  }

  renumber(attachment: number, request: number, sequence: number): void {
    this.chains.leaves(attachment, request);
    this.sequences[request] = sequence;
    this.chains.enters(attachment, request);
  }
}

test('L12: of a session with many requests none is looked at but the one that is looked for', (t) => {
  const counted = new Counted();
  const { chains } = counted;
  for (let request = 0; request < MANY; request += 1) counted.append(3, request, request + 7);
  t.is(chains.find(3, 7), 0);
  counted.looks = 0;
  for (let request = 0; request < MANY; request += 100) t.is(chains.find(3, request + 7), request);
  t.is(chains.find(3, 6), NONE);
  t.is(chains.findAfter(3, 0, 7), NONE);
  t.is(counted.looks, 0);
  for (let request = 0; request < MANY; request += 1) chains.remove(3, request);
  t.is(chains.bytes, 0, 'and nothing of it stays');
});

test('who has few has no index', (t) => {
  const counted = new Counted();
  for (let request = 0; request < INDEXED_MIN; request += 1) counted.append(0, request, request);
  t.is(counted.chains.find(0, INDEXED_MIN - 1), INDEXED_MIN - 1);
  t.is(counted.chains.bytes, 0);
});

test('what is found is the same with an index and without, also of two under one sequence', (t) => {
  const SESSIONS = 2;
  const step = fc.record({
    act: fc.constantFrom('append', 'append', 'append', 'remove', 'renumber'),
    session: fc.nat(SESSIONS - 1),
    at: fc.nat(200),
    sequence: fc.oneof({ weight: 50, arbitrary: fc.integer() }, { weight: 1, arbitrary: fc.constant(5) }),
    repeat: fc.integer({ min: 1, max: 30 }),
    looks: fc.boolean(),
  });
  let indexed = 0;
  const run = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const counted = new Counted();
    const { chains } = counted;
    const model: number[][] = [[], []];
    let next = 0;
    for (const { act, session, at, sequence, repeat, looks } of steps) {
      const list = model[session] as number[];
      for (let time = 0; time < repeat; time += 1) {
        const request = list[(at + time) % Math.max(1, list.length)];
        if (act === 'append') {
          counted.append(session, next, sequence + time);
          list.push(next);
          next += 1;
        } else if (request !== undefined && act === 'renumber') counted.renumber(session, request, sequence + time);
        else if (request !== undefined) {
          chains.remove(session, request);
          list.splice(list.indexOf(request), 1);
        }
      }
      if (!looks) continue;
      for (const request of [...list, NONE]) {
        const wanted = request === NONE ? 12_345.5 : (counted.sequences[request] as number);
        const found = list.filter((one) => counted.sequences[one] === wanted);
        let one = chains.find(session, wanted);
        for (const other of [...found, NONE]) {
          if (one !== other) throw new Error(`${one} under ${wanted} instead of ${other}`);
          if (one !== NONE) one = chains.findAfter(session, one, wanted);
        }
      }
      if (chains.indexOf(session) !== null) indexed += 1;
    }
  });
  fc.assert(run, { numRuns: 100 });
  t.true(indexed > 50, `${indexed}`);
});
