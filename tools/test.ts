/**
 * `npm test`: the stages of tools/test/stages.ts in order; stops at the first that fails, with its exit code. The many
 * processes that tests start share what Node.js has compiled: starting one takes a third of the processor time then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStage } from './test/run-stage.ts';
import { stages } from './test/stages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = mkdtempSync(join(tmpdir(), 'keyval-compiled-'));
process.env.NODE_COMPILE_CACHE = compiled;

for (const [index, stage] of stages.entries()) {
  console.log(`\n── ${index + 1}/${stages.length}: ${stage.title} ──\n`);
  process.exitCode = await runStage(root, stage);
  if (process.exitCode !== 0) {
    console.error(`\nFailed: ${stage.title} (exit code ${process.exitCode}).`);
    break;
  }
}
rmSync(compiled, { recursive: true, force: true });
