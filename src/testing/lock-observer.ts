/** What must hold of the locks of a partition after every entry, seen from outside: L2, L3, L7. */
import { isCompatible } from '../base/lock-mode.ts';
import type { PartitionState } from '../node/partition-state.ts';

const NAME = new TextDecoder();

export class LockObserver {
  readonly #fail: (rule: string, text: string) => void;
  /** By key: the greatest token seen. */
  readonly #newest: Map<string, bigint> = new Map();
  /** By key: tokens that were held, or could come back, after the entry before. */
  readonly #known: Map<string, ReadonlySet<bigint>> = new Map();

  constructor(fail: (rule: string, text: string) => void) {
    this.#fail = fail;
  }

  check({ locks, attachments }: PartitionState, partition: number): void {
    for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
      const bytes = new Uint8Array(locks.keyLength(slot));
      locks.copyKey(slot, bytes, 0);
      const key = NAME.decode(bytes);
      this.#checkTokens(locks, slot, key);
      this.#checkModes(locks, slot, key);
      for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
        const owner = locks.requests.attachment(held);
        if (!locks.requests.isAbandoned(held) && attachments.atSlot(owner) === null)
          this.#fail('L3', `partition ${partition}: lock '${key}' belongs to a session that is not attached`);
      }
    }
  }

  /** L2: a token is greater than all before it; one that is not has been held all the time, or is what a conversion came from. */
  #checkTokens(locks: PartitionState['locks'], slot: number, key: string): void {
    const known = this.#known.get(key);
    const newest = this.#newest.get(key) ?? 0n;
    const present = new Set<bigint>();
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      const token = tokenOf(locks.requests.tokenEpoch(held), locks.requests.tokenOperation(held));
      if (token <= newest && known?.has(token) !== true)
        this.#fail('L2', `lock '${key}' granted under ${token}, after ${newest}`);
      if (token > (this.#newest.get(key) ?? 0n)) this.#newest.set(key, token);
      present.add(token);
      const former = locks.formerOf(held);
      if (former !== undefined) present.add(tokenOf(former.epoch, former.operation));
    }
    this.#known.set(key, present);
  }

  /** L7: whoever holds it goes with all others who do. */
  #checkModes(locks: PartitionState['locks'], slot: number, key: string): void {
    const { requests } = locks;
    const modes: number[] = [];
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      const mode = requests.mode(held);
      const other = modes.find((one) => !isCompatible(one, mode));
      if (other !== undefined) this.#fail('L7', `lock '${key}' is held in modes ${other} and ${mode}`);
      modes.push(mode);
    }
  }
}

function tokenOf(epoch: number, operation: number): bigint {
  return (BigInt(epoch) << 32n) | BigInt(operation >>> 0);
}
