/** The options of `keyval-node`. It reads no environment variables: what a node is stands on its command line. */
import { DEFAULT_PORT } from '../../base/address.ts';
import type { LogLevel } from '../../base/ports.ts';
import type { NodeOptions } from '../../index.ts';
import { readSecretFile } from '../../io/files.ts';
import { DEFAULT_CLUSTER, DEFAULT_CONNECTIONS_MAX, DEFAULT_PARTITIONS, DEFAULT_REPLICAS } from '../../node/settings.ts';
import { commandLine, explainMistake, flag, type OptionTable, splitAtDashes, valued } from '../shared/command-line.ts';
import { type RawValues, usage, Values } from '../shared/values.ts';

const NAME = 'keyval-node';

const logLevels: readonly (LogLevel | 'silent')[] = ['silent', 'fatal', 'error', 'warn', 'info', 'debug'];

const options: OptionTable = {
  peers: valued(
    'all nodes of the cluster, this one included, with commas: host, host:port, [v6]:port',
    'a cluster of one',
  ),
  listen: valued(
    "address to listen on; default: the only one of --peers that is this machine's, without --peers 127.0.0.1",
  ),
  advertise: valued('address by which the other nodes know this one', 'as --listen'),
  port: valued('port of all addresses that name none', `${DEFAULT_PORT}`),
  replicas: valued('copies of each key, at most one per node', `${DEFAULT_REPLICAS}`),
  partitions: valued('parts that the keys are divided into, a power of two', `${DEFAULT_PARTITIONS}`),
  'max-memory': valued('bytes for keys and all around them, or 512M, 4G; 0: no limit', '0'),
  'max-connections': valued('clients at a time', `${DEFAULT_CONNECTIONS_MAX}`),
  cluster: valued('name of the cluster', DEFAULT_CLUSTER),
  'secret-file': valued('file with the secret that nodes and clients share'),
  insecure: flag('listen beyond this machine without a secret'),
  'log-level': valued(logLevels.join(', '), 'info'),
};

const EPILOGUE = `The log goes to standard output, one JSON object a line. SIGTERM and SIGINT finish what is in flight and stop the node.
Exit codes: 0 stopped, 1 error (the address is in use), 2 usage, 70 uncaught error.
Keys live in memory: stopping all nodes loses them.`;

/**
 * What the command line asks for; null when it asked for help or the version, and got it.
 * @throws KeyvalError KV_USAGE
 */
export async function nodeCommandLine(argv: readonly string[]): Promise<NodeOptions | null> {
  const { args, rest } = splitAtDashes(argv);
  const raw = await parse(args);
  const surplus = [...raw._, ...(rest ?? [])][0];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; see ${NAME} --help`);
  return raw.help === true || raw.version === true ? null : nodeOptionsOf(new Values(raw));
}

async function parse(args: readonly string[]): Promise<RawValues> {
  try {
    const parser = commandLine(NAME, args)
      .usage(`Usage: ${NAME} [options]\n\nStarts one node of a keyval cluster.`)
      .options(options)
      .example([
        [NAME, `a cluster of one on 127.0.0.1:${DEFAULT_PORT}`],
        [`${NAME} --peers 10.0.0.1,10.0.0.2,10.0.0.3 --secret-file secret`, 'the same line on three machines'],
        [`${NAME} --peers 127.0.0.1,127.0.0.2 --listen 127.0.0.2`, 'one of two nodes on one machine'],
      ])
      .epilogue(EPILOGUE);
    return (await parser.parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NAME, args, [...Object.keys(options), 'help', 'version'], error);
  }
}

async function nodeOptionsOf(values: Values): Promise<NodeOptions> {
  const secretFile = values.text('secret-file');
  return present({
    peers: values.list('peers'),
    listen: values.text('listen'),
    advertise: values.text('advertise'),
    port: values.whole('port'),
    replicas: values.whole('replicas'),
    partitions: values.whole('partitions'),
    maxMemoryBytes: values.byteSize('max-memory'),
    maxConnections: values.whole('max-connections'),
    cluster: values.text('cluster'),
    secret: secretFile === undefined ? undefined : await readSecretFile(secretFile),
    insecure: values.flag('insecure'),
    logLevel: values.oneOf('log-level', logLevels),
  });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what was not given. */
function present<T extends object>(given: T): Present<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Present<T>;
}
