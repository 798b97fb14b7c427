/** Judges histories one after the other, each in a process of its own: memory for all at once would be much. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const judge: string = fileURLToPath(new URL('../judge.ts', import.meta.url));
const MEMORY_MIB = 4096;
const JUDGE_MS_MAX = 600_000;
const OUTPUT_BYTES_MAX: number = 64 * 1024 * 1024;

export interface Judgement {
  readonly history: string;
  readonly verdict: 'linearizable' | 'violation' | 'undecided';
  /** One line for each broken key. */
  readonly violations: readonly string[];
}

/** @throws Error when the judge itself fails */
export async function judgeHistories(histories: readonly string[]): Promise<Judgement[]> {
  const judgements: Judgement[] = [];
  for (const history of histories) judgements.push(await judgeOne(history));
  return judgements;
}

interface JudgeOutput {
  readonly verdict: Judgement['verdict'];
  readonly violations: readonly { readonly family: string; readonly key: string; readonly rule: string }[];
}

async function judgeOne(history: string): Promise<Judgement> {
  const { verdict, violations } = JSON.parse(await run(history)) as JudgeOutput;
  return { history, verdict, violations: violations.map(({ family, key, rule }) => `${family} ${key}: ${rule}`) };
}

function run(history: string): Promise<string> {
  const args = [`--max-old-space-size=${MEMORY_MIB}`, judge, '--json', history];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { maxBuffer: OUTPUT_BYTES_MAX, timeout: JUDGE_MS_MAX },
      (error, stdout, stderr) => {
        // It ends with another code than 0 for a violation too, and says so on standard output.
        if (stdout.startsWith('{')) resolve(stdout);
        else reject(new Error(`the judge cannot judge ${history}: ${stderr || error?.message}`));
      },
    );
  });
}
