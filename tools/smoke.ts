/** `node tools/smoke.ts`: runs tools/smoke/checks.ts in order; prints `✔` or `✘` for each and ends with 1 if any failed. */
import { fileURLToPath } from 'node:url';
import { checks, Smoke } from './smoke/checks.ts';

const smoke = await Smoke.begin(fileURLToPath(new URL('..', import.meta.url)));
try {
  for (const { title, run } of checks) {
    const problem = await run(smoke).then(
      () => null,
      (error: Error) => error.message,
    );
    console.log(problem === null ? `  ✔ ${title}` : `  ✘ ${title}: ${problem}`);
    if (problem !== null) process.exitCode = 1;
  }
} finally {
  smoke.start.kill('SIGTERM');
}
