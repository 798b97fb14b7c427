/**
 * How the keys of the workload are called: `{k3}.0`, or `{k3}.0/more`, where the number tells the era of its partition. What a partition kept
 * may be lost for good by the rules (R9): then its next era begins, with keys that nobody has used, and nothing is held
 * against anybody who finds the former ones gone. The tag keeps a key in its partition whatever the era.
 */
import { hashSlot, partitionOfSlot } from '../base/hash-slot.ts';

const encoder = new TextEncoder();
const NAME = /\{([^}]*)\}\.(\d+)(?:\/\w+)?$/;

export class KeyNames {
  /** By partition. */
  readonly #eras: number[];

  constructor(partitions: number) {
    this.#eras = Array<number>(partitions).fill(0);
  }

  /** Of the present era. */
  of(base: string): string {
    return `{${base}}.${this.#eras[this.#partitionOf(base)]}`;
  }

  /** False: what is known of this key counts no more. */
  isCurrent(key: string): boolean {
    const [, base = '', era = ''] = NAME.exec(key) ?? [];
    return this.#eras[this.#partitionOf(base)] === Number(era);
  }

  /** The next era of a partition begins, or of all. */
  begin(partition: number | 'all'): void {
    for (const one of partition === 'all' ? this.#eras.keys() : [partition])
      this.#eras[one] = (this.#eras[one] as number) + 1;
  }

  #partitionOf(base: string): number {
    const bytes = encoder.encode(base);
    return partitionOfSlot(hashSlot(bytes, 0, bytes.length), this.#eras.length);
  }
}
