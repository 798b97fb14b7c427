/** The command `keyval-node`: one node of a cluster, as a process. */
import { KeyvalError } from '../errors.ts';
import { Launcher } from './node/launcher.ts';
import { nodeCommandLine } from './node/node-command-line.ts';
import { serve } from './node/serve.ts';
import { endAtUncaught } from './node/uncaught.ts';
import { bugOf, reportFailure } from './shared/failure.ts';
import { surviveClosedPipes } from './shared/streams.ts';

const launcher = new Launcher(process);

async function main(): Promise<number> {
  const options = await nodeCommandLine(process.argv.slice(2));
  return typeof options === 'number' ? options : await serve(options, launcher);
}

async function failed(failure: unknown): Promise<number> {
  const exitCode = reportFailure('keyval-node', failure);
  await launcher.failed(failure instanceof KeyvalError ? failure : bugOf(failure));
  return exitCode;
}

surviveClosedPipes();
endAtUncaught(launcher);
process.exit(await main().catch(failed));
