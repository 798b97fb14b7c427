/** One rule of Raft switched off each: a replacement in one source file. The seeds must catch every one of them. */

export interface Mutant {
  readonly name: string;
  /** Which rule it breaks. */
  readonly rule: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'vote for any log',
    rule: 'paper 5.4.1',
    file: 'raft/voting.ts',
    find: 'if (!core.log.isCoveredBy({ index: request.lastIndex, term: request.lastTerm })) return false;',
    replace: '',
  },
  {
    name: 'compare logs by length alone',
    rule: 'paper 5.4.1',
    file: 'raft/raft-log.ts',
    find: 'return last.term > this.lastTerm || (last.term === this.lastTerm && last.index >= this.lastIndex);',
    replace: 'return last.index >= this.lastIndex;',
  },
  {
    name: 'two votes in a term',
    rule: 'paper 5.2',
    file: 'raft/voting.ts',
    find: 'return core.vote === request.from || (core.vote === NOBODY && core.leader === NOBODY);',
    replace: 'return true;',
  },
  {
    name: 'half is a majority',
    rule: 'paper 5.2',
    file: 'raft/quorum.ts',
    find: 'return Math.floor(voters / 2) + 1;',
    replace: 'return Math.max(1, Math.ceil(voters / 2));',
  },
  {
    name: 'pre-votes count as votes',
    rule: 'thesis 9.6',
    file: 'raft/candidate.ts',
    find: "return message.type === 'vote-reply';",
    replace: "return message.type === 'vote-reply' || message.type === 'pre-vote-reply';",
  },
  {
    name: 'term and vote are not written',
    rule: 'paper figure 2',
    file: 'raft/raft.ts',
    find: 'const isChanged = hardState.term !== this.#saved.term || hardState.vote !== this.#saved.vote;',
    replace: 'const isChanged = false;',
  },
  {
    name: 'answers before the disk',
    rule: 'paper figure 2',
    file: 'raft/durable-log.ts',
    find: 'const steps = [...this.#repairs, ...this.#stepsOf(ready)];',
    replace: `const steps = [...this.#repairs, ...this.#stepsOf(ready)];
    if (this.#records % 3 > 0) { this.#isBusy = false; return done(null); }`,
  },
  {
    name: 'commit by counting entries of former terms',
    rule: 'paper 5.4.2',
    file: 'raft/leader.ts',
    find: 'if (held <= before || log.termAt(held) !== term) return;',
    replace: 'if (held <= before) return;',
  },
  {
    name: 'no entry at the start of a term',
    rule: 'paper 8',
    file: 'raft/leader.ts',
    find: 'this.#append(EntryKind.nothing, new Uint8Array(0));',
    replace: '',
  },
  {
    name: 'appends need no predecessor',
    rule: 'paper 5.3',
    file: 'raft/follower.ts',
    find: 'if (!log.has({ index: previousIndex, term: previousTerm })) return',
    replace: 'if (log.lastIndex < previousIndex) return',
  },
  {
    name: 'a late append cuts the log',
    rule: 'paper 5.3',
    file: 'raft/raft-log.ts',
    find: 'const fresh = entries.findIndex((entry) => !this.has(entry));',
    replace: 'const fresh = entries.findIndex((entry) => entry.index > this.committed);',
  },
  {
    name: 'heartbeats commit what is not known to match',
    rule: 'paper 5.3',
    file: 'raft/leader.ts',
    find: 'const commit = Math.min(progress.match, log.committed);',
    replace: 'const commit = log.committed;',
  },
  {
    name: 'a rejection counts as held',
    rule: 'paper 5.3',
    file: 'raft/leader.ts',
    find: '    if (isRejected) {\n',
    replace: '    if (isRejected && index > log.lastIndex) {\n',
  },
  {
    name: 'a higher term changes nothing',
    rule: 'paper 5.1',
    file: 'raft/raft.ts',
    find: 'if (message.term > core.term) this.#onHigherTerm(message);',
    replace: "if (message.term > core.term && message.type !== 'append-reply') this.#onHigherTerm(message);",
  },
  {
    name: 'reads without a round',
    rule: 'thesis 6.4, step 3',
    file: 'raft/leader.ts',
    find: 'this.#reads.confirmed(this.#confirmedRound(), (',
    replace: 'this.#reads.confirmed(this.#round, (',
  },
  {
    name: 'reads before the own term has committed',
    rule: 'thesis 6.4, step 1',
    file: 'raft/leader.ts',
    find: 'if (this.#reads.wantsRound && this.#isTermCommitted) {',
    replace: 'if (this.#reads.wantsRound) {',
  },
  {
    name: 'reads join a round under way',
    rule: 'thesis 6.4, step 3',
    file: 'raft/leader.ts',
    find: '      this.#heartbeat();\n      this.#reads.begin(',
    replace: '      this.#reads.begin(',
  },
  {
    name: 'two changes of members at once',
    rule: 'thesis 4.1',
    file: 'raft/leader.ts',
    find: "if (configurations.newestIndex > log.committed) return 'change-pending';",
    replace: '',
  },
  {
    name: 'change of members before the own term has committed',
    rule: "Ongaro's correction of 2015",
    file: 'raft/leader.ts',
    find: "if (!this.#isTermCommitted) return 'term-not-committed';",
    replace: '',
  },
  {
    name: 'a configuration outlives its entry',
    rule: 'thesis 4.1',
    file: 'raft/core.ts',
    find: 'this.configurations.cut(first);',
    replace: '',
  },
  {
    name: 'a snapshot brings the newest configuration',
    rule: 'paper 7',
    file: 'raft/raft.ts',
    find: 'configuration: configurations.at(index), data',
    replace: 'configuration: configurations.newest, data',
  },
  {
    name: 'a late snapshot is loaded',
    rule: 'paper 7',
    file: 'raft/follower.ts',
    find: 'if (snapshot.index <= log.committed) return this.#accept(log.committed);',
    replace: '',
  },
  {
    name: 'a lost snapshot is waited for without end',
    rule: 'paper 7',
    file: 'raft/leader.ts',
    find: "if (progress.state === 'snapshot' && isLost) progress.probeFrom(progress.match + 1);",
    replace: '',
  },
  {
    name: 'a lost append is not noticed',
    rule: 'paper 5.3',
    file: 'raft/leader.ts',
    find: 'if (!progress.isPaused && progress.match < this.#core.log.lastIndex) sendNext(this.#core, progress);',
    replace: '',
  },
  {
    name: 'anything may be in flight',
    rule: 'bounded in-flight messages',
    file: 'raft/in-flight.ts',
    find: 'return this.#sent.size >= this.#sent.capacity || this.#bytes >= this.#bytesMax;',
    replace: 'return this.#sent.size > 2 * this.#sent.capacity;',
  },
  {
    name: 'a torn tail stays',
    rule: 'durable log',
    file: 'raft/recovery.ts',
    find: "tail === 'torn' ? [{ kind: 'cut', name: newest, length: end }] : []",
    replace: '[]',
  },
  {
    name: 'the disk forgets that entries were cut',
    rule: 'durable log',
    file: 'raft/durable-log.ts',
    find: 'return isCut ? first.index : 0;',
    replace: 'return 0;',
  },
  {
    name: 'a new segment begins without the entries behind the snapshot',
    rule: 'durable log',
    file: 'raft/durable-log.ts',
    find: 'isInstalled ? [...entries] : this.#entries.slice(snapshot.index - this.#reference.index)',
    replace: 'isInstalled ? [...entries] : []',
  },
];
