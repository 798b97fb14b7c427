/** Requests of operators about the cluster (CLUS): what the book says, and what they may ask of it. */
import { type Book, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import { isUpKeeper, memberAt } from '../cluster/electorate.ts';
import { KeyvalError } from '../errors.ts';
import type {
  ClusterRequest,
  MembersAnswer,
  PartitionsAnswer,
  ReformAnswer,
  StatusAnswer,
  TransferAnswer,
} from '../protocol/cluster-facts.ts';
import { addressOf, clusterSummary, memberFacts, nodeInCluster, partitionFacts } from './cluster-facts.ts';
import type { ControlStatus } from './control/host.ts';
import { type Asker, type LockDesk, lockRequestIn } from './lock-desk.ts';
import { replyFail } from './reply.ts';
import { replyDocument } from './reply-document.ts';

/** What the node lends. */
export interface ClusterHost {
  /** Own address. */
  readonly address: string;
  /** As last applied; null: no cluster has been founded, or it is not known yet. */
  readonly book: Book | null;
  controlStatus(): ControlStatus;
  /** Begins a planned hand-over of the partition to that slot (R17), which is in sync; gives why not, or null. */
  requestTransfer(partition: number, to: number): string | null;
  /** Makes this node the only voter, whatever the others say, or, on trial, does nothing; gives why not, or null. */
  reform(isTrial: boolean): string | null;
}

/** Partitions in one answer: far below the length of a frame. */
export const PARTITIONS_PER_ANSWER = 1024;
const REQUEST_BYTES_MAX = 4096;
/** Of a request about locks: the longest key in base64, and some more. */
const LOCK_REQUEST_BYTES_MAX: number = 96 * 1024;
/** What an answer costs beyond its bytes, in units of fair-share.ts. */
const ANSWER_UNITS = 128;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Takes the body of a CLUS and replies. */
export function answerClusterFrame(
  host: ClusterHost,
  to: Asker,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  locks: LockDesk | null = null,
): void {
  to.units += ANSWER_UNITS;
  try {
    const document = parsed(bytes.subarray(start, end), LOCK_REQUEST_BYTES_MAX);
    const ofLocks = locks === null || document === null ? null : lockRequestIn(document);
    if (locks !== null && ofLocks !== null) return locks.answer(ofLocks, to, messageId);
    replyDocument(to, messageId, answerClusterRequest(host, requestOf(bytes.subarray(start, end))));
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    replyFail(to, messageId, error.code, error.message);
  }
}

/** @throws KeyvalError KV_BAD_REQUEST */
export function requestOf(body: Uint8Array): ClusterRequest {
  const request = parsed(body, REQUEST_BYTES_MAX);
  switch (request?.command) {
    case 'status':
    case 'members':
      return { command: request.command };
    case 'partitions': {
      const { from, of, lost } = request;
      if (!isIndex(from) || !isTextOrNone(of) || (lost !== undefined && typeof lost !== 'boolean')) throw malformed();
      return { command: 'partitions', from, ...(of === undefined ? {} : { of }), ...(lost ? { lost } : {}) };
    }
    case 'transfer': {
      const { partition, to } = request;
      if (!isIndex(partition) || !isTextOrNone(to)) throw malformed();
      return { command: 'transfer', partition, ...(to === undefined ? {} : { to }) };
    }
    case 'reform':
      if (typeof request.isTrial !== 'boolean') throw malformed();
      return { command: 'reform', isTrial: request.isTrial };
    default:
      throw malformed();
  }
}

function parsed(body: Uint8Array, bytesMax: number): Readonly<Record<string, unknown>> | null {
  if (body.length > bytesMax) throw malformed();
  try {
    const document: unknown = JSON.parse(decoder.decode(body));
    return typeof document === 'object' ? (document as Readonly<Record<string, unknown>> | null) : null;
  } catch {
    throw malformed();
  }
}

function malformed(): KeyvalError {
  return new KeyvalError('KV_BAD_REQUEST', 'CLUS: the body is no request about the cluster that this version knows');
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTextOrNone(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

export type ClusterAnswer = StatusAnswer | MembersAnswer | PartitionsAnswer | TransferAnswer | ReformAnswer;

/** @throws KeyvalError KV_USAGE for names and numbers that are none of the book's, KV_NO_QUORUM for what cannot be now */
export function answerClusterRequest(host: ClusterHost, request: ClusterRequest): ClusterAnswer {
  switch (request.command) {
    case 'status':
      return status(host);
    case 'members': {
      const book = bookOf(host);
      return { bookVersion: book.version, members: memberFacts(book, host.controlStatus()) };
    }
    case 'partitions':
      return partitions(bookOf(host), request);
    case 'transfer':
      return transfer(host, request.partition, request.to);
    case 'reform':
      return reform(host, request.isTrial);
  }
}

function status(host: ClusterHost): StatusAnswer {
  const { address, book } = host;
  const control = host.controlStatus();
  return { node: nodeInCluster(address, control), cluster: book === null ? null : clusterSummary(book, control) };
}

function bookOf(host: ClusterHost): Book {
  if (host.book !== null) return host.book;
  const { state, waitsFor } = host.controlStatus();
  const why = waitsFor === '' ? '' : `: it waits for ${waitsFor}`;
  throw new KeyvalError('KV_NO_QUORUM', `${host.address} knows of no cluster yet (${state})${why}`);
}

type PartitionsRequest = Extract<ClusterRequest, { command: 'partitions' }>;

function partitions(book: Book, { from, of, lost = false }: PartitionsRequest): PartitionsAnswer {
  const slot = of === undefined ? null : slotAt(book, of);
  const found: number[] = [];
  let at = from;
  for (; at < book.partitions.length && found.length < PARTITIONS_PER_ANSWER; at += 1) {
    const partition = book.partitions[at] as BookPartition;
    if ((slot === null || keeps(partition, slot)) && (!lost || partition.lost !== null)) found.push(at);
  }
  const next = at < book.partitions.length ? at : null;
  return { bookVersion: book.version, partitions: found.map((index) => partitionFacts(book, index)), next };
}

function keeps({ isr, eligible, target }: BookPartition, slot: number): boolean {
  return isr.includes(slot) || eligible.includes(slot) || target.includes(slot);
}

function slotAt(book: Book, address: string): number {
  const member = memberAt(book, address);
  if (member !== null) return member.slot;
  const known = book.members.flatMap((one) => (one === null ? [] : [one.address]));
  throw new KeyvalError('KV_USAGE', `${address} is not a member of the cluster; there are ${known.join(', ')}`);
}

function transfer(host: ClusterHost, index: number, address: string | undefined): TransferAnswer {
  const book = bookOf(host);
  const partition = book.partitions[index];
  if (partition === undefined) {
    const last = book.partitions.length - 1;
    throw new KeyvalError('KV_USAGE', `there is no partition ${index}; they are 0 to ${last}`);
  }
  if (partition.primary === NO_MEMBER) throw impossible(index, 'it has no primary at present');
  const to = address === undefined ? successorOf(book, partition, index) : slotAt(book, address);
  const answer = { partition: index, from: addressOf(book, partition.primary), to: addressOf(book, to) };
  if (to === partition.primary)
    throw new KeyvalError('KV_USAGE', `${answer.to} is already primary of partition ${index}`);
  if (!partition.isr.includes(to)) throw impossible(index, `${answer.to} does not hold all of it`);
  if (!isUpKeeper(book, to)) throw impossible(index, `${answer.to} is not up`);
  const obstacle = host.requestTransfer(index, to);
  if (obstacle !== null) throw impossible(index, obstacle);
  return answer;
}

/** Where placement would have it, else whoever is in sync. */
function successorOf(book: Book, { primary, isr, target }: BookPartition, index: number): number {
  const preferred = [...target.filter((slot) => isr.includes(slot)), ...isr];
  const to = preferred.find((slot) => slot !== primary && isUpKeeper(book, slot));
  if (to === undefined) throw impossible(index, 'nobody else who is up holds all of it');
  return to;
}

function impossible(partition: number, why: string): KeyvalError {
  return new KeyvalError('KV_NO_QUORUM', `partition ${partition} cannot be handed over now: ${why}`);
}

function reform(host: ClusterHost, isTrial: boolean): ReformAnswer {
  const book = bookOf(host);
  const { leader, directory } = host.controlStatus();
  if (leader !== '') {
    const text = `the cluster has a commander, ${leader}: a majority of its voters is there, and nothing needs to be reformed`;
    throw new KeyvalError('KV_USAGE', text);
  }
  if (directory === '') {
    throw new KeyvalError('KV_USAGE', `${host.address} keeps no state (--data none); ask a node that does`);
  }
  const steps = stepsOfReform(host.address, book, host.controlStatus());
  const obstacle = host.reform(isTrial);
  if (isTrial) return { steps, obstacle, isBegun: false };
  if (obstacle !== null) throw new KeyvalError('KV_NO_QUORUM', `the cluster cannot be reformed: ${obstacle}`);
  return { steps, obstacle, isBegun: true };
}

function stepsOfReform(address: string, book: Book, { voters, commit }: ControlStatus): string[] {
  const others = voters.filter((voter) => voter !== address);
  return [
    `${address} becomes the only voter of cluster ${book.settings.clusterName} (${book.settings.clusterId}), with the book of version ${book.version}, log entry ${commit}.`,
    `Whatever later changes of the book were agreed without ${address} are forgotten.`,
    `The other voters (${others.join(', ') || 'none'}) must be stopped for good before: one that goes on would be a second cluster.`,
    'The cluster gets another id, and refuses every node and directory of the former one; clients connect anew.',
    'Each of the others may come back once its state directory has been removed: it joins as a new, empty node.',
    `All other members are down from then on, and no lock is granted for ${book.settings.maxLeaseMs / 1000} s: nobody knows what they had granted.`,
    'Partitions whose every copy is gone stay lost until an operator, or --on-loss empty, begins them anew.',
  ];
}
