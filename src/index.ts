/** The public interface of keyval. */
export type { Entry, SwapResult } from './client/answers.ts';
export type { BatchOperation, BatchResult } from './client/batch.ts';
export type { LoadFailure, LoadResult } from './client/bulk.ts';
export type { CheckedReplica, PartitionCheck } from './client/check.ts';
export { Client, type StatusEvent } from './client/client.ts';
export type { ClusterAdmin, ClusterView, PartitionsOptions } from './client/cluster-admin.ts';
export type { ClusterStatus, NodeConnections, NodeFacts, NodeStatus, PingResult } from './client/cluster-status.ts';
export type { Codec } from './client/codecs.ts';
export type { ValueDigest } from './client/digest.ts';
export type { ExportedPage, ExportOptions } from './client/export.ts';
export type { Fence } from './client/fence.ts';
export type { LockWanted } from './client/held-lock.ts';
export { connect } from './client/index.ts';
export type { Key } from './client/key-buffer.ts';
export { Lock, type ReleaseOptions } from './client/lock.ts';
export type {
  BreakOptions,
  BrokenLock,
  LockHolder,
  LockInfo,
  LockList,
  LockState,
  LocksOptions,
  LockWaiter,
  PastLoss,
} from './client/lock-admin.ts';
export { LockGroup } from './client/lock-group.ts';
export { LOCK_LOST_CHANNEL, type LockLoss, type LossCause } from './client/lock-loss.ts';
export type { ConvertOptions, FullLockModeName, LockModeName, LockOptions } from './client/lock-options.ts';
export type { ConnectOptions, ReadMode, RenewalMode } from './client/options.ts';
export type {
  DeleteOptions,
  PutOptions,
  ReadOptions,
  RequestOptions,
  SwapOptions,
  WriteOptions,
} from './client/request-options.ts';
export type { ScannedEntry, ScanOptions } from './client/scan.ts';
export { type Code, type CodeInfo, codes, type DeadlockStep, ExitCode, KeyvalError, type Outcome } from './errors.ts';
export type { NodeOptions } from './node-options.ts';
export type {
  ClusterSummary,
  MemberFacts,
  MembersAnswer,
  NodeInCluster,
  PartitionFacts,
  PartitionState,
  ReformAnswer,
  StatusAnswer,
  TransferAnswer,
} from './protocol/cluster-facts.ts';
export type { ConnectionFacts, SpreadMs, WorkerFacts } from './protocol/node-facts.ts';
export { RunningNode, startNode } from './start-node.ts';
export { version } from './version.ts';
