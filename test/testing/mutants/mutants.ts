/**
 * Rules switched off, one at a time, in a copy of the source: the simulator must notice each. A text to be replaced that
 * is no longer there exactly once fails the run, so that none is forgotten when the source changes.
 */
export interface Edit {
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** The rule, by its name in the shared design, and what is broken. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Caught within so many seeds, where the default of tools/simulate/mutants.ts is too few. */
  readonly seeds?: number;
}

function one(name: string, file: string, find: string, replace: string, seeds?: number): Mutant {
  return { name, edits: [{ file, find, replace }], ...(seeds === undefined ? {} : { seeds }) };
}

export const mutants: readonly Mutant[] = [
  one(
    'R3: a new life of the primary is welcome to a backup that holds state',
    'replication/backup.ts',
    '    if (this.holdsEntries) return false;\n    this.life = life;\n    return true;',
    '    this.holdsEntries = false;\n    this.life = life;\n    return true;',
  ),
  one(
    'R4: a restarted, empty backup may start over although entries count on it',
    'replication/primary.ts',
    'if (this.holdsEntries || this.existed) {',
    'if (this.existed) {',
  ),
  one(
    'R5: committed as soon as the first backup holds it',
    'replication/primary.ts',
    'if (held < commit) commit = held;',
    'if (backup === 0 && held < commit) commit = held;',
  ),
  one(
    'R5: an acknowledgement counts for all that was sent',
    'replication/primary.ts',
    'this.match[backup] = held;\n',
    'this.match[backup] = this.sent[backup] as number;\n',
  ),
  one(
    'R5: a backup applies what it holds before it is committed',
    'replication/backup.ts',
    'const known = this.#barrier + Math.min(operation, this.operation);',
    'const known = this.#barrier + this.operation;',
  ),
  {
    name: 'R6: gaps are accepted, and nothing is sent again after a link broke',
    edits: [
      {
        file: 'replication/backup.ts',
        find: 'if (operation !== this.operation + 1) return AcceptStatus.mismatch;',
        replace: '',
      },
      {
        file: 'replication/primary.ts',
        find: 'this.sent[backup] = this.match[backup] as number;',
        replace: '',
      },
    ],
  },
  one(
    'R6: what comes a second time is appended a second time',
    'replication/backup.ts',
    '    if (operation <= this.operation) return AcceptStatus.held;\n    if (operation !== this.operation + 1) return AcceptStatus.mismatch;\n',
    '    if (operation > this.operation + 1) return AcceptStatus.mismatch;\n',
  ),
  one(
    'R7: writes are appended while a replica is silent',
    'node/partition-primary.ts',
    'if (!this.#host.backupHealthy(backupMembers[backup] as number)) return false;',
    '',
  ),
  one(
    'R11: reads are served before the barrier is committed',
    'node/partition-primary.ts',
    '    if (!this.primary.serving) return void this.#refuseBelowMin(to, messageId);\n    const keyStart = bodyStart + codec.READ_KEY;',
    '    const keyStart = bodyStart + codec.READ_KEY;',
  ),
  {
    name: 'R22: no deduplication',
    edits: [
      {
        file: 'node/partition-primary.ts',
        find: 'if (this.#answeredBefore(kind, attachment, sequence, to, messageId)) return false;',
        replace: '',
      },
      {
        file: 'node/partition-state.ts',
        find: 'if (status <= RecordStatus.pending) return false;',
        replace: 'return false;',
      },
    ],
  },
  one(
    'R22: a request that broke off is sent again as a new one',
    'client/dispatcher.ts',
    '    if (!isHarmless(operation.opcode)) operation.unknown = true;\n    if (operation.queued)',
    '    operation.sequence = NO_SEQUENCE;\n    if (operation.queued)',
  ),
  one(
    'R23: an expiry takes away what was written since',
    'node/partition-state.ts',
    '    if (this.keys.operation(slot) !== readI32(data, this.#body + 4)) return;\n    this.keys.remove(slot);',
    '    this.keys.remove(slot);',
  ),
  one(
    'R23: the primary lets a key that is due go by itself',
    'node/partition-primary.ts',
    'return pending < 0 ? this.#expiry.append(slot, this.logTimeMs()) : pending;',
    'this.state.keys.remove(slot);\n    return pending;',
  ),
  one(
    'R23: keys expire a little early',
    'node/partition-state.ts',
    'const deadline = span === 0 ? 0 : this.#timeMs + span;',
    'const deadline = span === 0 ? 0 : this.#timeMs + Math.floor(span * 0.9);',
  ),
  one(
    'R24: a request that broke off counts as not done',
    'client/dispatcher.ts',
    'if (!isHarmless(operation.opcode)) operation.unknown = true;',
    '',
    200,
  ),
  one(
    'L1: a lock that is held is granted to the next who asks',
    'lock/lock-table.ts',
    '    if (!mayWait) return AcquireOutcome.busy;\n',
    '    if (!mayWait) {\n      this.#held.remove(this.holder(slot), slot);\n      this.#grant(slot, attachment, sequence, epoch, operation, nowMs);\n      return AcquireOutcome.granted;\n    }\n',
  ),
  one(
    'L2: a lock passes to its waiter under the old token',
    'lock/lock-table.ts',
    'this.#grant(slot, this.waiterAttachment(waiter), this.waiterSequence(waiter), epoch, operation, nowMs);',
    'this.#grant(slot, this.waiterAttachment(waiter), this.waiterSequence(waiter), this.tokenEpoch(slot), this.tokenOperation(slot), nowMs);',
  ),
  one(
    'L2: every life of a node begins with the same epoch',
    'node/node.ts',
    'this.#epoch = Math.floor(now / 1000) + 1;',
    'this.#epoch = 1_767_225_000;',
  ),
  one(
    'L3: a session ends and keeps its locks',
    'node/partition-state.ts',
    '    for (let slot = locks.firstHeld(owner); slot !== NONE; slot = locks.firstHeld(owner)) this.#releaseSlot(slot);\n',
    '',
  ),
  one(
    'L3: a session ends before its lease has run out',
    'node/session-clock.ts',
    'return nowMs > renewedAtMs + leaseMs * (1 + CLOCK_DRIFT) + CLOCK_SLACK_MS;',
    'return nowMs > renewedAtMs + leaseMs * 0.6;',
    200,
  ),
  one(
    'L4: the lease is counted from the answer',
    'client/keep-alive.ts',
    'Math.max(attachment.leaseUntilMs, sentAtMs + session.leaseMs);',
    'Math.max(attachment.leaseUntilMs, ports.clock.monotonicMs() + session.leaseMs);',
    400,
  ),
  one(
    'L4: a lock whose lease has run out counts as held',
    'client/locks.ts',
    '    if (this.#nowMs < this.leaseUntilMs(lock.partition)) return true;\n    this.#runOut(lock.partition);\n    return false;',
    '    return this.leaseUntilMs(lock.partition) >= 0;',
  ),
  one(
    'L5: a wait that was given up is left behind',
    'client/locks.ts',
    'if (!this.#dispatcher.closed) this.#dispatcher.submit(cancel);',
    '',
  ),
  one(
    'L6: a release needs no token',
    'node/partition-state.ts',
    '      locks.holder(slot) === attachment.slot &&\n      locks.tokenEpoch(slot) === readU32(this.#data, this.#body + layout.ENTRY_EPOCH) &&\n      locks.tokenOperation(slot) === readI32(this.#data, this.#body + layout.ENTRY_OPERATION);',
    '      locks.holder(slot) >= 0;',
    200,
  ),
  one(
    'send mutex: small frames go between the pieces of a large one',
    'protocol/writer-queue.ts',
    'if (this.#closed || this.mutex.held) return;',
    'if (this.#closed) return;',
  ),
  one(
    'writer queue: what was encoded while the channel was full is forgotten',
    'protocol/frame-writer.ts',
    'if (this.length === 0 || this.#sending !== null) return;',
    'if (this.#sending !== null) this.length = 0;\n    if (this.length === 0) return;',
  ),
  one(
    'memory: a large write keeps the chunk that it came in, which is not its own',
    'node/request-handler.ts',
    'this.#host.writeLarge(primary, EntryKind.put, from, messageId, bytes.slice(start, end), value);',
    'this.#host.writeLarge(primary, EntryKind.put, from, messageId, bytes.subarray(start, end), value);',
  ),
  one(
    'memory: a read that waits keeps the chunk that it came in',
    'node/partition-primary.ts',
    'this.#host.park(this, position, to, messageId, opcode, bytes.slice(start, end));',
    'this.#host.park(this, position, to, messageId, opcode, bytes.subarray(start, end));',
  ),
];
