/** Configuration at the command lines themselves: what the processes print, and how `keyval` is configured. */
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeCommandLine } from '../../src/cli/node/node-command-line.ts';
import { clientConfiguration } from '../../src/cli/shared/client-configuration.ts';
import { formatOf } from '../../src/cli/shared/output.ts';
import { KeyvalError } from '../../src/index.ts';
import { configFile } from '../helpers/config-file.ts';
import { type Ended, keyval, startKeyvalNode } from '../helpers/processes.ts';

type Environment = Readonly<Record<string, string>>;

function node(t: ExecutionContext, args: readonly string[], env: Environment = {}): Promise<Ended> {
  return startKeyvalNode(t, args, { env }).ended;
}

test.serial('--check-config: one line and 0, or every mistake on a line of its own and 2', async (t) => {
  const good = configFile(t, { cluster: 'blue', 'secret-file': 'secret', port: 0 }, { secret: 'swordfish' });
  const bad = configFile(t, { cluster: 'b l', 'secret-file': 'secret' });
  const [right, wrong] = await Promise.all([
    node(t, ['--check-config'], { KEYVAL_CONFIG: good, KEYVAL_PORT: 'tcp://10.0.0.1:6234' }),
    node(t, ['--check-config', '--config', bad, '--port', 'x'], { KEYVAL_REPLICAS: '9' }),
  ]);
  t.deepEqual(right, {
    code: 0,
    signal: null,
    stdout: `the configuration is in order: cluster blue, one node, this one listens on 127.0.0.1:0, the secret of ${good.replace('node.json', 'secret')}\n`,
    stderr: '',
  });
  t.deepEqual([wrong.code, wrong.stdout], [2, '']);
  t.deepEqual(
    wrong.stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll(bad, 'FILE').replaceAll(dirname(bad), 'FOLDER').slice(0, 60)),
    [
      'keyval-node: KV_USAGE: --port is a whole number from 0 to 65535, not',
      'keyval-node: KV_USAGE: KEYVAL_REPLICAS is a whole number from 1 to 7',
      'keyval-node: KV_USAGE: FILE:1:12: cluster is 1 to 64 letters, digits',
      'keyval-node: KV_USAGE: FILE: secret-file: FOLDER/secret does not exist',
    ].map((line) => line.slice(0, 60)),
  );
});

test.serial('--print-config is JSON, --config-schema the schema of its file', async (t) => {
  const [printed, schema] = await Promise.all([
    node(t, ['--print-config', '--peers', '127.0.0.1'], { KEYVAL_REPLICAS: '1' }),
    node(t, ['--config-schema']),
  ]);
  t.deepEqual([printed.code, printed.stderr, schema.code, schema.stderr], [0, '', 0, '']);
  const document = JSON.parse(printed.stdout) as Record<string, unknown>;
  t.like(document, { peers: ['127.0.0.1'], replicas: 1, $from: { replicas: 'environment KEYVAL_REPLICAS' } });
  const { properties } = JSON.parse(schema.stdout) as { properties: object };
  t.deepEqual(Object.keys(properties).sort(), ['$schema', ...Object.keys(document)].sort());
});

test.serial('a node that is configured by a file alone', async (t) => {
  const started = startKeyvalNode(t, ['--config', configFile(t, { port: 0, cluster: 'blue', partitions: 4 })]);
  t.like(await started.logged('started'), { cluster: 'blue', partitions: 4 });
});

test('a node that is told several wrong things names one, and how to see the others', async (t) => {
  const config = configFile(t, { port: -1, replicas: 9, partitions: 3 });
  await t.throwsAsync(nodeCommandLine(['--config', config], {}), {
    instanceOf: KeyvalError,
    code: 'KV_USAGE',
    message: /^\S+:1:9: port is .* \(and 2 more mistakes; --check-config lists all\)$/,
  });
});

test.serial('keyval --print-config needs no command', async (t) => {
  const file = configFile(t, { timeout: '3s', output: 'json' });
  const args = ['--print-config', '--config', file, '--cluster', 'blue'];
  const { code, stdout, stderr } = await keyval(t, '127.0.0.1:26900', args);
  t.deepEqual([code, stderr], [0, '']);
  t.deepEqual(JSON.parse(stdout), {
    endpoints: ['127.0.0.1:26900'],
    cluster: 'blue',
    'secret-file': null,
    timeout: 3000,
    output: 'json',
    $from: {
      endpoints: 'environment KEYVAL_ENDPOINTS',
      cluster: 'flag --cluster',
      'secret-file': 'default',
      timeout: `file ${file}`,
      output: `file ${file}`,
    },
  });
});

test('keyval: command line over environment over file', async (t) => {
  const config = configFile(t, {
    endpoints: ['a', 'b'],
    cluster: 'file',
    'secret-file': 'secret',
    timeout: '2s',
    output: 'json',
  });
  const raw = { _: ['get'], config, endpoints: 'c' };
  const { values } = await clientConfiguration(raw, { KEYVAL_CLUSTER: 'variable', KEYVAL_ENDPOINTS: 'd' });
  t.deepEqual(values.list('endpoints'), ['c']);
  t.is(values.text('cluster'), 'variable');
  t.is(values.text('secret-file'), config.replace('node.json', 'secret'));
  t.is(values.durationMs('timeout'), 2000);
  t.is(formatOf(values), 'json');
  t.true(values.isGiven('endpoints'));
  t.false(values.isGiven('output'), 'so that get --raw can do without it');
  const alone = await clientConfiguration({ _: [], config }, {});
  t.deepEqual(alone.values.list('endpoints'), ['a', 'b']);
});

test('keyval: its own variable for the file, and every mistake in one line', async (t) => {
  const nodes = configFile(t, { peers: ['a'], replicas: 1 });
  const { values } = await clientConfiguration({ _: [] }, { KEYVAL_CONFIG: nodes });
  t.is(values.text('cluster'), undefined, 'the file of the nodes is not its own');
  const wrong = configFile(t, { endpoint: 'a', timeout: 0, output: 'xml' });
  const message = [
    `${wrong}:1:13: unknown member "endpoint"; did you mean "endpoints"?`,
    `${wrong}:1:27: timeout is a time in milliseconds (or 1.5s, 10m, 1h), 1 or more, not 0`,
    `${wrong}:1:38: output is table, json, ndjson, not "xml"`,
  ].join('; ');
  await t.throwsAsync(clientConfiguration({ _: [] }, { KEYVAL_CLIENT_CONFIG: wrong }), {
    instanceOf: KeyvalError,
    code: 'KV_USAGE',
    message,
  });
});
