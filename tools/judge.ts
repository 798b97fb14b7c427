/**
 * `npm run judge -- FILE…`: judges client histories in format kvh/1 and says why a history is wrong.
 *
 * Exit codes: 0 every history is linearizable; 1 some history is not; 2 a wrong option or a malformed file; 3 a search
 * was given up, so that nothing is known. Of several, the first in the order 1, 2, 3 counts.
 */

import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { KeyvalError } from '../src/errors.ts';
import { formatVerdict, judgeHistory, type Verdict } from '../src/testing/checkers/index.ts';
import { strictly } from './strictly.ts';

const ExitCode = { linearizable: 0, violation: 1, usage: 2, undecided: 3 } as const;
type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What outweighs what when several files are judged. */
const gravest: readonly ExitCode[] = [ExitCode.violation, ExitCode.usage, ExitCode.undecided, ExitCode.linearizable];

interface Options {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly maxSteps: number | undefined;
}

async function parseOptions(): Promise<Options> {
  const parser = yargs(hideBin(process.argv))
    .scriptName('judge')
    .command('$0 <files..>', 'Judges client histories (format kvh/1) and says why one is wrong', (command) =>
      command.positional('files', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'histories, judged one by one',
      }),
    )
    .option('json', { type: 'boolean', default: false, describe: 'one JSON object per file' })
    .option('max-steps', {
      type: 'number',
      describe: 'give up a search after so many steps taken back (undecided, exit code 3)',
    })
    .example('$0 run.ndjson', 'exit codes: 0 linearizable, 1 violation, 2 usage or malformed, 3 undecided')
    .example('$0 --json a.ndjson b.ndjson', 'verdicts for a program');
  const parsed = await strictly(parser).parseAsync();
  const maxSteps = parsed.maxSteps;
  if (maxSteps !== undefined && !(maxSteps >= 0)) throw new KeyvalError('KV_USAGE', '--max-steps must be 0 or more');
  return { files: (parsed.files ?? []) as string[], json: parsed.json, maxSteps };
}

function judgeFile(file: string, { json, maxSteps }: Options): ExitCode {
  try {
    const verdict = judgeHistory(file, maxSteps === undefined ? {} : { maxSteps });
    process.stdout.write(`${json ? JSON.stringify(toJson(verdict)) : formatVerdict(verdict)}\n`);
    return ExitCode[verdict.verdict];
  } catch (error) {
    return reportUsage(error);
  }
}

/** Operations as they stand in the file: stamps and line, no derived fields. */
function toJson(verdict: Verdict): unknown {
  const violations = verdict.violations.map((violation) => ({
    ...violation,
    operations: violation.operations.map(({ call: _call, ret: _ret, ...operation }) => operation),
  }));
  return { ...verdict, violations };
}

function reportUsage(error: unknown): ExitCode {
  if (!(error instanceof KeyvalError)) throw error;
  process.stderr.write(`judge: ${error.code}: ${error.message}\n`);
  return ExitCode.usage;
}

async function main(): Promise<ExitCode> {
  try {
    const options = await parseOptions();
    const codes = options.files.map((file) => judgeFile(file, options));
    return gravest.find((code) => codes.includes(code)) ?? ExitCode.linearizable;
  } catch (error) {
    return reportUsage(error);
  }
}

process.exitCode = await main();
