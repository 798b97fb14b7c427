/** The command `keyval`: asks a cluster, from a shell. */
import { program } from './program.ts';
import { reportFailure } from './shared/failure.ts';
import { errorsWritten, surviveClosedPipes } from './shared/streams.ts';

surviveClosedPipes();
process.on('uncaughtException', (error) => process.exit(reportFailure('keyval', error)));
const exitCode = await program(process.argv.slice(2)).catch((error: unknown) => reportFailure('keyval', error));
await errorsWritten();
// Ends at once: connections that are still being made keep no command waiting.
process.exit(exitCode);
