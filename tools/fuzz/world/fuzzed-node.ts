/** A real node over recording channels and manual time: nothing in it waits for the system. */
import { Turn } from '../../../src/base/turn.ts';
import { InlineWorkers } from '../../../src/bulk/worker-pool.ts';
import { KeyvalError } from '../../../src/errors.ts';
import { systemCrypto } from '../../../src/io/random.ts';
import { Node } from '../../../src/node/node.ts';
import { type NodeSettings, usualSettings } from '../../../src/node/settings.ts';
import { RecordingChannel } from './channel.ts';
import { CountingRandom, ManualTime } from './manual-time.ts';

export const CLUSTER = 'keyval';
export const PARTITIONS = 4;
/** Of the cluster of three: each of them is primary of some. */
export const MEMBERS_PARTITIONS = 8;
export const ALONE = '127.0.0.1:6234';
/** Three members; the last one is fuzzed, for the others dial it. */
export const MEMBERS: readonly string[] = ['127.0.0.1:6234', '127.0.0.2:6234', '127.0.0.3:6234'];

const settingsAlone: NodeSettings = {
  cluster: CLUSTER,
  address: ALONE,
  members: [ALONE],
  partitions: PARTITIONS,
  replicas: 3,
  secret: null,
  memoryBytesMax: 8 * 1024 * 1024,
  connectionsMax: 50,
  ...usualSettings,
  version: '0.0.0',
} as NodeSettings;

export class FuzzedNode {
  readonly node: Node;
  readonly #time: ManualTime = new ManualTime();
  #endTurn: (() => void) | null = null;

  constructor(settings: Partial<NodeSettings> = {}) {
    const turn = new Turn((run) => {
      this.#endTurn = run;
    });
    this.node = new Node(
      { ...settingsAlone, partitions: settings.members === undefined ? PARTITIONS : MEMBERS_PARTITIONS, ...settings },
      {
        clock: this.#time,
        timers: this.#time,
        random: new CountingRandom(),
        crypto: systemCrypto,
        transport: { connect: () => Promise.reject(new Error('this node dials nobody')) },
        log: { write: () => undefined },
        turn,
        processFacts: () => ({ pid: 1, cpuMicros: 0, residentBytes: 0 }),
        workers: new InlineWorkers(),
        disk: null,
        openBulkWriter: () => Promise.reject(new KeyvalError('KV_UNREACHABLE', 'this node has no client of its own')),
      },
    );
    this.node.start();
    this.advance(500);
  }

  connect(): RecordingChannel {
    const channel = new RecordingChannel();
    channel.handler = this.node.accept(channel);
    return channel;
  }

  endTurn(): void {
    const run = this.#endTurn;
    this.#endTurn = null;
    run?.();
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#time.advance(ms);
    this.endTurn();
  }
}
