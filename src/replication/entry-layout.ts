/**
 * Where the fields of an entry's body lie. The entries of client writes are their requests from the attachment on, as
 * they came: one copy, no translation. Offsets count from the body's start.
 */
export const ENTRY_ATTACH_EPOCH = 0;
export const ENTRY_ATTACH_OPERATION = 4;
export const ENTRY_SEQUENCE = 8;
export const ENTRY_MARK = 12;
export const ENTRY_FLAGS = 16;
export const ENTRY_SPAN = 17;
export const ENTRY_EPOCH = 23;
export const ENTRY_OPERATION = 27;
export const ENTRY_KEY_LENGTH = 31;
export const ENTRY_KEY = 33;

export const EntryFlag = {
  ifRevision: 1,
  staged: 2,
  fenced: 4,
  wantsValue: 8,
  store: 16,
  namesGrant: 32,
  givenBack: 64,
} as const;

/** attach: partition u16 | session 16 bytes | leaseMs u32 | nameLength u8 | name */
export const ATTACH_ENTRY_SESSION = 2;
export const ATTACH_ENTRY_LEASE = 18;
export const ATTACH_ENTRY_NAME_LENGTH = 22;
export const ATTACH_ENTRY_NAME = 23;

/** detach: attachment epoch u32 | operation u32 | lost u8: 1 when its lease has run out */
export const DETACH_LOST = 8;
export const DETACH_BYTES = 9;

/** expireKey, endDelay: epoch u32 | operation u32 | keyLength u16 | key; of an operator's endDelay there follows: name … */
export const EXPIRE_KEY_LENGTH = 8;
export const EXPIRE_KEY = 10;

/**
 * cancel: attachment epoch u32 | operation u32 | sequence of the wait u32 | releaseGrant u8; of an operator, who breaks the
 * lock that was granted under that sequence, there follows: broken u8 (1) | token that was named: epoch u32 |
 * operation u32 | name …
 */
export const CANCEL_SEQUENCE = 8;
export const CANCEL_RELEASE = 12;
export const CANCEL_BYTES = 13;
export const CANCEL_BROKEN = 13;
export const CANCEL_TOKEN = 14;
export const CANCEL_BY = 22;
