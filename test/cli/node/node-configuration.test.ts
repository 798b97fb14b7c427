/** The configuration of a node: which source comes first, what is a mistake, and how each mistake is named. */
import { dirname, join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { printedConfiguration } from '../../../src/cli/config/configuration.ts';
import type { Setting } from '../../../src/cli/config/kinds.ts';
import { type NodeConfiguration, nodeConfiguration } from '../../../src/cli/node/node-configuration.ts';
import { nodeOptionTable } from '../../../src/cli/node/node-option-table.ts';
import type { NodeOptions } from '../../../src/index.ts';
import { configFile } from '../../helpers/config-file.ts';

type Environment = Readonly<Record<string, string>>;

function configured(
  flags: Readonly<Record<string, unknown>>,
  environment: Environment = {},
): Promise<NodeConfiguration> {
  return nodeConfiguration({ _: [], ...flags }, environment, { tryAddress: false });
}

/** Value and source of one option. */
function of({ found }: NodeConfiguration, name: string): readonly unknown[] {
  const one = found.find(({ option }) => option.name === name);
  return [one?.value, one?.source.from];
}

/** Per option three values: as a flag, in the environment, in a file; and what is made of each. */
const samples: Readonly<Record<string, readonly (readonly [unknown, Setting])[]>> = {
  peers: [
    ['127.0.0.1,127.0.0.1:1', ['127.0.0.1', '127.0.0.1:1']],
    ['127.0.0.1,127.0.0.1:2', ['127.0.0.1', '127.0.0.1:2']],
    [
      ['127.0.0.1', '127.0.0.1:3'],
      ['127.0.0.1', '127.0.0.1:3'],
    ],
  ],
  listen: [same('127.0.0.1:1'), same('127.0.0.1:2'), same('127.0.0.1:3')],
  advertise: [same('a.example'), same('b.example'), same('c.example')],
  port: [['7001', 7001], ['7002', 7002], same(7003)],
  replicas: [['1', 1], ['2', 2], same(4)],
  min: [['1', 1], ['2', 2], same(3)],
  partitions: [['1', 1], ['2', 2], same(4)],
  data: [
    ['./none', resolve('none')],
    ['none', 'none'],
    [resolve('state'), resolve('state')],
  ],
  new: [same(true), ['0', false], same(true)],
  'on-loss': [same('stop'), same('empty'), same('stop')],
  reads: [same('strict'), same('lease'), same('strict')],
  zone: [same('a'), same('b.1'), same('c_2')],
  witness: [same(true), ['false', false], same(true)],
  'max-lease': [
    ['30s', 30_000],
    ['0.5m', 30_000],
    ['1500', 1500],
  ],
  'deadlock-period': [
    ['2s', 2000],
    ['0', 0],
    ['1500', 1500],
  ],
  'deadlock-after': [
    ['1s', 1000],
    ['0', 0],
    ['250', 250],
  ],
  'max-memory': [
    ['1M', 2 ** 20],
    ['2M', 2 ** 21],
    ['1.5G', 1.5 * 2 ** 30],
  ],
  'max-connections': [['1', 1], ['2', 2], same(3)],
  'worker-threads': [['0', 0], ['2', 2], same(3)],
  cluster: [same('a'), same('b'), same('c')],
  'secret-file': [
    ['package.json', resolve('package.json')],
    ['tsconfig.json', resolve('tsconfig.json')],
    [resolve('README.md'), resolve('README.md')],
  ],
  insecure: [same(true), ['false', false], same(true)],
  'log-level': [same('fatal'), same('error'), same('warn')],
};

function same(value: Setting): readonly [Setting, Setting] {
  return [value, value];
}

for (const { name, environment: variable, standard } of nodeOptionTable) {
  test(`${name}: command line over environment over file over default`, async (t) => {
    const [[flag, ofFlag], [text, ofText], [member, ofMember]] = samples[name] as [
      readonly [unknown, Setting],
      readonly [string, Setting],
      readonly [unknown, Setting],
    ];
    const config = configFile(t, { [name]: member });
    const environment = { [variable]: `${text}` };
    t.deepEqual(of(await configured({ [name]: flag, config }, environment), name), [ofFlag, 'flag']);
    t.deepEqual(of(await configured({ config }, environment), name), [ofText, 'environment']);
    t.deepEqual(of(await configured({ config }), name), [ofMember, 'file']);
    const [value, source] = of(await configured({ config: configFile(t, {}) }), name);
    t.is(source, 'default');
    if (standard !== null) t.deepEqual(value, standard);
  });
}

test('what was found reaches the node under its own name', async (t) => {
  const config = configFile(
    t,
    {
      peers: '127.0.0.1',
      data: 'none',
      'max-lease': '30s',
      'max-memory': '16M',
      'worker-threads': 0,
      'secret-file': 'secret',
      'log-level': 'warn',
    },
    { secret: 'swordfish\n' },
  );
  const environment = { KEYVAL_INSECURE: '1', KEYVAL_NEW: 'true', KEYVAL_ON_LOSS: 'empty', KEYVAL_ZONE: 'a' };
  const { options, problems } = await configured({ config, replicas: '2', min: '1', reads: 'strict' }, environment);
  t.deepEqual(problems, []);
  t.deepEqual(options, {
    peers: ['127.0.0.1'],
    replicas: 2,
    min: 1,
    data: 'none',
    new: true,
    onLoss: 'empty',
    reads: 'strict',
    zone: 'a',
    maxLeaseMs: 30_000,
    maxMemoryBytes: 2 ** 24,
    workerThreads: 0,
    insecure: true,
    logLevel: 'warn',
    secret: new Uint8Array(Buffer.from('swordfish')),
  } satisfies NodeOptions);
});

test('KEYVAL_CONFIG names the file, --config another', async (t) => {
  const [first, second] = [configFile(t, { cluster: 'first' }), configFile(t, { cluster: 'second' })];
  t.deepEqual(of(await configured({}, { KEYVAL_CONFIG: first }), 'cluster'), ['first', 'file']);
  t.deepEqual(of(await configured({ config: second }, { KEYVAL_CONFIG: first }), 'cluster'), ['second', 'file']);
});

test('a path in the file is relative to the folder of the file', async (t) => {
  const config = configFile(t, { 'secret-file': './keys/../secret' }, { secret: 's' });
  const configuration = await configured({ config });
  t.deepEqual(configuration.problems, []);
  t.is(of(configuration, 'secret-file')[0], join(dirname(config), 'secret'));
  const folder = configFile(t, { data: 'state' });
  t.is(of(await configured({ config: folder }), 'data')[0], join(dirname(folder), 'state'));
  t.is(of(await configured({ config: configFile(t, { data: 'none' }) }), 'data')[0], 'none');
});

test('a variable that is set and empty says nothing', async (t) => {
  const empty = Object.fromEntries(nodeOptionTable.map(({ environment }) => [environment, '']));
  const configuration = await configured({}, { ...empty, KEYVAL_CONFIG: '' });
  t.deepEqual(configuration.problems, []);
  t.deepEqual(configuration.options, {});
});

/** What Kubernetes sets in every container for a service of that name with one port of that name. */
function serviceVariables(service: string, port: string): Environment {
  const prefix = service.toUpperCase().replaceAll('-', '_');
  const address = 'tcp://10.96.0.7:6234';
  return {
    [`${prefix}_SERVICE_HOST`]: '10.96.0.7',
    [`${prefix}_SERVICE_PORT`]: '6234',
    [`${prefix}_SERVICE_PORT_${port.toUpperCase()}`]: '6234',
    [`${prefix}_PORT`]: address,
    [`${prefix}_PORT_6234_TCP`]: address,
    [`${prefix}_PORT_6234_TCP_PROTO`]: 'tcp',
    [`${prefix}_PORT_6234_TCP_PORT`]: '6234',
    [`${prefix}_PORT_6234_TCP_ADDR`]: '10.96.0.7',
  };
}

test('what Kubernetes sets for services is not taken for configuration', async (t) => {
  const services = ['keyval', 'keyval-node', 'keyval-peers', 'keyval-listen', 'keyval-config', 'keyval-max'];
  const environment = Object.assign(
    {},
    ...services.map((service) => serviceVariables(service, 'peers')),
  ) as Environment;
  const configuration = await configured({}, environment);
  t.deepEqual(configuration.problems, []);
  t.deepEqual(configuration.options, {});
});

test('no variable has a form that a service of some name gives', (t) => {
  for (const { environment } of nodeOptionTable)
    t.notRegex(environment, /_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT$|_PORT_\d+_/, environment);
});

test('what is printed is a configuration file that means the same', async (t) => {
  const secret = configFile(t, {}, { secret: 'swordfish' }).replace('node.json', 'secret');
  const cases: readonly (readonly [Record<string, unknown>, Environment])[] = [
    [{}, {}],
    [{ peers: '127.0.0.1,a.example', port: '7000', 'secret-file': secret }, { KEYVAL_REPLICAS: '2' }],
    [{ listen: '0.0.0.0', advertise: 'a.example:1', insecure: true, 'max-memory': '1.5G' }, {}],
    [
      { peers: '127.0.0.1', data: 'state', min: '1', witness: false },
      { KEYVAL_ON_LOSS: 'empty', KEYVAL_NEW: '1' },
    ],
    [{ 'log-level': 'debug' }, { KEYVAL_PARTITIONS: '16', KEYVAL_CLUSTER: 'blue', KEYVAL_WORKER_THREADS: '0' }],
  ];
  for (const [flags, environment] of cases) {
    const first = await configured(flags, environment);
    t.deepEqual(first.problems, []);
    const printed = printedConfiguration(first.found);
    const again = await configured({ config: configFile(t, printed) });
    t.deepEqual(again.problems, []);
    t.deepEqual(
      again.found.map(({ option, value }) => [option.name, value]),
      first.found.map(({ option, value }) => [option.name, value]),
    );
  }
});

test('what is printed says where each value came from, and no secret', async (t) => {
  const config = configFile(t, { cluster: 'blue', 'secret-file': 'secret' }, { secret: 'swordfish' });
  const printed = printedConfiguration((await configured({ config, port: '0' }, { KEYVAL_REPLICAS: '2' })).found);
  const document = JSON.parse(printed) as Record<string, unknown>;
  t.like(document, { cluster: 'blue', port: 0, replicas: 2, listen: '127.0.0.1:0', partitions: 256 });
  t.like(document.$from, {
    cluster: `file ${config}`,
    'secret-file': `file ${config}`,
    port: 'flag --port',
    replicas: 'environment KEYVAL_REPLICAS',
    partitions: 'default',
    listen: 'default',
  });
  t.deepEqual(Object.keys(document), [...nodeOptionTable.map(({ name }) => name), '$from']);
  t.false(printed.includes('swordfish'));
});

/** Of a file with these contents, the problems without its path. */
async function problemsOf(t: ExecutionContext, content: unknown): Promise<string[]> {
  const config = configFile(t, content);
  const { problems } = await configured({ config });
  return problems.map((problem) => problem.replaceAll(dirname(config), '').replaceAll('/node.json', 'FILE'));
}

const mistakes: readonly (readonly [unknown, string])[] = [
  [{ peers: 5 }, 'FILE:1:10: peers is a list, or text with commas, not 5'],
  [{ peers: ['a', '1.2.3'] }, 'FILE:1:15: peers[1]: "1.2.3" is no address; write host, host:port or [v6]:port'],
  [{ peers: 'a,1.2.3' }, 'FILE:1:10: peers[1]: "1.2.3" is no address; write host, host:port or [v6]:port'],
  [{ peers: [null] }, 'FILE:1:11: peers[0]: null is no address; write host, host:port or [v6]:port'],
  [{ listen: 6234 }, 'FILE:1:11: listen: 6234 is no address; write host, host:port or [v6]:port'],
  [{ port: '6234' }, 'FILE:1:9: port is a whole number from 0 to 65535, not "6234"'],
  [{ port: 65_536 }, 'FILE:1:9: port is a whole number from 0 to 65535, not 65536'],
  [{ replicas: 2.5 }, 'FILE:1:13: replicas is a whole number from 1 to 7, not 2.5'],
  [{ replicas: null }, 'FILE:1:13: replicas is a whole number from 1 to 7, not null'],
  [{ partitions: 100 }, 'FILE:1:15: partitions is a power of two from 1 to 16384, not 100'],
  [{ 'max-memory': '4X' }, 'FILE:1:15: max-memory is a number of bytes (or 512K, 64M, 1.5G), not "4X"'],
  [{ 'max-memory': '1M' }, 'FILE: max-memory is 0 for no limit, or at least 16M, not 1048576'],
  [{ 'max-memory': -1 }, 'FILE:1:15: max-memory is a number of bytes (or 512K, 64M, 1.5G), not -1'],
  [{ cluster: 'a b' }, 'FILE:1:12: cluster is 1 to 64 letters, digits, dots, dashes or underscores, not "a b"'],
  [{ insecure: 'yes' }, 'FILE:1:13: insecure is true or false, not "yes"'],
  [{ 'log-level': 'loud' }, 'FILE:1:14: log-level is silent, fatal, error, warn, info, debug, not "loud"'],
  [{ 'secret-file': '' }, 'FILE:1:16: secret-file is the path of a file, not ""'],
  [{ repliacs: 3 }, 'FILE:1:13: unknown member "repliacs"; did you mean "replicas"?'],
  [{ maxMemory: 3 }, 'FILE:1:14: unknown member "maxMemory"; did you mean "max-memory"?'],
  [{ log_level: 'info' }, 'FILE:1:14: unknown member "log_level"; did you mean "log-level"?'],
  [[], 'FILE:1:1: a configuration is an object, {"option": value, …}, not []'],
  ['"x"', 'FILE:1:1: a configuration is an object, {"option": value, …}, not "x"'],
  ['{\n  "port": 1,\n}', 'FILE:3:1: a comma with nothing between it and the }'],
  [Uint8Array.of(0x7b, 0xff), '--config: FILE is not UTF-8'],
  [' '.repeat(65_537), '--config: FILE has more than 65536 bytes'],
  [{ 'secret-file': 'no' }, 'FILE: secret-file: /no does not exist'],
  [{ peers: ['a', 'a'] }, '--peers names a:6234 twice (--peers is from file FILE)'],
];
for (const [content, problem] of mistakes) {
  test(`mistake ${problem}`, async (t) => {
    t.deepEqual(await problemsOf(t, content), [problem]);
  });
}

test('an unknown member that resembles nothing: all that there are', async (t) => {
  for (const name of ['toString', '__proto__', 'constructor', 'xyz']) {
    const [problem = '', ...more] = await problemsOf(t, `{"${name}": 1}`);
    t.deepEqual(more, []);
    t.true(problem.startsWith(`FILE:1:${name.length + 6}: unknown member "${name}"; there are peers, listen`), problem);
  }
});

test('a mark at the start, blank lines and notes are no mistakes', async (t) => {
  t.deepEqual(await problemsOf(t, '\ufeff\r\n{"$schema": "x", "$from": {}, "listen": null}\n\n'), []);
});

test('a file that is not there, or a folder, is named with the way it was given', async (t) => {
  const { problems } = await configured({ config: '/does/not/exist' });
  t.deepEqual(problems, ['--config: /does/not/exist does not exist']);
  const folder = await configured({}, { KEYVAL_CONFIG: '/' });
  t.regex(folder.problems.join(), /^KEYVAL_CONFIG: . is a folder, not a file/);
});

test('mistakes in variables name the variable and what it takes', async (t) => {
  const { problems } = await configured(
    {},
    { KEYVAL_PORT_NUMBER: 'tcp://1', KEYVAL_INSECURE: 'maybe', KEYVAL_PEERS: 'a,', KEYVAL_LOG_LEVEL: 'loud' },
  );
  t.deepEqual(problems, [
    "KEYVAL_PEERS: '' is no address; write host, host:port or [v6]:port",
    "KEYVAL_PORT_NUMBER is a whole number from 0 to 65535, not 'tcp://1'",
    "KEYVAL_INSECURE is true or false, not 'maybe'",
    "KEYVAL_LOG_LEVEL is silent, fatal, error, warn, info, debug, not 'loud'",
  ]);
});

test('every mistake of every source is found, in the order of the sources and of the file', async (t) => {
  const config = configFile(t, '{\n"port": -1,\n"prot": 1,\n"secret-file": "no",\n"replicas": 0}');
  const { problems } = await configured({ config, cluster: '' }, { KEYVAL_PARTITIONS: '3' });
  t.deepEqual(
    problems.map((problem) => problem.replace(dirname(config), '').split(' ')[0]),
    ['--cluster', 'KEYVAL_PARTITIONS', '/node.json:2:9:', '/node.json:3:9:', '/node.json:5:13:', '/node.json:'],
  );
});

test('a mistake counts also where another source comes first', async (t) => {
  const { problems } = await configured({ port: '1' }, { KEYVAL_PORT_NUMBER: 'x' });
  t.deepEqual(problems, ["KEYVAL_PORT_NUMBER is a whole number from 0 to 65535, not 'x'"]);
});

test('a mistake about the peers does not hide a missing secret', async (t) => {
  const { problems } = await configured({ peers: 'a.example,b.example', listen: '192.0.2.1' });
  t.is(problems.length, 2);
  t.regex(problems[0] ?? '', /--listen 192\.0\.2\.1:6234 is not among --peers/);
  t.regex(problems[1] ?? '', /--secret-file FILE/);
});

test('--check-config finds an address that is not of this machine', async (t) => {
  const raw = { _: [], listen: '192.0.2.1', insecure: true };
  const { problems } = await nodeConfiguration(raw, {}, { tryAddress: true });
  t.deepEqual(problems, ['--listen 192.0.2.1:6234 is not an address of this machine']);
  t.deepEqual((await nodeConfiguration({ _: [] }, {}, { tryAddress: true })).problems, []);
});
