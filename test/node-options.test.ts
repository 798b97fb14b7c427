import { networkInterfaces } from 'node:os';
import test from 'ava';
import type { KeyvalError } from '../src/errors.ts';
import {
  type CheckedNodeOptions,
  checkNodeOptions,
  defaultWorkerThreads,
  type NodeOptions,
  optionsOfProcess,
} from '../src/node-options.ts';

function check(options: NodeOptions = {}): CheckedNodeOptions {
  return checkNodeOptions(options, '1.2.3');
}

/** Code and message of the refusal. */
function refusal(options: Record<string, unknown>): string {
  try {
    check(options as NodeOptions);
    return 'nothing';
  } catch (error) {
    return `${(error as KeyvalError).code}: ${(error as KeyvalError).message}`;
  }
}

/** Names are never taken for this machine's own. */
const STRANGERS = ['one.example', 'two.example'];

test('alone, with nothing said: a cluster of one on this machine', (t) => {
  t.deepEqual(check(), {
    settings: {
      cluster: 'keyval',
      address: '127.0.0.1:6234',
      members: ['127.0.0.1:6234'],
      partitions: 256,
      replicas: 3,
      secret: null,
      memoryBytesMax: 0,
      connectionsMax: 10_000,
      minInSync: 2,
      isNew: true,
      onLoss: 'empty',
      reads: 'lease',
      zone: '',
      isWitness: false,
      maxLeaseMs: 60_000,
      deadlockPeriodMs: 1000,
      deadlockAfterMs: 500,
      version: '1.2.3',
    },
    listen: { host: '127.0.0.1', port: 6234 },
    data: null,
    workerThreads: defaultWorkerThreads(),
    logLevel: 'info',
  });
});

test('what is given is taken', (t) => {
  const given: NodeOptions = {
    cluster: 'a.B-c_9',
    partitions: 16,
    replicas: 1,
    secret: 'shared',
    maxMemoryBytes: 2 ** 40,
    maxConnections: 5,
    logLevel: 'silent',
    port: 0,
  };
  const { settings, listen, logLevel } = check(given);
  t.like(settings, { cluster: 'a.B-c_9', partitions: 16, replicas: 1, memoryBytesMax: 2 ** 40, connectionsMax: 5 });
  t.deepEqual(settings.secret, new Uint8Array(Buffer.from('shared')));
  t.deepEqual(listen, { host: '127.0.0.1', port: 0 });
  t.is(logLevel, 'silent');
  t.deepEqual(check({ secret: Uint8Array.of(1) }).settings.secret, Uint8Array.of(1));
});

test('members are the same text on every node, and sorted', (t) => {
  const peers = ['127.0.0.1', `${STRANGERS[0]}:6234`, 'B.example:7000', '[2001:DB8::1]'];
  const members = ['127.0.0.1:6234', '[2001:db8::1]:6234', 'b.example:7000', 'one.example:6234'];
  t.deepEqual(check({ peers }).settings.members, members);
  t.deepEqual(check({ peers: [...peers].reverse() }).settings.members, members);
});

test('a port that an address does not name is that of --port', (t) => {
  const { settings, listen } = check({ peers: ['127.0.0.1', `${STRANGERS[0]}:7`], port: 9000 });
  t.deepEqual(settings.members, ['127.0.0.1:9000', 'one.example:7']);
  t.is(settings.address, '127.0.0.1:9000');
  t.is(listen.port, 9000);
});

test('the only peer that is this machine is where it listens', (t) => {
  t.like(check({ peers: ['127.0.0.1', ...STRANGERS] }), { listen: { host: '127.0.0.1', port: 6234 } });
  t.like(check({ peers: ['[::1]:7000', ...STRANGERS] }), {
    listen: { host: '::1', port: 7000 },
    settings: { address: '[::1]:7000' },
  });
  t.like(check({ peers: ['localhost', ...STRANGERS] }), { settings: { address: 'localhost:6234' } });
});

test('an address of a network card is this machine too', (t) => {
  const outward = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = outward.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (own === undefined) return t.pass('this machine has no network card');
  const { listen, settings } = check({ peers: [own, ...STRANGERS], insecure: true });
  t.is(listen.host, own);
  t.is(settings.address, `${own}:6234`);
});

test('which peer this node is can be said', (t) => {
  const peers = ['127.0.0.1', '127.0.0.2'];
  t.is(check({ peers, listen: '127.0.0.2' }).settings.address, '127.0.0.2:6234');
  const behind = check({ peers: STRANGERS, listen: '127.0.0.9:7000', advertise: 'two.example' });
  t.deepEqual(behind.listen, { host: '127.0.0.9', port: 7000 });
  t.is(behind.settings.address, 'two.example:6234');
});

test('alone, it may be known by another address than it listens on', (t) => {
  const { settings, listen } = check({ advertise: 'db.example:7000' });
  t.deepEqual(settings.members, ['db.example:7000']);
  t.deepEqual(listen, { host: '127.0.0.1', port: 6234 });
});

test('several peers are this machine: the line to use is printed', (t) => {
  t.is(
    refusal({ peers: ['127.0.0.2', '127.0.0.1', 'one.example'] }),
    'KV_USAGE: several of --peers are addresses of this machine; say which one this node is: ' +
      '--peers 127.0.0.1:6234,127.0.0.2:6234,one.example:6234 --listen 127.0.0.1:6234',
  );
});

test('no peer is this machine: the line to use is printed', (t) => {
  t.is(
    refusal({ peers: STRANGERS }),
    'KV_USAGE: none of --peers one.example:6234,two.example:6234 is an address of this machine; say which one it is: ' +
      '--listen ADDRESS --advertise one.example:6234',
  );
});

test('a node is one of its peers', (t) => {
  const peers = ['127.0.0.1', '127.0.0.2'];
  t.regex(refusal({ peers, listen: '127.0.0.3' }), /^KV_USAGE: --listen 127\.0\.0\.3:6234 is not among --peers 127/);
  t.regex(
    refusal({ peers, listen: '127.0.0.1', advertise: 'a.example' }),
    /^KV_USAGE: --advertise a\.example:6234 is not among --peers 127.*list all nodes, this one included/,
  );
  t.regex(refusal({ peers, listen: '127.0.0.1:7000' }), /^KV_USAGE: --listen 127\.0\.0\.1:7000 is not among/);
});

test('listening beyond this machine needs a secret, or to be told that it needs none', (t) => {
  for (const listen of ['0.0.0.0', '[::]:6234', 'one.example', 'host.example']) {
    const said = refusal({ listen });
    t.regex(said, /^KV_USAGE: listening on .* needs --secret-file FILE .* or --insecure/);
    t.is(refusal({ listen, secret: 'shared' }), 'nothing');
    t.is(refusal({ listen, insecure: true }), 'nothing');
  }
  for (const listen of ['127.0.0.1', '127.255.255.254', '::1', '[::1]:7000', 'localhost']) {
    t.is(refusal({ listen }), 'nothing');
  }
});

test('a bad address is refused, and the message says where it stands and what one looks like', (t) => {
  for (const bad of ['', '1.2.3', '256.0.0.1', 'a:70000', 'a b', '[::1', '1:2:3', 'a,b', 'http://a', 'a:']) {
    const form = `'${bad}' is no address; write host, host:port or [v6]:port`;
    t.is(refusal({ peers: ['127.0.0.1', bad] }), `KV_USAGE: --peers: ${form}`);
    t.is(refusal({ listen: bad }), `KV_USAGE: --listen: ${form}`);
    t.is(refusal({ advertise: bad }), `KV_USAGE: --advertise: ${form}`);
  }
});

test('a list of peers that cannot be is refused', (t) => {
  t.is(refusal({ peers: ['a', 'b', 'A:6234'] }), 'KV_USAGE: --peers names a:6234 twice');
  t.is(refusal({ peers: ['127.0.0.1', 'a:0'] }), 'KV_USAGE: --peers: a:0 has no port that others could dial');
  const many = Array.from({ length: 101 }, (_, index) => `host${index}`);
  t.is(refusal({ peers: many }), 'KV_USAGE: --peers names 101 nodes; at most 100 are possible');
});

test('numbers that cannot be are refused, with the option and what it may be', (t) => {
  const cases: [string, string, readonly unknown[]][] = [
    ['port', '--port is a whole number from 0 to 65535', [-1, 65_536, 1.5, '6234', Number.NaN]],
    ['replicas', '--replicas is a whole number from 1 to 7', [0, 8, 2.5, '3']],
    ['maxMemoryBytes', `--max-memory is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, [-1, 0.5, 2 ** 60, '1g']],
    ['maxConnections', '--max-connections is a whole number from 1 to 1000000', [0, -1, 1_000_001, '9']],
    ['partitions', '--partitions is a power of two from 1 to 16,384', [0, 3, 100, 32_768, -2, 1.5, '256']],
  ];
  for (const [option, rule, values] of cases) {
    for (const value of values) t.is(refusal({ [option]: value }), `KV_USAGE: ${rule}, not ${value}`);
  }
  for (const partitions of [1, 2, 16_384]) t.is(check({ partitions }).settings.partitions, partitions);
});

test('a name of a cluster that cannot be is refused', (t) => {
  for (const cluster of ['', 'a b', 'ü', 'x'.repeat(65), 'a\n', 'a/b']) {
    t.regex(
      refusal({ cluster }),
      /^KV_USAGE: --cluster is 1 to 64 letters, digits, dots, dashes or underscores, not '/,
    );
  }
  t.is(check({ cluster: 'x'.repeat(64) }).settings.cluster.length, 64);
});

test('an empty secret is refused', (t) => {
  t.regex(refusal({ secret: '' }), /^KV_USAGE: .*secret.*empty/);
  t.regex(refusal({ secret: new Uint8Array(0) }), /^KV_USAGE: .*secret.*empty/);
});

test('an IPv6 address written in two ways is one member', (t) => {
  t.regex(refusal({ peers: ['::1', '0:0:0:0:0:0:0:1', STRANGERS[0]] }), /^KV_USAGE: --peers names .* twice/);
});

test('listening everywhere: the line to use is printed', (t) => {
  const said = refusal({ peers: STRANGERS, listen: '0.0.0.0', insecure: true });
  t.regex(said, /--advertise one\.example:6234/);
});

test('worker threads by default: where there are processors to spare', (t) => {
  t.deepEqual([1, 2, 3, 4, 5, 64].map(defaultWorkerThreads), [0, 0, 2, 3, 4, 4]);
});

const pair = { peers: ['127.0.0.1', '127.0.0.2'], listen: '127.0.0.1' } as const;

test('with peers a node has a past, and keeps its state beside it', (t) => {
  t.like(check(pair), { data: './keyval-data/127.0.0.1-6234', settings: { isNew: false, onLoss: 'stop' } });
  t.like(check({ ...pair, data: '/var/lib/keyval', new: true, onLoss: 'empty' }), {
    data: '/var/lib/keyval',
    settings: { isNew: true, onLoss: 'empty' },
  });
  const joins = check({ ...pair, data: 'none' });
  t.is(joins.data, null);
  t.false(joins.settings.isNew);
});

test('the name of the directory is that of the address, without what file systems may not take', (t) => {
  const directoryOf = (listen: string): unknown => optionsOfProcess({ listen }).data;
  t.is(directoryOf('127.0.0.1'), './keyval-data/127.0.0.1-6234');
  t.is(directoryOf('[::1]:7000'), './keyval-data/__1-7000');
  t.is(directoryOf('localhost:7'), './keyval-data/localhost-7');
});

test('what nobody knows, or is of another kind, is refused', (t) => {
  t.is(refusal({ prot: 6234 }), "KV_USAGE: startNode: unknown option 'prot'; did you mean port?");
  t.is(refusal(null as never), 'KV_USAGE: startNode: options are an object, not null');
  for (const [name, value, rule] of [
    ['peers', '127.0.0.1', "a list of strings, not '127.0.0.1'"],
    ['listen', 5, 'a string, not 5'],
    ['cluster', 5, 'a string, not 5'],
    ['data', null, 'a string, not null'],
    ['secret', 5, 'a string or a Uint8Array, not 5'],
    ['insecure', 'no', "true or false, not 'no'"],
    ['new', 'no', "true or false, not 'no'"],
    ['witness', 0, 'true or false, not 0'],
  ] as const)
    t.is(refusal({ [name]: value }), `KV_USAGE: startNode: ${name} is ${rule}`);
  t.is(refusal({ logLevel: 'loud' }), "KV_USAGE: --log-level is silent, fatal, error, warn, info, debug, not 'loud'");
});

test('a process keeps its state also when it is alone, unless its port is a passing one', (t) => {
  t.is(optionsOfProcess({}).data, './keyval-data/127.0.0.1-6234');
  t.is(optionsOfProcess(pair).data, './keyval-data/127.0.0.1-6234');
  t.is(optionsOfProcess({ port: 0 }).data, 'none');
  t.is(optionsOfProcess({ data: 'here' }).data, 'here');
  t.false(check(optionsOfProcess({})).settings.isNew);
  t.true(check(optionsOfProcess({ port: 0 })).settings.isNew);
});

test('the copies that must hold a write are at most those there are', (t) => {
  t.is(check({ replicas: 1 }).settings.minInSync, 1, 'nobody asked for two');
  t.is(check({ replicas: 5, min: 5 }).settings.minInSync, 5);
  t.is(
    refusal({ replicas: 2, min: 3 }),
    'KV_USAGE: --min 3 is more than the copies there are, --replicas 2: no write could ever succeed',
  );
  t.is(refusal({ min: 0 }), 'KV_USAGE: --min is a whole number from 1 to 7, not 0');
});

test('what a node is and does is one of a few words', (t) => {
  t.is(refusal({ onLoss: 'panic' }), "KV_USAGE: --on-loss is stop, empty, not 'panic'");
  t.is(refusal({ reads: 'dirty' }), "KV_USAGE: --reads is strict, lease, not 'dirty'");
  t.is(refusal({ data: '' }), "KV_USAGE: --data is the path of a directory, or none, not ''");
  for (const zone of ['', 'a b', 'ü', 'x'.repeat(65)])
    t.regex(refusal({ zone }), /^KV_USAGE: --zone is 1 to 64 letters/);
  t.like(check({ reads: 'strict', zone: 'eu-1' }).settings, { reads: 'strict', zone: 'eu-1' });
});

test('the longest lease is between a second and a minute', (t) => {
  for (const maxLeaseMs of [1000, 60_000]) t.is(check({ maxLeaseMs }).settings.maxLeaseMs, maxLeaseMs);
  for (const maxLeaseMs of [0, 60, 999, 60_001, 1000.5, Number.NaN])
    t.is(refusal({ maxLeaseMs }), `KV_USAGE: --max-lease is a time from 1s to 60s, not ${maxLeaseMs}ms`);
});

test('a node that could never begin is refused, and told what to do', (t) => {
  t.regex(refusal({ data: 'none', new: false }), /^KV_USAGE: --data none without --new: .* founds no cluster/);
  t.regex(refusal({ witness: true }), /^KV_USAGE: --witness votes and keeps no keys: .*--peers/);
  t.regex(
    refusal({ ...pair, witness: true, data: 'none' }),
    /^KV_USAGE: --witness with --data none: .*name a directory/,
  );
  t.true(check({ ...pair, witness: true }).settings.isWitness);
  t.is(refusal({ ...pair, witness: true, data: 'none', new: true }), 'nothing');
});
