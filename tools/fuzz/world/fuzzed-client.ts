/** A real client over recording channels and manual time. Whoever it dials is the fuzzer. */
import type { Channel, ChannelHandler } from '../../../src/base/ports.ts';
import { Turn } from '../../../src/base/turn.ts';
import { Client } from '../../../src/client/client.ts';
import { stringCodec } from '../../../src/client/codecs.ts';
import { systemCrypto } from '../../../src/io/random.ts';
import { RecordingChannel } from './channel.ts';
import { CountingRandom, ManualTime } from './manual-time.ts';

export const REQUEST_MS = 300;
export const LEASE_MS = 1000;
/** Connections that come about; further ones are refused. */
const CONNECTIONS_MAX = 3;

export class FuzzedClient {
  readonly client: Client;
  readonly channels: RecordingChannel[] = [];
  readonly #time: ManualTime = new ManualTime();
  #endTurn: (() => void) | null = null;

  constructor(endpoint: string, secret: Uint8Array | null) {
    const settings = {
      endpoints: [endpoint],
      codec: stringCodec,
      timeoutMs: REQUEST_MS,
      connectTimeoutMs: REQUEST_MS,
      leaseMs: LEASE_MS,
      renewal: 'main' as const,
      hangBudgetMs: LEASE_MS,
      readFlags: 0,
      cluster: 'keyval',
      secret,
      name: 'fuzz',
    };
    this.client = new Client(settings, {
      transport: { connect: (_address, handlerOf) => this.#connect(handlerOf) },
      timers: this.#time,
      clock: this.#time,
      random: new CountingRandom(),
      crypto: systemCrypto,
      turn: new Turn((run) => {
        this.#endTurn = run;
      }),
    });
  }

  #connect(handlerOf: (channel: Channel) => ChannelHandler): Promise<Channel> {
    if (this.channels.length >= CONNECTIONS_MAX) return Promise.reject(new Error('refused'));
    const channel = new RecordingChannel();
    this.channels.push(channel);
    channel.handler = handlerOf(channel);
    return Promise.resolve(channel);
  }

  endTurn(): void {
    const run = this.#endTurn;
    this.#endTurn = null;
    run?.();
  }

  /** Lets time pass, and what it set in motion come to rest. */
  async pass(ms: number): Promise<void> {
    this.#time.advance(ms);
    await this.rest();
  }

  async rest(): Promise<void> {
    for (let round = 0; round < 6; round += 1) await null;
    this.endTurn();
    await null;
  }
}
