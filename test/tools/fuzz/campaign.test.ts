/** The fuzzer itself: coverage guides it, findings are made small, what hangs or is thrown late is found. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { Prng } from '../../../src/base/prng.ts';
import { Campaign } from '../../../tools/fuzz/engine/campaign.ts';
import type { Finding } from '../../../tools/fuzz/engine/finding.ts';
import { Tracer } from '../../../tools/fuzz/engine/tracer.ts';
import type { Target } from '../../../tools/fuzz/target.ts';
import { plantedTarget } from './planted.ts';

const tracer = new Tracer(new URL('../../../', import.meta.url).href);
tracer.start();
test.after.always(() => tracer.stop());

async function fuzzed(target: Target, inputsMax: number): Promise<{ findings: Finding[]; campaign: Campaign }> {
  const findings: Finding[] = [];
  const found = (finding: Finding): void => void findings.push(finding);
  const campaign = new Campaign({ target, tracer, prng: new Prng(1), seed: 1, found });
  await campaign.begin(target.seeds);
  while (campaign.tried < inputsMax && findings.length === 0) await campaign.step();
  return { findings, campaign };
}

const INPUTS_MAX = 400_000;

test.serial('a bug behind nested conditions is found by way of coverage, and its input is made small', async (t) => {
  const { findings, campaign } = await fuzzed(plantedTarget(['test/tools/fuzz/planted.ts']), INPUTS_MAX);
  t.is(findings.length, 1, `${campaign.tried} inputs`);
  const [finding] = findings as [Finding];
  t.regex(finding.message, /behind four doors/);
  t.is(finding.inputs.length, 1);
  const [input] = finding.inputs as [Uint8Array];
  t.is(input.length, 6);
  t.deepEqual([input[0], input[1], input[3]], [0x4b, 0xe9, 0x07]);
});

test.serial('without coverage the same number of inputs does not find it', async (t) => {
  const { findings, campaign } = await fuzzed(plantedTarget([]), INPUTS_MAX / 4);
  t.deepEqual(findings, []);
  t.is(campaign.corpus.length, 1);
});

/** Fails once three inputs of one life have begun with 1: what is found is a row of inputs. */
function countingTarget(): Target {
  let ones = 0;
  return {
    ...plantedTarget([]),
    inputsPerLife: 50,
    reset: () => {
      ones = 0;
    },
    run: (input) => {
      if (input[0] === 1) ones += 1;
      if (ones === 3) throw new Error('three of them');
      return undefined;
    },
  };
}

test.serial('a failure that takes several inputs is told with those, and no more', async (t) => {
  const { findings } = await fuzzed({ ...countingTarget(), seeds: [Uint8Array.of(1, 2, 3), Uint8Array.of(2)] }, 10_000);
  t.is(findings.length, 1);
  t.deepEqual(
    findings[0]?.inputs.map((input) => input[0]),
    [1, 1, 1],
  );
});

test.serial('a rejection that nobody handles is a finding of the input that caused it', async (t) => {
  const worker = new Worker(new URL('./escaping.ts', import.meta.url));
  const [culprits] = (await once(worker, 'message')) as [readonly (readonly number[])[]];
  t.deepEqual(culprits, [[0], [9]]);
});
