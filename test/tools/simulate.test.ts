import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const PROGRAM = fileURLToPath(new URL('../../tools/simulate/simulate.ts', import.meta.url));

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function simulate(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { maxBuffer: 2 ** 26 }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}

test('seeds are shared among processes, and counted together', async (t) => {
  const { code, output } = await simulate('--seeds', '3', '--seconds', '2', '--jobs', '2', '--once');
  t.is(code, 0);
  t.regex(output, /^3 seeds, /);
  t.regex(output, /^put +\d+/m);
  t.regex(output, /^entries applied +[1-9]/m);
});

test('a replay tells the trace and the hash', async (t) => {
  const { code, output } = await simulate('--replay', '4', '--seconds', '2', '--only', '0', '--until', '1');
  t.is(code, 0);
  t.regex(output, /seed 4 passes\nhash \d+, \d+ events\n$/);
  t.regex(output, / s {2}c1\/1 /);
});

test('a wrong option is told', async (t) => {
  const { code, errors } = await simulate('--seeds', '0');
  t.is(code, 2);
  t.regex(errors, /simulate: KV_USAGE: --seeds must be a whole number above 0, not 0/);
});

test('asked for help, it runs nothing', async (t) => {
  const { code, output } = await simulate('--help');
  t.is(code, 0);
  t.regex(output, /--replay/);
  t.notRegex(output, /seeds, /);
});
