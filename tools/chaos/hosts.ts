/**
 * Who calls from where. Each party has a loopback address of its own, so that a relay knows who calls; all on one port.
 *
 *     127.0.0.11 …   nodes, where they listen and call from
 *     127.0.1.11 …   their relays: what members and clients know a node by
 *     127.0.2.11 …   clients of the load
 *     127.0.3.11     the tool itself, which nothing is done to
 */

const FIRST = 11;

export interface NodeHosts {
  /** Where it listens and calls from. */
  readonly host: string;
  /** The same with the port. */
  readonly listen: string;
  /** Its relay: its name in the cluster. */
  readonly address: string;
}

export interface Hosts {
  readonly nodes: readonly NodeHosts[];
  readonly clients: readonly string[];
  readonly tool: string;
}

export function hostsOf(nodes: number, clients: number, port: number): Hosts {
  return {
    nodes: range(nodes).map((index) => ({
      host: `127.0.0.${FIRST + index}`,
      listen: `127.0.0.${FIRST + index}:${port}`,
      address: `127.0.1.${FIRST + index}:${port}`,
    })),
    clients: range(clients).map((index) => `127.0.2.${FIRST + index}`),
    tool: `127.0.3.${FIRST}`,
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
