/** A real node in a simulated process: the same parts that start-node.ts puts together, on simulated edges. */
import type { Disk, Log, LogLevel } from '../base/ports.ts';
import { Turn } from '../base/turn.ts';
import { InlineWorkers } from '../bulk/worker-pool.ts';
import { Client } from '../client/client.ts';
import { clientSettings } from '../client/options.ts';
import { Node } from '../node/node.ts';
import type { BulkWriter, NodePorts } from '../node/ports.ts';
import type { NodeSettings } from '../node/settings.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimProcess } from './sim-process.ts';
import { simCrypto } from './sim-random.ts';
import type { World } from './world.ts';

/** What one life of a node is made of. */
export interface NodeLife {
  readonly process: SimProcess;
  readonly node: Node;
}

export interface NodeLifeOptions {
  readonly world: World;
  readonly network: SimNetwork;
  readonly process: SimProcess;
  readonly settings: NodeSettings;
  /** Null: nothing of it is durable. */
  readonly disk: Disk | null;
  /** From this much work on a turn lingers. */
  readonly busyTurn: number;
  /** A node says that it is in trouble. */
  readonly onError: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Starts a node that listens on its address. */
export function startLife(options: NodeLifeOptions): NodeLife {
  const { network, process, settings, disk, busyTurn } = options;
  const { clock, timers, random, transport } = process;
  const turn = new Turn((run) => timers.atTurnEnd(run), {
    soon: (run) => timers.soon(run),
    busyAt: busyTurn,
    lingers: 2,
  });
  const ports: NodePorts = {
    clock,
    timers,
    random,
    crypto: simCrypto,
    transport,
    log: simLog(options),
    turn,
    workers: new InlineWorkers(),
    disk,
    openBulkWriter: () => bulkWriter(ports, settings),
    processFacts: () => ({ pid: process.number, cpuMicros: 0, residentBytes: 0 }),
  };
  const node = new Node(settings, ports);
  network.listen(settings.address, process, (channel) => node.accept(channel));
  node.start();
  return { process, node };
}

async function bulkWriter(ports: NodePorts, { address, cluster, secret }: NodeSettings): Promise<BulkWriter> {
  const options = { codec: 'buffer', cluster, ...(secret === null ? {} : { secret }) } as const;
  const client = new Client<Uint8Array>(clientSettings<Uint8Array>([address], options, address), ports);
  return {
    put: (key, value, ttlMs, timeoutMs) => client.put(key, value, ttlMs === 0 ? { timeoutMs } : { timeoutMs, ttlMs }),
    close: () => client.close(),
  };
}

function simLog({ world, process, onError }: NodeLifeOptions): Log {
  return {
    write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void {
      if (level === 'error' || level === 'fatal') onError(event, fields);
      if (level === 'debug') return;
      world.trace.line(process.name, `${level}: ${event} ${JSON.stringify(fields)}`);
    },
  };
}
