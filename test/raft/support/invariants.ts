/**
 * What must always hold (figure 3 of the paper): election safety, leader append-only, log matching, leader completeness,
 * state machine safety; and that reads never see the past, that no queue passes its bound. Checked with every `Ready`.
 */
import { crc32 } from '../../../src/base/crc32.ts';
import { type DurableState, type Entry, NOBODY, type NodeId, type Ready } from '../../../src/raft/messages.ts';
import type { RaftSettings } from '../../../src/raft/settings.ts';
import type { Member } from './member.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
}

function insist(condition: boolean, rule: string, detail: () => string): void {
  if (!condition) throw new Violation(`${rule}: ${detail()}`);
}

/** The log of a member as its disk has it: terms by index behind the snapshot. */
interface Mirror {
  base: number;
  readonly terms: Map<number, number>;
  last: number;
}

interface Vote {
  readonly term: number;
  readonly vote: NodeId;
}

export class Invariants {
  readonly #settings: RaftSettings;
  readonly #leaders = new Map<number, NodeId>();
  /** (index, term) → checksum of the data and term of the entry before. */
  readonly #entries = new Map<string, string>();
  /** Committed entries by index: their term, and the term in which somebody knew first that they are. */
  readonly #committed = new Map<number, { term: number; inTerm: number }>();
  /** State hashes by applied index. */
  readonly #hashes = new Map<number, number>();
  readonly #mirrors = new Map<NodeId, Mirror>();
  /** Members that had not finished a `Ready`. */
  readonly #pending = new Set<NodeId>();
  readonly #roles = new WeakMap<Ready, { leads: boolean; term: number }>();
  readonly #votes = new Map<NodeId, Vote>();
  readonly #applied = new Map<NodeId, { life: number; index: number }>();
  readonly #checkedLeaders = new Set<number>();
  /** Highest index that anybody knows to be committed. */
  highestCommit = 0;

  constructor(settings: RaftSettings) {
    this.#settings = settings;
  }

  get terms(): number {
    return this.#leaders.size;
  }

  /** Before anything of `ready` is done: what was decided by then. */
  ready(member: Member, ready: Ready): void {
    const { role, term } = member.raft.status;
    this.#pending.add(member.id);
    this.#roles.set(ready, { leads: role === 'leader', term });
    for (const { inFlight, match, next } of member.raft.progress.values()) {
      insist(inFlight.count <= this.#settings.inFlightMessagesMax, 'bounded in flight', () => `node ${member.id}`);
      insist(match < next, 'match < next', () => `node ${member.id}: ${match} ${next}`);
    }
    insist(ready.messages.length <= this.#settings.outboxMax, 'bounded outbox', () => `node ${member.id}`);
  }

  /** When all of `ready` is done: from now on it counts. */
  advanced(member: Member, ready: Ready): void {
    this.#pending.delete(member.id);
    const { leads, term } = this.#roles.get(ready) ?? { leads: false, term: 0 };
    if (ready.hardState !== null) this.#checkVote(member.id, ready.hardState);
    this.#takeIn(member, ready, term, leads);
    if (leads) this.#checkLeader(member, term);
    for (const entry of ready.committed) this.#commit(member, entry, term);
    this.#checkState(member);
  }

  #checkState(member: Member): void {
    const { index, hash } = member.state;
    const known = this.#applied.get(member.id);
    if (known?.life === member.lives)
      insist(index >= known.index, 'applied never goes back', () => `node ${member.id}`);
    this.#applied.set(member.id, { life: member.lives, index });
    const other = this.#hashes.get(index);
    insist(
      other === undefined || other === hash,
      'state machine safety',
      () => `node ${member.id} differs at ${index}`,
    );
    this.#hashes.set(index, hash);
  }

  /** A member starts: what it answered for must still be there. */
  restored(member: Member, { hardState, snapshot, entries }: DurableState): void {
    const durable = this.#votes.get(member.id);
    const { term, vote } = hardState;
    const isVoteKept = durable === undefined || durable.vote === NOBODY || vote === durable.vote;
    const isKept = durable === undefined || term > durable.term || (term === durable.term && isVoteKept);
    insist(isKept, 'durable term and vote', () => `node ${member.id} forgot its vote of term ${durable?.term}`);
    insist(!member.leads, 'nobody leads from the start', () => `node ${member.id}`);
    const terms = new Map([[snapshot.index, snapshot.term]]);
    for (const entry of entries) terms.set(entry.index, entry.term);
    const mirror = { base: snapshot.index, terms, last: snapshot.index + entries.length };
    const before = this.#mirrors.get(member.id);
    // What was being written may have got through without anybody knowing, and it may have cut the log.
    const isShorter = before !== undefined && mirror.last < before.last && !this.#pending.has(member.id);
    this.#pending.delete(member.id);
    insist(!isShorter, 'durable log', () => `node ${member.id} ended at ${before?.last}, now at ${mirror.last}`);
    this.#mirrors.set(member.id, mirror);
  }

  /** A read that began when `since` was the highest commit index known. */
  read(id: NodeId, index: number, since: number): void {
    insist(index >= since, 'reads see the present', () => `node ${id} read at ${index}, committed was ${since}`);
  }

  #checkVote(id: NodeId, { term, vote }: Vote): void {
    const before = this.#votes.get(id);
    if (before !== undefined) {
      insist(term >= before.term, 'terms never go back', () => `node ${id}`);
      const isSame = term > before.term || before.vote === NOBODY || before.vote === vote;
      insist(isSame, 'one vote per term', () => `node ${id} voted for ${before.vote} and ${vote} in term ${term}`);
    }
    this.#votes.set(id, { term, vote });
  }

  #mirror(member: Member): Mirror {
    return this.#mirrors.get(member.id) as Mirror;
  }

  #takeIn(member: Member, { snapshot, isInstalled, entries }: Ready, term: number, leads: boolean): void {
    const mirror = this.#mirror(member);
    if (snapshot !== null && isInstalled) {
      mirror.terms.clear();
      mirror.base = snapshot.index;
      mirror.terms.set(snapshot.index, snapshot.term);
      mirror.last = snapshot.index;
    }
    const [first] = entries;
    if (first === undefined) return;
    for (let gone = first.index; gone <= mirror.last; gone += 1) {
      const isOwn = leads && mirror.terms.get(gone) === term;
      insist(!isOwn, 'leader append-only', () => `node ${member.id} replaces ${gone}`);
      // Only a leader that could not know of it may replace what was committed: one of a former term, heard late.
      const committed = this.#committed.get(gone);
      const isCommitted = committed?.term === mirror.terms.get(gone) && (committed?.inTerm ?? 0) <= first.term;
      const isSame = entries.some((entry) => entry.index === gone && entry.term === mirror.terms.get(gone));
      insist(!isCommitted || isSame, 'nothing committed is cut', () => `node ${member.id} cuts ${gone}`);
      mirror.terms.delete(gone);
    }
    for (const entry of entries) {
      this.#matchLog(member.id, entry, mirror.terms.get(entry.index - 1));
      mirror.terms.set(entry.index, entry.term);
      mirror.last = entry.index;
    }
  }

  #matchLog(id: NodeId, { index, term, kind, data }: Entry, previousTerm: number | undefined): void {
    if (index === 1 || previousTerm !== undefined) {
      const key = `${index}/${term}`;
      const text = `${previousTerm ?? 0} ${kind} ${crc32(data)}`;
      const other = this.#entries.get(key);
      insist(other === undefined || other === text, 'log matching', () => `node ${id} at ${key}: ${text}, ${other}`);
      this.#entries.set(key, text);
    }
  }

  #checkLeader(member: Member, term: number): void {
    const { id } = member;
    const other = this.#leaders.get(term);
    insist(other === undefined || other === id, 'election safety', () => `${id} and ${other} lead term ${term}`);
    this.#leaders.set(term, id);
    if (this.#checkedLeaders.has(term)) return;
    this.#checkedLeaders.add(term);
    const mirror = this.#mirror(member);
    for (const [index, committed] of this.#committed) {
      if (committed.inTerm >= term || index <= mirror.base) continue;
      const own = mirror.terms.get(index);
      insist(own === committed.term, 'leader completeness', () => `${id} leads term ${term} without ${index}`);
    }
  }

  #commit(member: Member, { index, term }: Entry, inTerm: number): void {
    const known = this.#committed.get(index);
    const other = known?.term;
    insist(
      other === undefined || other === term,
      'state machine safety',
      () => `${member.id} commits ${index}/${term}, ${other}`,
    );
    this.#committed.set(index, { term, inTerm: Math.min(inTerm, known?.inTerm ?? inTerm) });
    this.highestCommit = Math.max(this.highestCommit, index);
    const held = this.#mirror(member).terms.get(index);
    insist(held === undefined || held === term, 'only what is held is applied', () => `${member.id} ${index}`);
  }
}
