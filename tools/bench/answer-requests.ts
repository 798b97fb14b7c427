/** The main part of a process that measures: does what the harness asks for, and ends with the harness. */
import type { Contender } from './contender.ts';
import { measure } from './measure.ts';
import type { ChildMessage, Measurement, RunRequest } from './messages.ts';
import { profilingFor } from './profiling.ts';

export async function answerRequests(start: () => Promise<Contender>): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  try {
    const contender = await start();
    process.on('message', (request: RunRequest) => void answer(contender, request));
    tell({ type: 'ready' });
  } catch (error) {
    tellFailure(error);
  }
}

async function answer(contender: Contender, request: RunRequest): Promise<void> {
  try {
    tell({ type: 'measured', measurement: await run(contender, request) });
  } catch (error) {
    tellFailure(error);
  }
}

async function run(contender: Contender, request: RunRequest): Promise<Measurement> {
  const workload = await contender.prepare(request);
  try {
    return await measure({ workload, request, profiling: profilingFor(request.profile) });
  } finally {
    await workload.close();
  }
}

function tellFailure(error: unknown): void {
  tell({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}
