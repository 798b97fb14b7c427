/**
 * Who is primary, among the members that keep a partition: the first by preference with room under its cap, and where
 * none has room, an augmenting path (Kuhn 1955; Berge 1957): a member of the partition passes one of its primaries to
 * another replica of that partition, which passes one on, until one is reached that has room.
 *
 *     partition 9 ─► member a (full) ── partition 4 ─► member c (full) ── partition 7 ─► member b (room)
 *
 * So a cap is exceeded only if no choice of primaries keeps all of them.
 *
 * With equal weights one exists (Hall's theorem): the partitions kept within a set M of members are at most
 * |M|·⌈P·k/N⌉/k, which is at most |M|·⌈P/N⌉, what M may take.
 */

/** No partition, no member. */
const NONE = -1;

/**
 * Picks the primary of each partition.
 * @param candidates for each partition the members that keep it, best first, none empty
 * @param caps for each member the most primaries it should have
 * @returns for each partition its primary
 */
export function balancePrimaries(candidates: readonly (readonly number[])[], caps: readonly number[]): number[] {
  const assignment = new Assignment(candidates, caps);
  for (let partition = 0; partition < candidates.length; partition++) assignment.add(partition);
  return assignment.primaries;
}

class Assignment {
  readonly #candidates: readonly (readonly number[])[];
  readonly #room: number[]; // by member: cap - primaries
  readonly primaries: number[]; // by partition

  constructor(candidates: readonly (readonly number[])[], caps: readonly number[]) {
    this.#candidates = candidates;
    this.#room = [...caps];
    this.primaries = new Array<number>(candidates.length).fill(NONE);
  }

  add(partition: number): void {
    const candidates = this.#candidates[partition] as readonly number[];
    const direct = candidates.find((member) => this.#hasRoom(member));
    if (direct !== undefined) this.#give(partition, direct);
    else if (!this.#makeRoom(partition)) this.#give(partition, candidates[0] as number);
  }

  /** Breadth first from the partition's members to the nearest one with room, then shifts along the way there. */
  #makeRoom(partition: number): boolean {
    const cameBy = new Array<number>(this.#room.length).fill(NONE); // by member: the partition it would take over
    const reached: number[] = [];
    const reach = (member: number, by: number): void => {
      if (cameBy[member] !== NONE) return;
      cameBy[member] = by;
      reached.push(member);
    };
    for (const member of this.#candidates[partition] as readonly number[]) reach(member, partition);
    for (const member of reached) {
      if (this.#hasRoom(member)) return this.#shift(member, cameBy, partition);
      for (const held of this.#heldBy(member)) {
        for (const other of this.#candidates[held] as readonly number[]) reach(other, held);
      }
    }
    return false;
  }

  /** From the member with room back to the new partition: each takes over what it was reached by. */
  #shift(roomy: number, cameBy: readonly number[], partition: number): true {
    let taker = roomy;
    for (;;) {
      const taken = cameBy[taker] as number;
      const giver = this.primaries[taken] as number;
      this.#give(taken, taker);
      if (taken === partition) return true;
      this.#room[giver] = (this.#room[giver] as number) + 1;
      taker = giver;
    }
  }

  #give(partition: number, member: number): void {
    this.primaries[partition] = member;
    this.#room[member] = (this.#room[member] as number) - 1;
  }

  #hasRoom(member: number): boolean {
    return (this.#room[member] as number) > 0;
  }

  #heldBy(member: number): number[] {
    return this.primaries.flatMap((primary, partition) => (primary === member ? [partition] : []));
  }
}
