/** Short ways to set up one node and to say what reaches it. */
import { decodeConfiguration } from '../../../src/raft/configuration.ts';
import {
  type Configuration,
  type Entry,
  EntryKind,
  type Message,
  type NodeId,
  type Ready,
} from '../../../src/raft/messages.ts';
import { Raft } from '../../../src/raft/raft.ts';
import { defaultRaftSettings, type RaftSettings } from '../../../src/raft/settings.ts';

/** No luck: every random part of a time-out is 0. */
export const noDice = { u32: (): number => 0 };

const encoder = new TextEncoder();

export function entry(index: number, term: number, text = ''): Entry {
  return { index, term, kind: EntryKind.command, data: encoder.encode(text) };
}

/** Entries 1, 2, … with these terms. */
export function entriesOf(terms: readonly number[]): Entry[] {
  return terms.map((term, place) => entry(place + 1, term));
}

export interface Setting {
  readonly id?: NodeId;
  readonly members?: Configuration;
  readonly term?: number;
  readonly vote?: NodeId;
  readonly commit?: number;
  readonly terms?: readonly number[];
  readonly settings?: Partial<RaftSettings>;
}

/** One node, and what it gave out. */
export class Single {
  readonly raft: Raft;
  nowMs = 0;
  readonly sent: Message[] = [];
  readonly readies: Ready[] = [];

  constructor(setting: Setting = {}) {
    const { id = 1, members = { voters: [1, 2, 3], learners: [] }, terms = [], vote = 0, commit = 0 } = setting;
    const term = setting.term ?? terms.at(-1) ?? 0;
    this.raft = new Raft({
      id,
      restored: {
        hardState: { term, vote, commit },
        snapshot: { index: 0, term: 0, configuration: members, data: new Uint8Array(0) },
        entries: entriesOf(terms),
      },
      dice: noDice,
      nowMs: 0,
      settings: { ...defaultRaftSettings, ...setting.settings },
    });
  }

  get status(): Raft['status'] {
    return this.raft.status;
  }

  /** Does what is ready, and returns the messages of it. */
  turn(): Message[] {
    const sent: Message[] = [];
    for (let ready = this.raft.ready(); ready !== null; ready = this.raft.ready()) {
      this.readies.push(ready);
      sent.push(...ready.messages);
      this.raft.advance();
    }
    this.sent.push(...sent);
    return sent;
  }

  get applied(): Entry[] {
    return this.readies.flatMap(({ committed }) => committed);
  }

  step(message: Message): Message[] {
    this.raft.step(message, this.nowMs);
    return this.turn();
  }

  /** Lets the time pass as an awake process sees it. */
  wait(forMs: number): Message[] {
    const sent: Message[] = [];
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, Math.max(this.nowMs + 1, this.raft.nextTimerMs));
      this.raft.tick(this.nowMs);
      sent.push(...this.turn());
    }
    return sent;
  }

  /** Makes it the leader of the next term, by the votes of the others. */
  elect(): Message[] {
    for (const [type, isGranted] of [
      ['pre-vote-reply', true],
      ['vote-reply', true],
    ] as const) {
      if (type === 'pre-vote-reply') while (this.status.role === 'follower') this.wait(50);
      for (const from of this.raft.configuration.voters) {
        const term = type === 'pre-vote-reply' ? this.status.term + 1 : this.status.term;
        const isAsked = this.status.role === (type === 'vote-reply' ? 'candidate' : 'pre-candidate');
        if (from !== 1 && isAsked) this.step({ type, from, to: 1, term, isGranted });
      }
    }
    return this.sent.splice(0);
  }

  /** A follower says that it holds everything through `index`. */
  acknowledge(from: NodeId, index: number = this.status.lastIndex): Message[] {
    return this.step({
      ...between(from, this.status.term),
      type: 'append-reply',
      isRejected: false,
      index,
      hintIndex: 0,
      hintTerm: 0,
    });
  }

  propose(text: string): string {
    const proposed = this.raft.propose(encoder.encode(text), this.nowMs);
    this.turn();
    return 'accepted' in proposed ? `${proposed.accepted.index}/${proposed.accepted.term}` : proposed.refused;
  }

  change(kind: 'add-learner' | 'add-voter' | 'remove', id: NodeId): string {
    const proposed = this.raft.proposeChange({ kind, id }, this.nowMs);
    this.turn();
    return 'accepted' in proposed ? `${proposed.accepted.index}/${proposed.accepted.term}` : proposed.refused;
  }
}

export function between(from: NodeId, term: number, to: NodeId = 1): { from: NodeId; to: NodeId; term: number } {
  return { from, to, term };
}

export interface AppendSetting {
  readonly previous?: readonly [index: number, term: number];
  readonly entries?: readonly Entry[];
  readonly commit?: number;
}

export function append(
  from: NodeId,
  term: number,
  { previous = [0, 0], entries = [], commit = 0 }: AppendSetting = {},
): Message {
  const [previousIndex, previousTerm] = previous;
  return { ...between(from, term), type: 'append', previousIndex, previousTerm, entries, commit };
}

export function heartbeat(from: NodeId, term: number, commit = 0, round = 1): Message {
  return { ...between(from, term), type: 'heartbeat', commit, round };
}

export function vote(from: NodeId, term: number, lastIndex = 0, lastTerm = 0, isTransfer = false): Message {
  return { ...between(from, term), type: 'vote', lastIndex, lastTerm, isTransfer };
}

export function preVote(from: NodeId, term: number, lastIndex = 0, lastTerm = 0): Message {
  return { ...between(from, term), type: 'pre-vote', lastIndex, lastTerm };
}

const decoder = new TextDecoder();

function entryText({ index, term, kind, data }: Entry): string {
  const place = `${index}/${term}`;
  if (kind === EntryKind.nothing) return `${place} nothing`;
  if (kind === EntryKind.command) return data.length === 0 ? place : `${place} "${decoder.decode(data)}"`;
  const { voters, learners } = decodeConfiguration(data) ?? { voters: [], learners: [] };
  return `${place} voters ${voters.join(',')}${learners.length > 0 ? ` learners ${learners.join(',')}` : ''}`;
}

/** A message in one line. */
export function show(message: Message): string {
  const head = `${message.from}→${message.to} ${message.type} term ${message.term}`;
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return `${head} last ${message.lastIndex}/${message.lastTerm}${message.type === 'vote' && message.isTransfer ? ' transfer' : ''}`;
    case 'pre-vote-reply':
    case 'vote-reply':
      return `${head} ${message.isGranted ? 'granted' : 'refused'}`;
    case 'append': {
      const entries = message.entries.map(entryText).join(', ');
      return `${head} after ${message.previousIndex}/${message.previousTerm} [${entries}] commit ${message.commit}`;
    }
    case 'append-reply': {
      const hint = `, perhaps ${message.hintIndex}/${message.hintTerm}`;
      return `${head} ${message.isRejected ? `not after ${message.index}${hint}` : `holds ${message.index}`}`;
    }
    case 'heartbeat':
      return `${head} commit ${message.commit} round ${message.round}`;
    case 'heartbeat-reply':
      return `${head} round ${message.round}`;
    case 'snapshot':
      return `${head} up to ${message.snapshot.index}/${message.snapshot.term}`;
    case 'time-out-now':
      return head;
    case 'read-request':
      return `${head} read ${message.id}`;
    case 'read-reply':
      return `${head} read ${message.id} at ${message.index}`;
  }
}

export { entryText };
