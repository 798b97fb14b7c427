/** The three modes as processes: each has loaded what it must have and nothing else, and does the same work. */
import { existsSync } from 'node:fs';
import * as http from 'node:http';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { environmentOf, modes, native, withoutAddons, withoutBufferutil } from '../../native-free-bench/modes.ts';
import { runMode } from '../../native-free-bench/run.ts';

const request = { sizes: [20, 200], keys: 50, seconds: 0.001 };
const addon = '/somewhere/bufferutil.node';

/** The package brings binaries for some systems, and ws does without it where Node.js masks by itself. */
const binaries = new URL(
  `../../node_modules/bufferutil/prebuilds/${process.platform}-${process.arch}/`,
  import.meta.url,
);
const canLoadBufferutil = existsSync(fileURLToPath(binaries)) && !('websocketMask' in http);

test('with native add-ons bufferutil is loaded, or the run fails', async (t) => {
  if (!canLoadBufferutil) {
    await t.throwsAsync(runMode(native, request), { message: /bufferutil must be loaded/ });
    return;
  }
  const { addons } = await runMode(native, request);
  t.true(addons.some((path) => path.endsWith('bufferutil.node')));
});

test('with WS_NO_BUFFER_UTIL=1 it is not', async (t) => {
  const { addons } = await runMode(withoutBufferutil, request);
  t.false(addons.some((path) => path.includes('bufferutil')));
});

test('with --no-addons nothing is loaded, and everything works, worker threads too', async (t) => {
  const { addons, execArgv, figures } = await runMode(withoutAddons, request);
  t.deepEqual(addons, []);
  t.deepEqual(execArgv, ['--no-addons']);
  const named = figures.map(({ path, payloadBytes }) => (payloadBytes === 0 ? path : `${path} ${payloadBytes}`));
  for (const path of ['mask 20', 'unmask 200', 'echo 200', 'decode a frame', 'digest of 1 MiB in a worker thread']) {
    t.true(named.includes(path), path);
  }
  for (const { path, nanos } of figures) t.true(nanos > 0, path);
});

test('what is wrong with the add-ons of a mode', (t) => {
  t.regex(native.fault([]) ?? '', /^bufferutil must be loaded, and is not; loaded: none/);
  t.is(native.fault([addon]), null);
  t.regex(withoutBufferutil.fault([addon]) ?? '', /^bufferutil must not be loaded/);
  t.is(withoutBufferutil.fault(['/somewhere/nice.node']), null);
  t.is(withoutAddons.fault(['/somewhere/nice.node']), 'no add-on must be loaded; loaded: /somewhere/nice.node');
  t.is(withoutAddons.fault([]), null);
});

test.serial('the environment puts no mode on all of them', (t) => {
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
  });
  process.env = { ...before, NODE_OPTIONS: '--no-addons', WS_NO_BUFFER_UTIL: '1', PATH: '/bin' };
  const given = modes.map((mode) => environmentOf(mode));
  t.deepEqual(
    given.map(({ NODE_OPTIONS, WS_NO_BUFFER_UTIL, PATH }) => [NODE_OPTIONS, WS_NO_BUFFER_UTIL, PATH]),
    [
      [undefined, undefined, '/bin'],
      [undefined, '1', '/bin'],
      [undefined, undefined, '/bin'],
    ],
  );
});
