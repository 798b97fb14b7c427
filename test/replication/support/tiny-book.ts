/** The entry of one partition in the book, and nothing else of it: changed by compare-and-set on its version (R1). */

export interface Configuration {
  readonly version: number;
  readonly epoch: number;
  readonly primary: number;
  readonly isr: readonly number[];
  readonly eligible: readonly number[];
  /** By member: the life that counts. */
  readonly incarnations: readonly number[];
}

export type InSyncChange =
  /** The primary goes on without somebody, not below min (R18). */
  | { readonly kind: 'shrink'; readonly version: number; readonly by: number; readonly member: number }
  /** The primary goes on with somebody who has caught up (R19). */
  | {
      readonly kind: 'expand';
      readonly version: number;
      readonly by: number;
      readonly member: number;
      readonly incarnation: number;
    };

export type Change =
  | InSyncChange
  /** The commander opens an epoch; of the in-sync set these stay (R14). */
  | { readonly kind: 'elect'; readonly version: number; readonly to: number; readonly isr: readonly number[] }
  /** A new life: the former one is fenced, and wherever it was primary another is (R3). */
  | { readonly kind: 'join'; readonly member: number; readonly incarnation: number; readonly heir: number };

export function electorate({ isr, eligible }: Configuration): number[] {
  return [...isr, ...eligible];
}

export class TinyBook {
  readonly min: number;
  /** Every version that there was. */
  readonly history: Configuration[];

  constructor(members: number, min: number) {
    this.min = min;
    const all = Array.from({ length: members }, (_, member) => member);
    this.history = [{ version: 0, epoch: 1, primary: 0, isr: all, eligible: [], incarnations: all.map(() => 0) }];
  }

  get newest(): Configuration {
    return this.history[this.history.length - 1] as Configuration;
  }

  /** What does not fit the version or breaks a rule changes nothing but the version. */
  take(change: Change): void {
    const { newest } = this;
    if (change.kind === 'join') return this.#join(newest, change.member, change.incarnation, change.heir);
    if (change.version !== newest.version) return;
    const { isr } = newest;
    if (change.kind === 'elect' && electorate(newest).includes(change.to)) {
      const kept = [...new Set([change.to, ...isr.filter((one) => change.isr.includes(one))])];
      return this.#next({ ...newest, epoch: newest.epoch + 1, primary: change.to }, kept);
    }
    if (change.kind === 'shrink' && change.by === newest.primary && isr.includes(change.member)) {
      if (isr.length > this.min && change.member !== change.by) {
        const kept = isr.filter((one) => one !== change.member);
        return this.#next(newest, kept);
      }
    }
    if (change.kind === 'expand' && change.by === newest.primary) {
      const { member, incarnation } = change;
      if (newest.incarnations[member] === incarnation && !isr.includes(member))
        return this.#next(newest, [...isr, member]);
    }
    this.#next(newest, isr);
  }

  #join(from: Configuration, member: number, incarnation: number, heir: number): void {
    if (incarnation <= (from.incarnations[member] as number)) return;
    const incarnations = from.incarnations.with(member, incarnation);
    const without = (slots: readonly number[]): number[] => slots.filter((one) => one !== member);
    const fenced = { ...from, incarnations, eligible: without(from.eligible) };
    if (from.primary !== member) return this.#next(fenced, without(from.isr), member);
    const isr = [...new Set([heir, ...without(from.isr)])];
    this.#next({ ...fenced, epoch: from.epoch + 1, primary: heir }, isr, member);
  }

  /** R8: who is taken out below min stays eligible; at min nobody is. */
  #next(from: Configuration, isr: readonly number[], fenced = -1): void {
    const kept = [...new Set([...from.eligible, ...this.newest.isr])];
    const eligible = isr.length >= this.min ? [] : kept.filter((one) => !isr.includes(one) && one !== fenced);
    this.history.push({ ...from, version: this.newest.version + 1, isr, eligible });
  }
}
