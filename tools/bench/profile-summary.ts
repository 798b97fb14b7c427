/**
 * Where the time of CPU profiles went: the functions with most self time, over all files given.
 *
 *     node tools/bench/profile-summary.ts [--top 15] FILE.cpuprofile…
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Profile, selfTimes, summaryText } from './profile.ts';

const TOP_DEFAULT = '15';

const { values, positionals } = parseArgs({
  options: { top: { type: 'string', default: TOP_DEFAULT } },
  allowPositionals: true,
});
if (positionals.length === 0) {
  console.error('Name at least one .cpuprofile file.');
  process.exitCode = 2;
} else {
  const profiles = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Profile);
  console.log(summaryText(selfTimes(profiles), Number(values.top)));
}
