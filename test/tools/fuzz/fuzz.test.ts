/** `npm run fuzz`: its options, its threads, and findings as files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { KeyvalError } from '../../../src/errors.ts';
import { type Finding, readFinding, writeFinding } from '../../../tools/fuzz/engine/finding.ts';
import { SharedMemory } from '../../../tools/fuzz/engine/shared-memory.ts';
import { type FuzzOptions, parseFuzzOptions } from '../../../tools/fuzz/options.ts';
import { findingText, reportText } from '../../../tools/fuzz/report.ts';
import { runFuzz } from '../../../tools/fuzz/supervisor.ts';
import { targetNames } from '../../../tools/fuzz/targets/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyval-fuzz-'));
test.after.always(() => rmSync(folder, { recursive: true }));

test('options that are not given have their defaults', async (t) => {
  const options = await parseFuzzOptions([], targetNames);
  t.like(options, { seconds: 60, targets: targetNames, workers: 1, corpus: '.cache/fuzz', json: false });
});

for (const [args, says] of [
  [['--target', 'nothing'], /--target is decoder, .*, not 'nothing'/],
  [['--seconds', '0'], /--seconds is a whole number/],
  [['--secnds', '5'], /did you mean --seconds\?/],
  [['surplus'], /unexpected argument 'surplus'/],
] as const) {
  test(`refused: ${args.join(' ')}`, async (t) => {
    const error = await t.throwsAsync(parseFuzzOptions(args, targetNames), { instanceOf: KeyvalError });
    t.regex((error as KeyvalError).message, says);
  });
}

test('a finding that was written is read again, and tells how to see it', (t) => {
  const inputs = [Uint8Array.of(1, 2), new Uint8Array(0)];
  const finding: Finding = {
    target: 'decoder',
    kind: 'exception',
    message: 'Error: x',
    stack: 'Error: x',
    seed: 1,
    inputs,
  };
  const file = writeFinding(folder, finding);
  const read = readFinding(file);
  t.deepEqual({ ...read, inputs: read.inputs.map((input) => new Uint8Array(input)) }, finding);
  t.true(findingText(file, finding).includes(`npm run fuzz -- --reproduce ${file}`));
});

test('what is no finding is refused', (t) => {
  t.throws(() => readFinding(join(folder, 'missing')), { instanceOf: KeyvalError });
});

test('the watching thread sees the inputs of the present life', (t) => {
  const worker = new SharedMemory();
  const watcher = new SharedMemory(worker.buffer);
  worker.target(3);
  worker.input(Uint8Array.of(1));
  worker.life();
  worker.input(Uint8Array.of(2, 3));
  worker.input(new Uint8Array(0));
  t.deepEqual([watcher.begun, watcher.targetIndex], [3, 3]);
  t.deepEqual(watcher.inputs(10), [Uint8Array.of(2, 3), new Uint8Array(0)]);
  t.deepEqual(watcher.inputs(1), [new Uint8Array(0)]);
});

test('a short run tries inputs and reaches code', async (t) => {
  const corpus = join(folder, 'corpus');
  const optionsFor = (seconds: number): FuzzOptions => ({
    seconds,
    targets: ['codecs'],
    seed: 5,
    corpus,
    workers: 1,
    json: false,
    reproduce: null,
    distil: null,
  });
  const silent = { figures: (): void => undefined, finding: (): void => undefined };
  let report = await runFuzz(optionsFor(1), silent);
  if (report.tried <= 100) report = await runFuzz(optionsFor(20), silent); // the machine is crowded
  t.deepEqual(report.findings, []);
  t.true(report.tried > 100);
  const codec = report.files.find(({ path }) => path === 'src/protocol/hello-codec.ts');
  t.true(codec !== undefined && codec.covered > codec.blocks / 2, JSON.stringify(codec));
  t.regex(reportText(report), /codecs .*\n[\s\S]*0 findings/);
});
