/** What a node is told when it starts, after the command line or the program has been checked. */

export interface NodeSettings {
  readonly cluster: string;
  /** Own address, as the others know it: `host:port`. */
  readonly address: string;
  /** All members' addresses, own included, sorted. */
  readonly members: readonly string[];
  readonly partitions: number;
  readonly replicas: number;
  readonly secret: Uint8Array | null;
  /** 0: no limit. */
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  /** Version of the package, for status. */
  readonly version: string;
}

export const DEFAULT_PARTITIONS = 256;
export const DEFAULT_REPLICAS = 3;
export const DEFAULT_CONNECTIONS_MAX = 10_000;
export const DEFAULT_CLUSTER = 'keyval';
