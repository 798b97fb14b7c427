/** What an entry of a partition's log does. Numbers are on the wire, fixed for ever. */
export const EntryKind = {
  /** Carries only the commit point; never stored. */
  commitOnly: 0,
  /** First of an epoch: predecessor epoch u32, operation u32. */
  barrier: 1,
  put: 2,
  remove: 3,
  increment: 4,
  /** A key is due: epoch u32, operation u32 of the value it means, keyLength u16, key. */
  expireKey: 5,
  /** A session attaches. */
  attach: 6,
  /** A session leaves or has run out: attachment epoch u32, operation u32, lost u8. */
  detach: 7,
  acquire: 8,
  release: 9,
  /** Ends a wait: attachment, sequence of the wait. */
  cancel: 10,
  /** The delay of a lost lock is over (L13): its token epoch u32, operation u32, keyLength u16, key. */
  endDelay: 11,
} as const;
