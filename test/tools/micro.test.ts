/** A tiny micro bench over real processes: its parts run, check their own results and report. Nothing is said of times. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { toMarkdown } from '../../tools/micro/report.ts';
import type { MicroReport } from '../../tools/micro/run.ts';

const entry = fileURLToPath(new URL('../../tools/micro/micro.ts', import.meta.url));
const run = promisify(execFile);
const machine = { cores: 2, processor: 'P', memoryBytes: 1, system: 'S', node: 'v1', load: 0.25 };
const keys = 2000;

const args = `--only hash-slot,tables,node --sizes ${keys} --seconds 0.001 --rounds 2 --json`;

test('paths over two rounds, the memory of tables and of a whole node', async (t) => {
  const { stdout } = await run(process.execPath, [entry, ...args.split(' ')]);
  const report = JSON.parse(stdout) as MicroReport;
  const text = toMarkdown(report, machine);

  t.is(report.paths.length, 2);
  for (const { name, nanos } of report.paths) {
    t.true(nanos.min > 0 && nanos.min <= nanos.median && nanos.median <= nanos.max, name);
    t.true(text.includes(`| ${name} |`));
  }

  const [tables, node] = report.memory;
  if (tables === undefined || !('parts' in tables) || tables.parts === null) return t.fail('no figures of the tables');
  t.is(tables.parts.data, keys * 80);
  t.is(tables.parts.data + tables.parts.blocks, keys * 96);
  t.true(tables.parts.index > 0 && tables.parts.chunks >= 0);
  t.true(tables.mixPauses !== null && tables.growth !== null);

  if (node === undefined || !('mixPauses' in node)) return t.fail('no figures of the node');
  t.true((node.mixPerSecond ?? 0) > 0);
  t.regex(text, /\| keyval-node, through the client \| 2,000 \|/);
});
