/** `keyval-node`: its options, its start log, and what it says when it cannot start. */
import test, { type ExecutionContext } from 'ava';
import { nodeCommandLine } from '../../src/cli/node/node-command-line.ts';
import { KeyvalError, type NodeOptions, startNode, version } from '../../src/index.ts';
import { startedNode } from '../helpers/node.ts';
import { type Ended, fleeting, keyval, startKeyvalNode } from '../helpers/processes.ts';
import { secretFile } from '../helpers/secret-file.ts';

function run(t: ExecutionContext, ...args: string[]): Promise<Ended> {
  return startKeyvalNode(t, args).ended;
}

test.serial('--version is the bare version, --help has examples', async (t) => {
  const [bare, help] = await Promise.all([run(t, '--version'), run(t, '--help')]);
  t.deepEqual([bare.code, bare.stdout, bare.stderr], [0, `${version}\n`, '']);
  t.deepEqual([help.code, help.stderr], [0, '']);
  for (const option of [
    'peers',
    'listen',
    'advertise',
    'port',
    'replicas',
    'partitions',
    'max-memory',
    'max-connections',
  ]) {
    t.true(help.stdout.includes(`--${option} `), option);
  }
  for (const option of ['cluster', 'secret-file', 'insecure', 'log-level'])
    t.true(help.stdout.includes(`--${option} `), option);
  t.regex(help.stdout, /keyval-node --peers 10\.0\.0\.1,10\.0\.0\.2,10\.0\.0\.3/);
  t.regex(help.stdout, /Keys live in memory: stopping all nodes loses them\./);
});

const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
  [['--repliacs', '3'], /^unknown option --repliacs; did you mean --replicas\?$/],
  [
    ['--peers', '127.0.0.1,127.0.0.300'],
    /^--peers: '127\.0\.0\.300' is no address; write host, host:port or \[v6\]:port$/,
  ],
  [['--peers', '127.0.0.1,'], /^--peers: '' is no address/],
  [['--peers', '127.0.0.1:70000'], /^--peers: '127\.0\.0\.1:70000' is no address/],
  [
    ['--peers', '198.51.100.1,198.51.100.2'],
    /^none of --peers 198\.51\.100\.1:6234,198\.51\.100\.2:6234 is an address of this machine; .*--listen/,
  ],
  [
    ['--peers', '127.0.0.1,127.0.0.2'],
    /^several of --peers .*: --peers 127\.0\.0\.1:6234,127\.0\.0\.2:6234 --listen 127\.0\.0\.1:6234$/,
  ],
  [['--peers', '127.0.0.1,127.0.0.1'], /^--peers names 127\.0\.0\.1:6234 twice$/],
  [['--peers', '127.0.0.1,127.0.0.2', '--listen', '127.0.0.3'], /^--listen 127\.0\.0\.3:6234 is not among --peers/],
  [['--listen', '198.51.100.1'], /beyond this machine, needs --secret-file .* or --insecure/],
  [['--listen', '198.51.100.1', '--insecure'], /^198\.51\.100\.1:6234 is not an address of this machine/],
  [['--port', 'x'], /^--port is a whole number from 0 to 65535, not 'x'$/],
  [['--port', '70000'], /^--port is a whole number from 0 to 65535, not 70000$/],
  [['--replicas', '0'], /^--replicas is a whole number from 1/],
  [['--partitions', '100'], /^--partitions is a power of two/],
  [['--max-memory', '1X'], /^--max-memory is a number of bytes \(or 512K, 64M, 1\.5G\), not '1X'$/],
  [['--max-memory', '1M'], /^--max-memory is 0 for no limit, or at least 16M, not 1048576$/],
  [['--max-connections', '0'], /^--max-connections is a whole number from 1/],
  [['--cluster', 'a b'], /^--cluster is 1 to 64 letters/],
  [['--log-level', 'loud'], /^--log-level is silent, fatal, error, warn, info, debug, not 'loud'$/],
  [['--secret-file', '/does/not/exist'], /^--secret-file: \/does\/not\/exist does not exist/],
  [['--peers'], /^--peers needs a value$/],
  [['127.0.0.1'], /^unexpected argument '127\.0\.0\.1'; see keyval-node --help$/],
];
for (const [args, message] of mistakes) {
  test(`${args.join(' ')}: ${message.source}`, async (t) => {
    const starting = nodeCommandLine(args).then((options) => startNode(options as NodeOptions));
    await t.throwsAsync(starting, { instanceOf: KeyvalError, code: 'KV_USAGE', message });
  });
}

test.serial('a mistake is one line, with exit code 2, and the launcher is told', async (t) => {
  const node = startKeyvalNode(t, ['--repliacs', '3'], { ipc: true });
  const { code, stdout, stderr } = await node.ended;
  const message = 'unknown option --repliacs; did you mean --replicas?';
  t.deepEqual([code, stdout, stderr], [2, '', `keyval-node: KV_USAGE: ${message}\n`]);
  t.deepEqual(node.messages, [{ type: 'failed', code: 'KV_USAGE', message }]);
});

test.serial('alone: a cluster of one, with the log of its start', async (t) => {
  const node = startKeyvalNode(t, ['--port', '0', '--cluster', 'blue', '--partitions', '16', '--max-memory', '64M']);
  const started = await node.logged('started');
  t.like(started, { level: 'info', version, cluster: 'blue', partitions: 16, members: [started.address] });
  t.regex(`${started.address}`, /^127\.0\.0\.1:\d+$/);
  await node.logged('keys live in memory: stopping all nodes loses them');
  t.is((await node.logged('waiting')).for, 'the cluster');
  t.is((await node.logged('serving')).address, started.address);
  const { stdout } = await keyval(t, `${started.address}`, ['status', '--cluster', 'blue', '--output', 'ndjson']);
  t.like(JSON.parse(stdout).memory, { maxBytes: 64 * 1024 * 1024 });
});

test.serial('more memory than the machine has is allowed, with a warning', async (t) => {
  const node = startKeyvalNode(t, ['--port', '0', '--max-memory', '4000000G']);
  await node.logged('serving');
  const warnings = node.log.filter(({ level }) => level === 'warn');
  t.is(warnings.length, 1);
  t.regex(`${warnings[0]?.msg}`, /^--max-memory is more than this machine has/);
});

test.serial('with peers: it says whom it waits for, and serves when they are there', async (t) => {
  const [own, other] = ['127.0.0.1:21101', '127.0.0.2:21101'];
  const secret = ['--secret-file', secretFile(t, 'swordfish')];
  const shared = ['--peers', `${own},${other}`, '--partitions', '16', ...secret, ...fleeting];
  const node = startKeyvalNode(t, [...shared, '--listen', own]);
  t.deepEqual((await node.logged('waiting')).for, [other]);
  t.is(
    node.log.find(({ msg }) => msg === 'serving'),
    undefined,
  );
  const second = startKeyvalNode(t, [...shared, '--listen', other]);
  await Promise.all([node.logged('serving'), second.logged('serving')]);
  t.deepEqual((await node.logged('started')).members, [own, other]);
});

test.serial('beyond this machine it insists on a secret, or warns', async (t) => {
  const node = startKeyvalNode(t, ['--listen', '0.0.0.0:21102', '--insecure', ...fleeting]);
  t.is((await node.logged('insecure: whoever reaches this address reads and writes every key')).level, 'warn');
});

test.serial('--log-level', async (t) => {
  const node = startKeyvalNode(t, ['--port', '0', '--log-level', 'silent'], { ipc: true });
  await node.until(() => node.messages[0]);
  t.is(node.stdout, '');
});

test.serial('an address in use: one line, 1, and the launcher is told', async (t) => {
  const { address } = await startedNode(t);
  const second = startKeyvalNode(t, ['--listen', address], { ipc: true });
  const { code, stdout, stderr } = await second.ended;
  const message = `${address} is in use by another process; stop it or choose another --port`;
  t.deepEqual([code, stdout, stderr], [1, '', `keyval-node: KV_ADDRESS_IN_USE: ${message}\n`]);
  t.deepEqual(second.messages, [{ type: 'failed', code: 'KV_ADDRESS_IN_USE', message }]);
});
