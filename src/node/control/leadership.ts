/**
 * Who leads, as people are told: every change with its cause, and the time without a leader. Looks at the status of Raft
 * after each turn and at what was done in between.
 */
import type { Clock, Log } from '../../base/ports.ts';
import { NOBODY, type NodeId } from '../../raft/messages.ts';
import type { RaftStatus } from '../../raft/raft.ts';

/** Without a leader for so long it is worth a line, and again after as long. */
const TELL_AFTER_MS = 5000;

export class Leadership {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #self: NodeId;
  readonly #nameOf: (id: NodeId) => string;
  #before: RaftStatus;
  #leader: NodeId = NOBODY;
  #lostMs: number;
  #toldMs: number;
  #withoutMs = 0;
  /** Since a leader was known last it was told that this node stands; it may have to do so many times. */
  #isStandingTold = false;
  changes = 0;

  constructor(clock: Clock, log: Log, self: NodeId, nameOf: (id: NodeId) => string, status: RaftStatus) {
    this.#clock = clock;
    this.#log = log;
    this.#self = self;
    this.#nameOf = nameOf;
    this.#before = status;
    this.#lostMs = clock.monotonicMs();
    this.#toldMs = this.#lostMs;
  }

  /** Time spent without a leader in all. */
  get withoutLeaderMs(): number {
    const present = this.#leader === NOBODY ? this.#clock.monotonicMs() - this.#lostMs : 0;
    return Math.round(this.#withoutMs + present);
  }

  observe(status: RaftStatus): void {
    const before = this.#before;
    this.#before = status;
    if (status.role !== before.role) this.#roleChanged(before, status);
    if (status.leader !== this.#leader) this.#leaderChanged(status);
    if (status.leader === NOBODY) this.#tellAbsence(status);
  }

  #roleChanged(before: RaftStatus, { role, term }: RaftStatus): void {
    if (before.role === 'follower' && role !== 'follower') {
      const isAsked = role !== 'pre-candidate';
      const cause = isAsked ? asked(before.leader) : this.#silence(before);
      this.#log.write(this.#isStandingTold ? 'debug' : 'info', 'standing for election', { term, cause });
      this.#isStandingTold = true;
    }
    if (before.role !== 'leader') return;
    const cause = term > before.term ? 'another term has begun' : 'a majority of the voters was not heard, or left';
    this.#log.write('warn', 'leadership lost', { term, formerTerm: before.term, cause });
  }

  #silence({ leader, leaderHeardMs }: RaftStatus): string {
    if (!Number.isFinite(leaderHeardMs)) return 'no leader was heard since the start';
    const silentMs = Math.round(this.#clock.monotonicMs() - leaderHeardMs);
    const name = leader === NOBODY ? 'the former leader' : this.#nameOf(leader);
    return `${name} silent for ${silentMs} ms`;
  }

  #leaderChanged({ leader, term, leaderHeardMs }: RaftStatus): void {
    const nowMs = this.#clock.monotonicMs();
    const former = this.#leader;
    this.#leader = leader;
    if (leader === NOBODY) {
      // It was lost when it was heard last, not when that was noticed.
      this.#lostMs = Number.isFinite(leaderHeardMs) ? leaderHeardMs : nowMs;
      this.#toldMs = nowMs;
      return;
    }
    this.#isStandingTold = false;
    const withoutLeaderMs = former === NOBODY ? nowMs - this.#lostMs : 0;
    this.#withoutMs += withoutLeaderMs;
    this.changes += 1;
    const isSelf = leader === this.#self;
    const fields = { leader: this.#nameOf(leader), term, isSelf, withoutLeaderMs: Math.round(withoutLeaderMs) };
    this.#log.write('info', 'commander', fields);
  }

  #tellAbsence({ term, role }: RaftStatus): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < TELL_AFTER_MS) return;
    this.#toldMs = nowMs;
    this.#log.write('warn', 'no commander', { forMs: Math.round(nowMs - this.#lostMs), term, role });
  }
}

/** Why a node stands that waited for nobody's silence. */
function asked(leader: NodeId): string {
  return leader === NOBODY ? 'nobody can be leading' : 'the leader hands over';
}
