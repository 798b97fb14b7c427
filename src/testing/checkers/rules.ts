/**
 * The rules a history can break, by name. The names are part of the verdict: tools match on them, so they do not change.
 */

export const rules = {
  // Registers: get, put, del, cas, incr.
  'phantom-value': 'A value was read that nobody had written.',
  'fail-took-effect': 'An operation was answered "fail" or refused, and yet it took effect.',
  'future-read': 'A value was read before anybody had sent it.',
  'stale-read': 'A value was read although it had been overwritten before the read began.',
  'resurrected-delete': 'A value was read although it had been deleted, or found expired, before the read began.',
  'lost-write': 'An acknowledged write is gone: absence was read, and nothing had removed the value.',
  'early-expiry': 'A value vanished before its time to live had run out.',
  'lost-update': 'Two updates succeeded from one and the same state: one of them is lost.',
  'doubled-write': 'One write took effect more than once.',
  'cas-wrong-match': 'A compare-and-set succeeded although its condition did not hold.',
  'cas-wrong-refusal': 'A compare-and-set was refused although its condition held.',
  'wrong-found': 'A delete said wrongly whether there was something to delete.',
  'version-reused': 'Two writes were given the same version.',
  'version-mismatch': 'One version was answered for two different values.',
  'version-went-back': 'An operation that came later was answered an older version.',
  'monotonic-read': 'A client that asked for monotonic reads was answered an older version than before.',
  'not-linearizable': 'There is no order of these operations, one after the other, in which every answer is right.',
  // Locks: acquire, renew, release, keepalive, close, holder.
  'two-holders': 'A lock was granted while another grant of it was still in force.',
  'token-reused': 'Two grants of a lock carry the same token.',
  'token-back': 'A later grant of a lock carries a smaller token.',
  'release-not-held': 'A release was accepted from somebody who did not hold the lock.',
  'renew-not-held': 'A renewal was accepted from somebody who did not hold the lock.',
  'refused-while-free': 'A lock was refused although it was free all the while.',
  'wrong-holder': 'The holder of a lock was named wrongly.',
  // Fenced writes: fwrite.
  'fence-broken': 'A write with an old token was accepted after one with a newer token.',
  // Sets: sadd, sread.
  'phantom-element': 'An element was read that nobody had added.',
  'lost-element': 'An element is missing although its addition was acknowledged before.',
  'vanished-element': 'An element was read, and is missing from a later read.',
} as const;

export type Rule = keyof typeof rules;
