/** The options of `keyval-node`: the one table from which command line, variables, file, help and completion derive. */
import { DEFAULT_PORT } from '../../base/address.ts';
import { SLOTS } from '../../base/hash-slot.ts';
import type { NodeOptions } from '../../index.ts';
import {
  DEFAULT_CLUSTER,
  DEFAULT_CONNECTIONS_MAX,
  DEFAULT_DEADLOCK_AFTER_MS,
  DEFAULT_DEADLOCK_PERIOD_MS,
  DEFAULT_MAX_LEASE_MS,
  DEFAULT_PARTITIONS,
  DEFAULT_REPLICAS,
} from '../../node/settings.ts';
import {
  CLUSTER_FORM,
  CLUSTER_RULE,
  CONNECTIONS_MAX,
  logLevels,
  lossPolicies,
  NO_DATA,
  PORT_MAX,
  REPLICAS_MAX,
  readModes,
  WORKER_THREADS_MAX,
  ZONE_FORM,
  ZONE_RULE,
} from '../../node-options.ts';
import {
  address,
  addresses,
  choice,
  directory,
  onOff,
  path,
  powerOfTwo,
  size,
  text,
  time,
  whole,
} from '../config/kinds.ts';
import { type ConfigOption, yargsOptions } from '../config/option.ts';
import { flag, type OptionTable, valued } from '../shared/command-line.ts';

/** An option and the member of NodeOptions that it gives. The secret has none: it is read from its file. */
export interface NodeOption extends ConfigOption {
  readonly field: Exclude<keyof NodeOptions, 'secret'> | null;
  readonly environment: string;
}

export const NODE_PROGRAM = 'keyval-node';

/** The variable that names the file. */
export const NODE_FILE_VARIABLE = 'KEYVAL_CONFIG';

export const nodeOptionTable: readonly NodeOption[] = [
  {
    name: 'peers',
    field: 'peers',
    environment: 'KEYVAL_PEERS',
    kind: addresses(),
    standard: [],
    standardText: 'a cluster of one',
    describe: 'all nodes of the cluster, this one included',
  },
  {
    name: 'listen',
    field: 'listen',
    environment: 'KEYVAL_LISTEN',
    kind: address(),
    standard: null,
    standardText: "the only one of the peers that is this machine's; without peers 127.0.0.1",
    describe: 'address to listen on',
  },
  {
    name: 'advertise',
    field: 'advertise',
    environment: 'KEYVAL_ADVERTISE',
    kind: address(),
    standard: null,
    standardText: 'as listen',
    describe: 'address by which the other nodes know this one',
  },
  {
    name: 'port',
    field: 'port',
    environment: 'KEYVAL_PORT_NUMBER',
    kind: whole(0, PORT_MAX),
    standard: DEFAULT_PORT,
    describe: 'port of all addresses that name none',
  },
  {
    name: 'replicas',
    field: 'replicas',
    environment: 'KEYVAL_REPLICAS',
    kind: whole(1, REPLICAS_MAX),
    standard: DEFAULT_REPLICAS,
    describe: 'copies of each key, at most one per node',
  },
  {
    name: 'min',
    field: 'min',
    environment: 'KEYVAL_MIN',
    kind: whole(1, REPLICAS_MAX),
    standard: null,
    standardText: '2, or as many as there can be',
    describe: 'least copies that must hold a write',
  },
  {
    name: 'partitions',
    field: 'partitions',
    environment: 'KEYVAL_PARTITIONS',
    kind: powerOfTwo(SLOTS),
    standard: DEFAULT_PARTITIONS,
    describe: 'parts that the keys are divided into',
  },
  {
    name: 'data',
    field: 'data',
    environment: 'KEYVAL_DATA',
    kind: directory(NO_DATA),
    standard: null,
    standardText: './keyval-data/HOST-PORT; with port 0 none',
    describe: 'where the node keeps its identity and its votes; the keys live in memory',
  },
  {
    name: 'new',
    field: 'new',
    environment: 'KEYVAL_NEW',
    kind: onOff(),
    standard: null,
    standardText: 'off; on for a node that is alone and keeps nothing',
    describe: 'there was no such cluster before: found it, and grant locks, at once',
  },
  {
    name: 'on-loss',
    field: 'onLoss',
    environment: 'KEYVAL_ON_LOSS',
    kind: choice(lossPolicies),
    standard: null,
    standardText: 'stop; for a cluster of one empty',
    describe: 'when every copy of a key is gone, wait for an operator, or begin anew and empty',
  },
  {
    name: 'reads',
    field: 'reads',
    environment: 'KEYVAL_READS',
    kind: choice(readModes),
    standard: 'lease',
    describe: 'how reads are confirmed that do not say it: by a round to the others, or by a lease',
  },
  {
    name: 'zone',
    field: 'zone',
    environment: 'KEYVAL_ZONE',
    kind: text(ZONE_RULE, ZONE_FORM),
    standard: null,
    describe: 'place of the node, shown in listings; copies are not spread by it yet',
  },
  {
    name: 'witness',
    field: 'witness',
    environment: 'KEYVAL_WITNESS',
    kind: onOff(),
    standard: false,
    describe: 'vote only, keep no keys',
  },
  {
    name: 'max-lease',
    field: 'maxLeaseMs',
    environment: 'KEYVAL_MAX_LEASE',
    kind: time(1),
    standard: DEFAULT_MAX_LEASE_MS,
    standardText: '60s',
    describe: 'longest lease of a lock, 1s to 60s',
  },
  {
    name: 'deadlock-period',
    field: 'deadlockPeriodMs',
    environment: 'KEYVAL_DEADLOCK_PERIOD',
    kind: time(0),
    standard: DEFAULT_DEADLOCK_PERIOD_MS,
    standardText: '1s',
    describe: 'how often deadlocks are looked for, 0 for never',
  },
  {
    name: 'deadlock-after',
    field: 'deadlockAfterMs',
    environment: 'KEYVAL_DEADLOCK_AFTER',
    kind: time(0),
    standard: DEFAULT_DEADLOCK_AFTER_MS,
    standardText: '500ms',
    describe: 'how long a wait for a lock must have lasted to be part of a deadlock',
  },
  {
    name: 'max-memory',
    field: 'maxMemoryBytes',
    environment: 'KEYVAL_MAX_MEMORY',
    kind: size(),
    standard: 0,
    describe: 'memory for keys and all around them, 0 for no limit',
  },
  {
    name: 'max-connections',
    field: 'maxConnections',
    environment: 'KEYVAL_MAX_CONNECTIONS',
    kind: whole(1, CONNECTIONS_MAX),
    standard: DEFAULT_CONNECTIONS_MAX,
    describe: 'clients at a time',
  },
  {
    name: 'worker-threads',
    field: 'workerThreads',
    environment: 'KEYVAL_WORKER_THREADS',
    kind: whole(0, WORKER_THREADS_MAX),
    standard: null,
    standardText: 'none with one or two processors, else one less than there are, at most 4',
    describe: 'threads for imports, exports and digests, 0 for none',
  },
  {
    name: 'cluster',
    field: 'cluster',
    environment: 'KEYVAL_CLUSTER',
    kind: text(CLUSTER_RULE, CLUSTER_FORM),
    standard: DEFAULT_CLUSTER,
    describe: 'name of the cluster',
  },
  {
    name: 'secret-file',
    field: null,
    environment: 'KEYVAL_SECRET_FILE',
    kind: path(),
    standard: null,
    describe: 'file with the secret that nodes and clients share',
  },
  {
    name: 'insecure',
    field: 'insecure',
    environment: 'KEYVAL_INSECURE',
    kind: onOff(),
    standard: false,
    describe: 'listen beyond this machine without a secret',
  },
  {
    name: 'log-level',
    field: 'logLevel',
    environment: 'KEYVAL_LOG_LEVEL',
    kind: choice(logLevels),
    standard: 'info',
    describe: 'the least that is logged',
  },
];

/** All that the command line takes. */
export const nodeCommandOptions: OptionTable = {
  ...yargsOptions(nodeOptionTable),
  config: valued('file with options: a JSON object with their names as members', undefined, 'files'),
  'print-config': flag('print the configuration and where each value came from; start nothing'),
  'check-config': flag('check the configuration and list all mistakes; start nothing'),
  'config-schema': flag('print the JSON Schema of the file; start nothing'),
};
