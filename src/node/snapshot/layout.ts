/**
 * How the committed state of a partition lies in the slices of a snapshot (R21). A slice is whole parts; its checksum
 * goes on from that of the slice before, so that a slice that is damaged, missing, doubled or of another snapshot is
 * found out where it comes, and the last one checks all of them. Numbers are big-endian.
 *
 *     slice        checksum u32 (CRC-32 of what follows, begun with the checksum before) | sequence u32 | parts …
 *     part         tag u8 | length u32 | body of that length
 *
 *      1 head      version u8 | partition u16 | epoch u32 | operation u32 | position u48 | timeMs u48 |
 *                  last outcome: epoch u32, operation u32, payload u32 u32 | then each epoch: epoch u32, start u48
 *      2 freeSlots of sessions, u32 each: taken again from the last one on
 *      3 session   slot u32 | epoch u32 | operation u32 | mark u32 | leaseMs u32 | session 16 bytes | name
 *      4 record    of the session before: ahead of its mark u16 | status u8 | epoch u32 | operation u32 | payload u32 u32
 *      5 lock      key
 *      6 request   for the lock before, in order, those who hold it first: number u32 | state u8 (RequestState) |
 *                  session's slot u32 (2^32−1: nobody's) | sequence u32 | token u32 u32 | sinceMs u48 | mode u8 | flow u32 |
 *                  delayMs u32 | untilMs u48 | label
 *     12 conversion  of a request of the lock before, in order, from mode null in line with those who wait: number u32 | former u8 (1: what it was, 0: what it waits
 *                  for) | mode u8 | sequence u32 | token u32 u32 | sinceMs u48
 *     13 held      numbers of requests, u32 each: the locks of a session in the order in which they were granted
 *      7 waits     the same: its waits in the order in which it began them
 *      8 freeRequests  numbers, u32 each, like freeSlots
 *      9 entry     key length u16 | value length u32 | epoch u32 | operation u32 | deadlineMs u64 | key | value
 *     10 more      bytes of the value of the entry before: one that does not fit a slice is cut
 *     14 losses    added u48 | sinceMs u48 | the last ones of them, oldest first, in the parts that follow
 *     15 loss      cause u8 | atMs u48 | key length u16 | token u32 u32 | mode u8 | flow u32 | sinceMs u48 | delayMs u32 |
 *                  named u8 (1: with a session of 16 bytes, which follows) | name text16 | label text16 | by text16 | first bytes of the key
 *     11 end       how many: sessions u32 | locks u32 | waits u32 | keys u32
 *
 * Parts come in the order of these sections; sessions stand in the order in which they attached. Slots of sessions and
 * numbers of requests are carried, with those that are free, because what the state says of later entries names them. Slots
 * of keys and of locks are not: nothing that an entry does depends on them.
 */

export const FORMAT_VERSION = 2;
export const SLICE_HEAD_BYTES = 8;
export const PART_HEAD_BYTES = 5;

export const Part = {
  head: 1,
  freeSlots: 2,
  session: 3,
  record: 4,
  lock: 5,
  request: 6,
  waits: 7,
  freeRequests: 8,
  entry: 9,
  more: 10,
  end: 11,
  conversion: 12,
  held: 13,
  losses: 14,
  loss: 15,
} as const;

export const RequestState = { granted: 0, waiting: 1, abandoned: 2 } as const;
export const NOBODY = 0xffff_ffff;

/** Bytes of bodies before what has no fixed length. */
export const HEAD_BYTES = 39;
export const EPOCH_BYTES = 10;
export const SESSION_BYTES = 36;
export const RECORD_BYTES = 19;
export const REQUEST_BYTES = 42;
export const CONVERSION_BYTES = 24;
export const ENTRY_BYTES = 22;
export const END_BYTES = 16;

/** Session ids are 16 bytes: 32 hexadecimal digits. */
export const SESSION_ID_BYTES = 16;
/** Numbers in one part of a list. */
export const LIST_PART_MAX = 32;
