/** What is counted while seeds run, and the bounds they run with. */
import { defaultRaftSettings, type RaftSettings } from '../../../src/raft/settings.ts';

/** Small bounds, so that each of them is met. */
export const narrowSettings: RaftSettings = {
  ...defaultRaftSettings,
  messageBytesMax: 400,
  inFlightMessagesMax: 4,
  inFlightBytesMax: 1500,
  entryBytesMax: 300,
  uncommittedBytesMax: 3000,
  logBytesMax: 20_000,
  keptEntries: 5,
  compactEntries: 40,
  compactBytes: 10_000,
  applyBytesMax: 500,
  readsMax: 8,
};

export interface Counts {
  steps: number;
  messages: number;
  lost: number;
  doubled: number;
  terms: number;
  proposals: number;
  committed: number;
  reads: number;
  readsAnswered: number;
  crashes: number;
  torn: number;
  pauses: number;
  cuts: number;
  changes: number;
  transfers: number;
  snapshotsSent: number;
  rejections: number;
  refusals: number;
}

export const zero: Counts = {
  steps: 0,
  messages: 0,
  lost: 0,
  doubled: 0,
  terms: 0,
  proposals: 0,
  committed: 0,
  reads: 0,
  readsAnswered: 0,
  crashes: 0,
  torn: 0,
  pauses: 0,
  cuts: 0,
  changes: 0,
  transfers: 0,
  snapshotsSent: 0,
  rejections: 0,
  refusals: 0,
};
