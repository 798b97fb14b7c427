/**
 * Who may import whom: the table. Paths are below src/; one that ends with a slash is a folder and all in it, any other is
 * a file. The first row that fits a file counts.
 */
export interface Layer {
  readonly files: string;
  /** What it may import. */
  readonly may: readonly string[];
  /** What it may import with `import type` only. */
  readonly mayTypes?: readonly string[];
  /** Which modules of Node.js: none, all but the ones of `ioModules`, or all. */
  readonly builtins: 'none' | 'pure' | 'all';
  /** Whether it may use the packages of `dependencies`. */
  readonly packages: boolean;
}

/** Pure and synchronous: the simulator runs them by seed. */
export const cores = ['store', 'lock', 'replication', 'cluster', 'raft', 'membership', 'vine'] as const;

/** The edges a client runs on: real sockets, clocks and randomness. They are all of io/ that its entry point loads. */
export const clientEdges: readonly string[] = ['io/tcp-transport.ts', 'io/clock.ts', 'io/random.ts'];

const messages: readonly string[] = cores.map((core) => `${core}/messages.ts`);
const coreFolders: readonly string[] = cores.map((core) => `${core}/`);

export const layers: readonly Layer[] = [
  { files: 'errors.ts', may: [], builtins: 'none', packages: false },
  { files: 'base/', may: ['base/'], builtins: 'none', packages: false },
  ...cores.map(
    (core): Layer => ({
      files: `${core}/`,
      may: [`${core}/`, 'base/', 'errors.ts'],
      builtins: 'none',
      packages: false,
    }),
  ),
  {
    files: 'bulk/',
    may: ['bulk/', 'base/', 'errors.ts', 'protocol/limits.ts'],
    mayTypes: ['protocol/node-facts.ts'],
    builtins: 'pure',
    packages: false,
  },
  {
    files: 'protocol/',
    may: ['protocol/', 'base/', 'errors.ts'],
    mayTypes: messages,
    builtins: 'pure',
    packages: false,
  },
  {
    files: 'node/',
    may: ['node/', ...coreFolders, 'base/', 'bulk/', 'protocol/', 'errors.ts'],
    builtins: 'pure',
    packages: true,
  },
  ...clientEdges.map((files): Layer => ({ files, may: ['base/ports.ts'], builtins: 'all', packages: false })),
  {
    files: 'io/',
    may: ['io/', 'base/address.ts', 'base/ports.ts', 'base/turn.ts', 'bulk/', 'protocol/', 'errors.ts'],
    builtins: 'all',
    packages: true,
  },
  {
    files: 'client/index.ts',
    may: ['client/', 'base/', 'protocol/', 'errors.ts', ...clientEdges],
    builtins: 'pure',
    packages: false,
  },
  // The client's other thread: an entry point as well.
  {
    files: 'client/renewal/worker.ts',
    may: ['client/', 'base/', 'protocol/', 'errors.ts', ...clientEdges],
    builtins: 'pure',
    packages: false,
  },
  {
    files: 'client/',
    may: ['client/', 'base/', 'protocol/', 'errors.ts'],
    builtins: 'pure',
    packages: false,
  },
  {
    files: 'archive/',
    may: ['archive/', 'node/', 'base/', 'errors.ts'],
    builtins: 'pure',
    packages: true,
  },
  {
    files: 'door/',
    may: ['door/', 'node/', 'base/', 'protocol/', 'errors.ts'],
    builtins: 'pure',
    packages: true,
  },
  { files: 'dashboard/', may: ['dashboard/'], mayTypes: ['node/'], builtins: 'none', packages: true },
  {
    files: 'testing/checkers/',
    may: ['testing/checkers/', 'base/', 'errors.ts'],
    builtins: 'all',
    packages: false,
  },
  {
    files: 'testing/',
    may: ['testing/', 'cluster/', 'node/', 'client/', 'replication/', 'protocol/', 'bulk/', 'base/', 'errors.ts'],
    builtins: 'pure',
    packages: false,
  },
  {
    files: 'node-options.ts',
    may: ['base/', 'node/', 'errors.ts'],
    builtins: 'pure',
    packages: false,
  },
  { files: 'version.ts', may: [], builtins: 'pure', packages: false },
  {
    files: 'start-node.ts',
    may: ['node-options.ts', 'version.ts', 'node/', 'client/', 'io/', 'door/', 'base/', 'errors.ts'],
    builtins: 'pure',
    packages: true,
  },
  {
    files: 'index.ts',
    may: [
      'start-node.ts',
      'node-options.ts',
      'version.ts',
      'node/',
      'client/',
      'io/',
      'archive/',
      'door/',
      'base/',
      'protocol/',
      'errors.ts',
    ],
    builtins: 'pure',
    packages: true,
  },
  {
    files: 'cli/',
    may: [
      'cli/',
      'index.ts',
      'start-node.ts',
      'node-options.ts',
      'version.ts',
      'node/',
      'client/',
      'io/',
      'archive/',
      'door/',
      'base/',
      'bulk/',
      'protocol/',
      'errors.ts',
    ],
    builtins: 'pure',
    packages: true,
  },
];

/** Modules that reach the world or the clock; at home in io/ only. */
export const ioModules: readonly string[] = [
  'net',
  'tls',
  'dgram',
  'http',
  'http2',
  'https',
  'fs',
  'fs/promises',
  'timers',
  'timers/promises',
];

export function layerOf(path: string): Layer | undefined {
  return layers.find((layer) => covers(layer.files, path));
}

/** Whether `path` is the file `entry`, or in the folder `entry`. */
export function covers(entry: string, path: string): boolean {
  return entry.endsWith('/') ? path.startsWith(entry) : path === entry;
}
