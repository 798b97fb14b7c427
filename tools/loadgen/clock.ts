/** The clock of a run: worker threads of a process share its monotonic clock, so that all stamps have one origin. */

/** Nanoseconds since `originNs`; the differences that a run can have are exact in a double. */
export function clockFrom(originNs: bigint): () => number {
  return () => Number(process.hrtime.bigint() - originNs);
}
