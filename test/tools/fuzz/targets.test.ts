/** Every target with its seeds and the committed corpus, and with some mutants that are always the same: nothing is found. */
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Prng } from '../../../src/base/prng.ts';
import { readHexLines } from '../../../tools/fuzz/engine/corpus.ts';
import { describeError } from '../../../tools/fuzz/engine/finding.ts';
import { Mutator } from '../../../tools/fuzz/engine/mutator.ts';
import { catchEscaped, Runner } from '../../../tools/fuzz/engine/runner.ts';
import { WORDS } from '../../../tools/fuzz/engine/words.ts';
import type { Target } from '../../../tools/fuzz/target.ts';
import { targetNames, targets } from '../../../tools/fuzz/targets/index.ts';

const MUTANTS = 400;

catchEscaped();

function committed(name: string): Uint8Array[] {
  return readHexLines(fileURLToPath(new URL(`corpus/${name}.hex`, import.meta.url)));
}

function mutants({ name, framesFrom, inputBytesMax, words }: Target, inputs: readonly Uint8Array[]): Uint8Array[] {
  const prng = new Prng(20_26).fork(name);
  const mutator = new Mutator({ prng, inputBytesMax, framesFrom, words: [...WORDS, ...words] });
  const any = (): Uint8Array => inputs[prng.below(inputs.length)] as Uint8Array;
  return Array.from({ length: MUTANTS }, () => {
    const made = new Uint8Array(inputBytesMax);
    return made.subarray(0, mutator.mutate(any(), any(), made, 0));
  });
}

for (const target of targets(targetNames)) {
  test.serial(target.name, async (t) => {
    const inputs = [...target.seeds, ...committed(target.name)];
    for (const some of [inputs, mutants(target, inputs)]) {
      const failure = await new Runner(target).run(some);
      if (failure === null) continue;
      t.log(failure.inputs.map((input) => Buffer.from(input).toString('hex')).join('\n'));
      t.fail(describeError(failure.error).stack);
    }
    t.true(inputs.length > 0);
  });
}
