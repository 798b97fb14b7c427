/** `npm start` from outside: what it says, how it ends, and that no node stays behind however it ends. */
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { NpmStart } from '../../tools/smoke/npm-start.ts';
import { type Address, format, planAddresses } from '../../tools/start/addresses.ts';
import { areFree, freePort } from './start/ports.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Two nodes show as much as three and cost less. */
const nodes = 2;

/** The bound within which the ports must be free again after a kill −9. */
const freeWithinMs = 2_000;

/** Is stopped at the end of the test, should it still run. */
function npmStart(t: ExecutionContext, args: readonly string[]): NpmStart {
  const run = new NpmStart(root, args);
  t.teardown(() => run.kill('SIGTERM'));
  return run;
}

async function serve(t: ExecutionContext): Promise<{ run: NpmStart; addresses: readonly Address[]; port: number }> {
  const port = await freePort(nodes);
  const { addresses } = await planAddresses(nodes, port);
  const run = npmStart(t, ['--nodes', `${nodes}`, '--port', `${port}`]);
  await run.served();
  return { run, addresses, port };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`serves until ${signal}, then ends with 0`, async (t) => {
    const { run, addresses } = await serve(t);
    t.false(await areFree(addresses, 0), 'the nodes listen');
    for (const address of addresses) t.true(run.output.includes(`  ${format(address)}   process `));
    const [first] = addresses.map(format);
    t.true(run.output.includes(`npx keyval put greeting hello --endpoints ${first}\n`));
    t.true(run.output.includes(`npx keyval get greeting --endpoints ${first}\n`));
    t.true(run.output.includes(`npx keyval lock job --endpoints ${first} -- sleep 5\n`));

    run.kill(signal);
    t.is(await run.exit, 0);
    t.true(await areFree(addresses, 0));
  });
}

test.serial('a second one says that the port is in use, and what would do', async (t) => {
  const { port } = await serve(t);
  const second = npmStart(t, ['--nodes', `${nodes}`, '--port', `${port}`]);
  t.is(await second.exit, 1);
  t.regex(second.output, new RegExp(`Port ${port} is in use on 127\\.0\\.0\\.1`));
  t.regex(second.output, /npm start -- --port \d+/);
  t.notRegex(second.output, /\n\s+at /, 'no stack trace');
});

test.serial('when a node dies it says which and how, and stops the others', async (t) => {
  const { run, addresses } = await serve(t);
  const victim = addresses.map(format)[1] ?? '';
  process.kill(run.nodePid(victim), 'SIGKILL');
  t.is(await run.exit, 1);
  t.true(run.output.includes(`Node ${victim} ended with signal SIGKILL.`));
  t.true(await areFree(addresses, 0));
});

test.serial('kill -9 of npm leaves no node behind', async (t) => {
  const { run, addresses } = await serve(t);
  run.kill('SIGKILL');
  t.true(await areFree(addresses, freeWithinMs));
});

test.serial('kill -9 of the launcher leaves no node behind', async (t) => {
  const { run, addresses } = await serve(t);
  process.kill(run.launcher, 'SIGKILL');
  t.true(await areFree(addresses, freeWithinMs));
});

test.serial('a wrong option is named, and all options shown', async (t) => {
  const run = npmStart(t, ['--nodes', 'many']);
  t.is(await run.exit, 2);
  t.regex(run.output, /--nodes takes a whole number from 1 to 16, not "many"/);
  t.regex(run.output, /--load/);
});
