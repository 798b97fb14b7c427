/** Many seeds, one after the other: each is run twice, and the two runs must be the same to the last event. */
import { Counters } from './counters.ts';
import { type RunOptions, type RunResult, runScenario } from './scenario.ts';

export interface CampaignOptions extends Omit<RunOptions, 'seed'> {
  readonly seeds: Iterable<number>;
  /** Run every seed a second time; default: yes. */
  readonly twice?: boolean;
  /** End with the first seed that fails; default: yes. */
  readonly stopAtFailure?: boolean;
  readonly onSeed?: (result: RunResult) => void;
}

export interface CampaignResult {
  readonly counters: Counters;
  readonly failures: readonly RunResult[];
}

export async function runSeeds(options: CampaignOptions): Promise<CampaignResult> {
  const { seeds, twice = true, stopAtFailure = true, onSeed, ...run } = options;
  const counters = new Counters();
  const failures: RunResult[] = [];
  for (const seed of seeds) {
    const result = await runSeed({ ...run, seed }, twice);
    counters.add(result.counters);
    onSeed?.(result);
    if (result.breach === null) continue;
    failures.push(result);
    if (stopAtFailure) break;
  }
  return { counters, failures };
}

/** One seed; run twice, a difference between the two is a breach of its own. */
export async function runSeed(options: RunOptions, twice: boolean): Promise<RunResult> {
  const first = await runScenario(options);
  if (!twice || first.breach !== null) return first;
  const second = await runScenario(options);
  if (second.hash === first.hash) return first;
  const text = `two runs of seed ${options.seed} differ: ${first.hash} and ${second.hash} after ${first.counters.events} and ${second.counters.events} events`;
  return { ...first, breach: { rule: 'not deterministic', text, atMs: 0 } };
}
