/**
 * Why a state directory cannot be used, in words that say what to do. A node whose log is damaged may have promised a vote
 * or an entry that it no longer knows of: it must not vote or lead again under its id.
 */

import { type Code, KeyvalError } from '../errors.ts';

/** Of a directory that is damaged: only an operator can help, and starting again does not. */
const UNUSABLE: Code = 'KV_STATE';

/** The way out that is always safe: the others have what this one has lost. */
const REPLACE =
  'This node may have forgotten a vote or an entry it promised, so it neither votes nor leads. Take it out of the cluster, ' +
  'move the directory away, and let it join again as a new node; or restore the directory from a copy made while it was stopped.';

/** `offset`: where in the file. */
export function damaged(path: string, file: string, offset: number, why: string): KeyvalError {
  return new KeyvalError(UNUSABLE, `${path}/${file} is damaged at offset ${offset}: ${why}. ${REPLACE}`);
}

export function missing(path: string, file: string, why: string): KeyvalError {
  return new KeyvalError(UNUSABLE, `${path}/${file} is missing: ${why}. ${REPLACE}`);
}

export function newerFormat(path: string, file: string, format: number, known: number): KeyvalError {
  return new KeyvalError(
    'KV_VERSION',
    `${path}/${file} was written in format ${format}, this version of keyval knows ${known}; start the newer version again`,
  );
}

export function otherCluster(path: string, theirs: string, ours: string): KeyvalError {
  return new KeyvalError(
    'KV_WRONG_CLUSTER',
    `${path} belongs to cluster ${theirs}, not to ${ours}; name another directory with --data, or the right cluster`,
  );
}

export function foreignFiles(path: string, names: readonly string[]): KeyvalError {
  return new KeyvalError(
    'KV_USAGE',
    `--data: ${path} is no state directory of keyval, it holds ${names.slice(0, 3).join(', ')}; name an empty or a new one`,
  );
}
