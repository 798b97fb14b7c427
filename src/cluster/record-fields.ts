/** Ranges of what stands in books and commands, and the fields that both have. */
import { NO_MEMBER } from './book.ts';

export const SLOT_MAX: number = NO_MEMBER - 1;
export const NODE_ID_MAX: number = 2 ** 48 - 1;
export const EPOCH_MAX = 0xffff_ffff;
export const PARTITIONS_MAX = 16_384;
/** Milliseconds of wall time that fit a wire field of 48 bits. */
export const UNIX_MS_MAX: number = 2 ** 48 - 1;
export const UNIX_SECONDS_MAX: number = EPOCH_MAX;
export const WAIT_MS_MAX = 0xffff_ffff;

export const INCARNATION: RegExp = /^[0-9a-f]{16}$/;
/** One life before, or none. */
export const FORMER: RegExp = /^(?:[0-9a-f]{16})?$/;
/** What a host and a port can be; who connects to it finds out the rest. */
export const ADDRESS: RegExp = /^[!-~]{1,300}$/;
export const ZONE: RegExp = /^.{0,255}$/su;
export const CLUSTER_TEXT: RegExp = /^.{0,255}$/su;

export const ROLES = ['data', 'witness'] as const;
export const HEALTHS = ['up', 'down', 'leaving'] as const;
export const LOSS_CHOICES = ['stop', 'empty'] as const;
