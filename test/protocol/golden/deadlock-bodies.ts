/** Bodies of the frames by which deadlocks are found. */
import type { ReportedLock } from '../../../src/lock/messages.ts';
import * as codec from '../../../src/protocol/deadlock-codec.ts';
import { type BodyCodec, type Fields, type FieldValue, ofLayout } from './layout.ts';

export const asked: BodyCodec = ofLayout([['after', 'u32', codec.DEADLOCK_AFTER]]);

/** In the manifest everything but `converts` is as it is; that is 0 where there is none. */
export const reported: BodyCodec = {
  read: (body) => {
    const locks = codec.decodeReport(body, 0, body.length);
    if (locks === null) throw new Error('refused as malformed');
    const shown = locks.map((lock) => ({
      ...lock,
      waits: lock.waits.map((wait) => ({ ...wait, converts: wait.converts ?? 0 })),
    }));
    return { locks: shown as unknown as FieldValue };
  },
  write: (writer, { locks }) => {
    const meant = (locks as unknown as readonly ReportedLock[]).map((lock) => ({
      ...lock,
      waits: lock.waits.map((wait) => ({ ...wait, converts: (wait.converts as unknown) === 0 ? null : wait.converts })),
    }));
    codec.encodeReport(writer, meant);
  },
};

export const condemned: BodyCodec = {
  read: (body) => {
    const one = codec.decodeCondemned(body, 0, body.length);
    if (one === null) throw new Error('refused as malformed');
    return { ...one } as unknown as Fields;
  },
  write: (writer, fields) => codec.encodeCondemned(writer, fields as unknown as codec.Condemned),
};
