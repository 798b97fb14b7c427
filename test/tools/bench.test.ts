/** A tiny bench over real processes: it runs, checks its values and reports. Nothing is said about how fast it is. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parseBenchOptions } from '../../tools/bench/options.ts';
import { type Profile, selfTimes } from '../../tools/bench/profile.ts';
import { toMarkdown } from '../../tools/bench/report.ts';
import { run } from '../../tools/bench/run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names = ['get-1', 'mix-64', 'lock-one-key-64'];
const port = 23_100;

test('measures keyval and the echo in turn, with profiles', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const profiles = join(folder, 'profiles');
  const args = `--seconds 0.05 --warm-up 0.05 --pairs 2 --keys 500 --port ${port} --cases ${names.join(',')} --cpu-prof ${profiles}`;
  const seen: string[] = [];
  const report = await run({
    checkout: root,
    folder,
    options: parseBenchOptions(args.split(' ')),
    onRound: (benchCase, rounds) => seen.push(`${benchCase.name} ${rounds.length}`),
  });

  t.deepEqual(
    seen,
    names.flatMap((name) => [`${name} 1`, `${name} 2`]),
  );
  for (const { rounds } of report.results) {
    for (const { keyval, echo, other } of rounds) {
      t.true(keyval.operations > 0 && echo.operations > 0);
      t.true(keyval.serverCpuMicros !== null && echo.serverCpuMicros !== null);
      t.is(other, null);
    }
  }
  for (const name of names) t.regex(toMarkdown(report), new RegExp(`\\| ${name} \\|`));

  const expected = names.flatMap((name) =>
    ['1-client', '1-node', '2-client', '2-node'].map((end) => `${name}-${end}.cpuprofile`),
  );
  t.deepEqual(readdirSync(profiles).sort(), expected.sort());
  const profile = JSON.parse(readFileSync(join(profiles, 'mix-64-1-node.cpuprofile'), 'utf8')) as Profile;
  t.true(selfTimes([profile]).length > 0);
  t.true(existsSync(join(folder, 'logs')));
});
