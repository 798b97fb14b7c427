/**
 * How much of a cluster each member may keep: its share by weight, rounded up. With equal weights, P partitions, k
 * replicas and N members these are ⌈P·k/N⌉ replicas and ⌈P/N⌉ primaries.
 *
 * Nobody keeps two replicas of one partition, so a share of more than P is cut to P, and what was cut is divided among
 * the others by weight, until all fit (water-filling). Weights are whole numbers, so that every step here is exact.
 */

/** Most replicas for each member. They add up to at least `partitions · replicas` when `replicas` ≤ members. */
export function replicaCaps(weights: readonly number[], partitions: number, replicas: number): number[] {
  const full = new Set<number>();
  for (;;) {
    const toDivide = partitions * (replicas - full.size);
    const rest = weights.reduce((sum, weight, member) => (full.has(member) ? sum : sum + weight), 0);
    const isOver = (weight: number, member: number): boolean =>
      !full.has(member) && toDivide * weight > partitions * rest;
    const over = weights.flatMap((weight, member) => (isOver(weight, member) ? [member] : []));
    if (over.length === 0) {
      return weights.map((weight, member) => (full.has(member) ? partitions : Math.ceil((toDivide * weight) / rest)));
    }
    for (const member of over) full.add(member);
  }
}

/** Most primaries for each member: its plain share, since one primary a partition always fits. */
export function primaryCaps(weights: readonly number[], partitions: number): number[] {
  return replicaCaps(weights, partitions, 1);
}
