/**
 * `npm run fuzz -- …`: mutated inputs on decoder, codecs, handlers of a node and a client, guided by V8's precise coverage.
 * Exit codes: 0 nothing was found; 1 something was; 2 wrong options.
 */
import { ExitCode, KeyvalError } from '../../src/errors.ts';
import { describeError, readFinding } from './engine/finding.ts';
import { catchEscaped, Runner } from './engine/runner.ts';
import { type FuzzOptions, parseFuzzOptions } from './options.ts';
import { findingText, liveLine, reportText } from './report.ts';
import { runFuzz } from './supervisor.ts';
import { targetNames, targets } from './targets/index.ts';

const LIVE_MS = 10_000;

async function main(): Promise<number> {
  const options = await parseFuzzOptions(process.argv.slice(2), targetNames);
  if (options === null) return ExitCode.ok;
  return options.reproduce === null ? fuzz(options) : reproduce(options.reproduce);
}

async function fuzz(options: FuzzOptions): Promise<number> {
  let toldAtMs = performance.now();
  const report = await runFuzz(options, {
    figures: (figures) => {
      if (performance.now() - toldAtMs < LIVE_MS) return;
      toldAtMs = performance.now();
      console.error(liveLine(figures));
    },
    finding: (file, finding) => console.error(findingText(file, finding)),
  });
  const findings = report.findings.map(({ file, finding }) => ({ ...finding, inputs: finding.inputs.length, file }));
  console.log(options.json ? JSON.stringify({ ...report, findings }, null, 2) : reportText(report));
  return report.findings.length === 0 ? ExitCode.ok : ExitCode.error;
}

/** A hang hangs here, too. */
async function reproduce(file: string): Promise<number> {
  const finding = readFinding(file);
  const [target] = targets([finding.target]);
  if (target === undefined) return ExitCode.usage;
  catchEscaped();
  console.log(`${finding.inputs.length} inputs on ${finding.target}, ended then with: ${finding.message}`);
  const failure = await new Runner(target).run(finding.inputs);
  if (failure === null) {
    console.log('nothing happens now');
    return ExitCode.ok;
  }
  const { message, stack } = describeError(failure.error);
  console.log(stack === '' ? message : stack);
  return ExitCode.error;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof KeyvalError)) throw error;
  console.error(`fuzz: ${error.code}: ${error.message}`);
  process.exitCode = error.code === 'KV_USAGE' ? ExitCode.usage : ExitCode.error;
}
