/** A well-behaved client of the same node: it must not notice what others do there. */
import { type Client, connect, type StatusEvent } from '../../src/index.ts';

export class Witness {
  readonly #client: Client;
  readonly #interruptions: StatusEvent[] = [];
  #puts = 0;

  private constructor(client: Client) {
    this.#client = client;
    client.on('status', (event) => {
      if (event.state !== 'connected') this.#interruptions.push(event);
    });
  }

  static async of(address: string): Promise<Witness> {
    return new Witness(await connect(`keyval://${address}`, { timeoutMs: 10_000 }));
  }

  /** Stores something and reads it. @throws Error when that does not work, or the connection was ever lost */
  async check(): Promise<void> {
    this.#puts += 1;
    const [key, value] = [`witness ${this.#puts}`, `value ${this.#puts}`];
    await this.#client.put(key, value);
    if ((await this.#client.get(key)) !== value) throw new Error('the witness read something else');
    if (this.#interruptions.length > 0)
      throw new Error(`the witness was interrupted: ${this.#interruptions[0]?.state}`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
