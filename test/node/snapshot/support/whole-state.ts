/** All of a state that a later entry may depend on, in a form that two states can be compared by. */
import type { PartitionState } from '../../../../src/node/partition-state.ts';
import { digestOf } from '../../../../src/testing/replica-digest.ts';
import { describeReplica } from '../../support/replica-content.ts';

export function wholeState(state: PartitionState): unknown {
  const { attachments, locks, keys } = state;
  const lastOutcome = [state.epoch, state.operation, state.payloadHigh, state.payloadLow];
  return {
    ...describeReplica(state),
    replicaDigest: digestOf(state),
    applied: [state.appliedEpoch, state.appliedOperation, state.appliedTimeMs],
    lastOutcome,
    freeSlots: [...attachments.freeSlots],
    freeRequests: [...locks.requests.freed],
    waiting: locks.waiting,
    abandoned: [...locks.requests.abandoned].sort((one, other) => one - other),
    earliestDeadlineMs: keys.earliestDeadlineMs(),
    sessionsInOrder: [...attachments].map((attachment) => {
      const { slot } = attachment;
      const held = chain(locks.firstHeld(slot), (request) => locks.heldAfter(request));
      const waits = chain(locks.firstWait(slot), (request) => locks.waitAfter(request));
      const found = attachments.find(attachment.epoch, attachment.operation) === attachment;
      return { slot, session: attachment.session, held, waits, waitCount: locks.waitsOf(slot), found };
    }),
  };
}

function chain(first: number, after: (item: number) => number): number[] {
  const items: number[] = [];
  for (let item = first; item >= 0; item = after(item)) items.push(item);
  return items;
}
