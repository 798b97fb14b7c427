/** `keyval` as a whole: its words, how it finds the cluster, and what it says when it cannot. */
import test, { type ExecutionContext } from 'ava';
import { commands, program } from '../../src/cli/program.ts';
import { KeyvalError, version } from '../../src/index.ts';
import { readyNode, startedNode } from '../helpers/node.ts';
import { type Ended, keyval } from '../helpers/processes.ts';
import { secretFile } from '../helpers/secret-file.ts';

/** Where nobody listens. */
const nowhere = '127.0.0.1:21001';

function run(t: ExecutionContext, ...args: string[]): Promise<Ended> {
  return keyval(t, nowhere, args);
}

test.serial('--version is the bare version', async (t) => {
  const { code, stdout, stderr } = await run(t, '--version');
  t.deepEqual([code, stdout, stderr], [0, `${version}\n`, '']);
});

test.serial('--help lists commands, exit codes, the environment; of a command, its options and examples', async (t) => {
  const [all, put] = await Promise.all([run(t, '--help'), run(t, 'put', '--help')]);
  t.deepEqual([all.code, all.stderr, put.code], [0, '', 0]);
  for (const name of ['get', 'put', 'del', 'cas', 'incr', 'scan', 'lock', 'status', 'ping']) {
    t.regex(all.stdout, new RegExp(`^ *${name} `, 'm'));
  }
  t.regex(
    all.stdout,
    /Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 conflict, 5 no quorum, 6 lock busy or lost, 70 a bug\./,
  );
  t.regex(all.stdout, /KEYVAL_ENDPOINTS, KEYVAL_CLUSTER, KEYVAL_SECRET_FILE/);
  t.regex(all.stdout, /Keys live in memory: stopping all nodes loses them\./);
  t.regex(put.stdout, /^Usage: keyval put \[options\] KEY VALUE\n/);
  t.regex(put.stdout, /--if-absent/);
  t.regex(put.stdout, /keyval put greeting hello/);
});

const names = commands.map(({ name }) => name).join(', ');

const mistakes: readonly (readonly [readonly string[], string])[] = [
  [[], `name a command: ${names}; see keyval --help`],
  [['gut', 'k'], "unknown command 'gut'; did you mean get?"],
  [['fetch', 'k'], `unknown command 'fetch'; there are ${names}`],
  [['get', 'k', '--timeuot', '5'], 'unknown option --timeuot; did you mean --timeout?'],
  [['--endpoint=x', 'get', 'k'], 'unknown option --endpoint; did you mean --endpoints?'],
  [['get', 'k', '--ttl', '5'], 'unknown option --ttl'],
  [['put', 'k', '-x'], 'unknown option -x; options are written --name, and behind -- everything is taken as it is'],
  [['put', 'k'], 'VALUE missing; write: keyval put KEY VALUE'],
  [['cas', 'k'], 'REVISION and VALUE missing; write: keyval cas KEY REVISION VALUE'],
  [['get', 'k', 'l'], "unexpected argument 'l'; write: keyval get KEY"],
  [['get', 'k', '--timeout'], '--timeout needs a value'],
  [['get', 'k', '--timeout', '0'], "--timeout is a time in milliseconds (or 1.5s, 10m, 1h), 1 or more, not '0'"],
  [['get', 'k', '--output', 'xml'], "--output is table, json, ndjson, not 'xml'"],
  [['get', 'k', '--raw', '--output', 'json'], '--raw prints bytes: it does not go with --output'],
  [['put', 'k', 'v', '--if-absent', '--if-revision', '1'], '--if-absent and --if-revision contradict each other'],
  [['get', 'k', '--endpoints', '127.0.0.256'], "'127.0.0.256' is no endpoint; write host, host:port or [v6]:port"],
];
for (const [args, message] of mistakes) {
  test(`${args.join(' ')}: ${message}`, async (t) => {
    await t.throwsAsync(program(args), { instanceOf: KeyvalError, code: 'KV_USAGE', message });
  });
}

test.serial('a mistake is one line, with exit code 2', async (t) => {
  const { code, stdout, stderr } = await run(t, 'get', 'k', '--timeuot', '5');
  t.deepEqual([code, stdout, stderr], [2, '', 'keyval: KV_USAGE: unknown option --timeuot; did you mean --timeout?\n']);
});

test.serial('no node there: its address, and the command that starts one', async (t) => {
  const { code, stdout, stderr } = await run(t, 'get', 'k', '--timeout', '100');
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, /^keyval: KV_UNREACHABLE: .*127\.0\.0\.1:21001.*keyval-node.*\n$/);
});

test.serial('one of several endpoints is enough; the option beats the environment', async (t) => {
  const node = await readyNode(t);
  const client = await node.client();
  await client.put('k', 'v');
  await client.close();
  const [several, option, empty] = await Promise.all([
    keyval(t, `${nowhere},${node.address}`, ['get', 'k']),
    keyval(t, nowhere, ['--endpoints', `keyval://${node.address}`, 'get', 'k']),
    keyval(t, node.address, ['get', 'k'], { env: { KEYVAL_CLUSTER: '', KEYVAL_PORT: 'tcp://10.0.0.1:6234' } }),
  ]);
  for (const end of [several, option, empty]) t.deepEqual([end.code, end.stdout, end.stderr], [0, 'v\n', '']);
});

test.serial('the wrong cluster, a missing and a wrong secret are told apart', async (t) => {
  const node = await startedNode(t, { cluster: 'blue', secret: 'swordfish' });
  await node.ready();
  const right = secretFile(t, 'swordfish\n');
  const wrong = secretFile(t, 'herring');
  const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
    [['--cluster', 'blue', '--secret-file', right], {}],
    [[], { KEYVAL_CLUSTER: 'blue', KEYVAL_SECRET_FILE: right }],
    [['--cluster', 'red', '--secret-file', right], {}],
    [['--cluster', 'blue'], {}],
    [['--cluster', 'blue', '--secret-file', wrong], {}],
    [['--cluster', 'blue', '--secret-file', `${right}-not`], {}],
  ];
  const ends = await Promise.all(cases.map(([args, env]) => keyval(t, node.address, ['ping', ...args], { env })));
  t.deepEqual(
    ends.map(({ code, stderr }) => [code, /^keyval: (KV_\w+): /.exec(stderr)?.[1]]),
    [
      [0, undefined],
      [0, undefined],
      [1, 'KV_WRONG_CLUSTER'],
      [1, 'KV_UNAUTHORIZED'],
      [1, 'KV_UNAUTHORIZED'],
      [2, 'KV_USAGE'],
    ],
  );
  t.regex(ends[2]?.stderr ?? '', /'blue'.*'red'/);
  for (const { stderr } of ends) t.notRegex(stderr, /\n\s+at /, 'no stack');
});

test.serial('too few nodes: 5', async (t) => {
  const [listen, missing] = ['127.0.0.1:21002', '127.0.0.2:21002'];
  await startedNode(t, { peers: [listen, missing], listen, partitions: 1 });
  const { code, stderr } = await keyval(t, listen, ['put', 'k', 'v', '--timeout', '1s']);
  t.is(code, 5);
  t.true(stderr.startsWith('keyval: KV_NO_QUORUM: '), stderr);
});
