/** The keys of a partition against a map, whatever is asked of it and whenever its backup answers. */
import test from 'ava';
import fc from 'fast-check';
import { revisionText } from './support/caller.ts';
import { EPOCH, PartitionWorld } from './support/partition.ts';
import { TestSession } from './support/session.ts';

interface Value {
  readonly value: string;
  readonly revision: string;
}

const ABSENT = '0.0';
const INT64_MAX = 2n ** 63n - 1n;

interface Command {
  readonly act: 'put' | 'cas' | 'casStale' | 'casAbsent' | 'delete' | 'deleteIf' | 'increment' | 'settle';
  readonly key: string;
  readonly value: string;
  readonly by: bigint;
}

/** What a map would answer; the operation numbers of its revisions count every entry. */
class Model {
  readonly values: Map<string, Value> = new Map();

  revision(key: string): string {
    return this.values.get(key)?.revision ?? ABSENT;
  }

  put(key: string, value: string, revision: string): string {
    this.values.set(key, { value, revision });
    return `DONE applied ${revision}`;
  }

  delete(key: string, revision: string): string {
    return `DONE applied ${this.values.delete(key) ? revision : ABSENT}`;
  }

  increment(key: string, by: bigint, revision: string): string {
    const text = this.values.get(key)?.value ?? '0';
    const isNumber = /^(0|-?[1-9]\d{0,18})$/.test(text);
    const sum = isNumber ? BigInt(text) + by : 0n;
    if (!isNumber || sum > INT64_MAX || sum < -INT64_MAX - 1n) return 'FAIL KV_NOT_INTEGER';
    this.put(key, `${sum}`, revision);
    return `DONE applied ${revision} = ${sum}`;
  }
}

/** Conditions name what the model holds: everything asked before has its effect before. */
class Run {
  readonly #world: PartitionWorld;
  readonly #session: TestSession;
  readonly #model: Model = new Model();
  readonly #expected: string[] = [];
  readonly #read: string[] = [];

  constructor(backups: number) {
    this.#world = new PartitionWorld({ backups });
    this.#session = new TestSession(this.#world);
  }

  take(command: Command): void {
    if (command.act === 'settle') return this.settle();
    const { next } = this.#world.primary.log;
    // The entry that this command appends, if it appends one.
    const revision = revisionText((BigInt(EPOCH) << 32n) | BigInt(next + 1));
    this.#expected.push(`${this.#session.messageId + 1} ${this.#expect(command, revision)}`);
    this.#read.push(...this.#ask(command));
  }

  #ask({ act, key, value, by }: Command): string[] {
    const session = this.#session;
    const revision = this.#asked;
    if (act === 'put') return session.put(key, value);
    if (act === 'delete') return session.del(key);
    if (act === 'deleteIf') return session.del(key, { flags: 1, revision });
    if (act === 'increment') return session.incr(key, by);
    return session.cas(key, revision, value);
  }

  /** The revision that the condition of the present command names. */
  #asked = ABSENT;

  #expect({ act, key, value, by }: Command, revision: string): string {
    const model = this.#model;
    const present = model.revision(key);
    this.#asked = act === 'casStale' ? `${EPOCH}.1` : act === 'casAbsent' ? ABSENT : present;
    if (act === 'put') return model.put(key, value, revision);
    if (act === 'delete') return model.delete(key, revision);
    if (act === 'increment') return model.increment(key, by, revision);
    if (this.#asked !== present) return `DONE refused ${present}`;
    return act === 'deleteIf' ? model.delete(key, revision) : model.put(key, value, revision);
  }

  settle(): void {
    this.#world.settle();
    this.#read.push(...this.#session.read());
  }

  /** Replies in the order of their requests, those expected, and what can be read. */
  result(): { read: string[]; expected: string[]; found: string[]; held: string[] } {
    this.settle();
    const byMessage = (one: string, other: string): number => Number.parseInt(one, 10) - Number.parseInt(other, 10);
    const keys = [...this.#model.values.keys()];
    const found = keys.map((key) => this.#session.get(key).join().replace(/^\d+ /, ''));
    const held = [...this.#model.values.values()].map(({ value, revision }) => `GOTK '${value}' ${revision}`);
    return { read: this.#read.sort(byMessage), expected: this.#expected, found, held };
  }
}

const acts = ['put', 'put', 'cas', 'casStale', 'casAbsent', 'delete', 'deleteIf', 'increment', 'increment', 'settle'];
const command = fc.record({
  act: fc.constantFrom(...(acts as Command['act'][])),
  key: fc.constantFrom('a', 'b', 'number', 'd'.repeat(2000)),
  value: fc.oneof(
    fc.constantFrom('', '7', '-3', '007', '9223372036854775807', ' 1'),
    fc.stringMatching(/^[a-z]{0,40}$/),
  ),
  by: fc.oneof(fc.bigInt({ min: -5n, max: 5n }), fc.constantFrom(INT64_MAX, -INT64_MAX - 1n)),
});

for (const backups of [0, 1, 2]) {
  test(`answers and holds what a map would, with ${backups} backups`, (t) => {
    const property = fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const run = new Run(backups);
      for (const each of commands) run.take(each);
      const { read, expected, found, held } = run.result();
      t.deepEqual(read, expected);
      t.deepEqual(found, held);
    });
    fc.assert(property, { numRuns: 80 });
  });
}
