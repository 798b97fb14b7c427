/**
 * In which modes the nodes keep locks (L7): in that which the holder believes, and while a conversion is not answered never in one
 * that would let somebody in beside it.
 */
import { isDownward, LOCK_MODE_NAMES } from '../base/lock-mode.ts';
import type { Lock } from '../client/lock.ts';
import { modeOf } from '../client/lock-options.ts';
import { settledStateOf } from './newest-state.ts';
import type { SimCluster } from './sim-cluster.ts';

const encoder = new TextEncoder();

export class KeptModes {
  readonly #cluster: SimCluster;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  /** `session`, as nodes write it, believes to hold `lock`, and is not converting it now. */
  look(key: string, lock: Lock, session: string): void {
    const kept = this.#keptFor(key, lock, session);
    const believed = modeOf(lock.mode);
    const isSettled = lock.grants.every(({ unsettled }) => unsettled === null);
    if (kept === null || (isSettled ? kept === believed : isDownward(kept, believed))) return;
    const text = `'${key}' is held in mode ${lock.mode} under ${lock.token}, and kept in mode ${LOCK_MODE_NAMES[kept]}`;
    this.#cluster.world.fail('L7', text);
  }

  /** Null: nobody can say; several are kept under one token, or the session has ended there. */
  #keptFor(key: string, { partition, token }: Lock, session: string): number | null {
    const state = settledStateOf(this.#cluster, partition);
    if (state === null) return null;
    const { locks, attachments } = state;
    const bytes = encoder.encode(key);
    const slot = locks.find(bytes, 0, bytes.length);
    const epoch = Number(token >> 32n);
    const operation = Number(BigInt.asIntN(32, token));
    const modes: number[] = [];
    for (let held = slot < 0 ? -1 : locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      const former = locks.formerOf(held);
      const isNamed =
        locks.requests.hasToken(held, epoch, operation) || (former?.epoch === epoch && former.operation === operation);
      if (isNamed && attachments.atSlot(locks.requests.attachment(held))?.session === session)
        modes.push(locks.requests.mode(held));
    }
    return modes.length === 1 ? (modes[0] as number) : null;
  }
}
