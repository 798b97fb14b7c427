/**
 * `npm run hostile -- …`: everything that a peer can do to a cluster that it should not, with an honest client beside it
 * that must not notice. Exit codes: 0 all held; 1 something did not; 2 wrong options.
 */
import { parseHostileOptions, UsageError, usage } from './options.ts';
import { heading, lastLine, remarks, rowText } from './report.ts';
import { runHostile } from './run.ts';

async function main(): Promise<number> {
  const options = parseHostileOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const say = options.json ? console.error : console.log;
  say(`seed ${options.seed}; ${options.attacks.length} attacks of about ${options.seconds} s; figures of the nodes are those
of the three together (CPU) or of the one that grew most (memory); CPU in per cent of one core\n`);
  say(heading);
  const rows = await runHostile(options, (row) => say(rowText(row)));
  say(`\n${remarks(rows)}\n\n${lastLine(rows)}`);
  if (options.json) console.log(JSON.stringify(rows, null, 2));
  return rows.every(({ failures }) => failures.length === 0) && rows.length === options.attacks.length ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`hostile: ${error.message}`);
  process.exitCode = 2;
}
