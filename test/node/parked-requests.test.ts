/** Requests that wait for their partition, which comes to serve when the test says so. */
import test from 'ava';
import { NOBODY } from '../../src/node/connection.ts';
import { ParkedRequests, type ParkingHost } from '../../src/node/parked-requests.ts';
import { Until } from '../../src/node/primary-host.ts';
import { LCKK, ULKK } from '../../src/protocol/opcode.ts';
import { write } from '../helpers/bodies.ts';
import { Caller } from './support/caller.ts';

/** A node that is about to be primary of partition 0. */
class ElectedNode implements ParkingHost {
  nowMs = 0;
  readonly primaries = [null];
  elected = true;
  /** Whose sessions each request that was handled again spoke of. */
  readonly handled: string[] = [];
  readonly parked = new ParkedRequests(this);

  isElected(): boolean {
    return this.elected;
  }

  handleAgain(to: Caller, _opcode: number, messageId: number): void {
    this.handled.push(`${messageId} of ${to.owner}`);
  }

  park(link: Caller, messageId: number, opcode: number): void {
    const body = Uint8Array.from(write({ attachment: 1n, sequence: messageId, key: 'k' }));
    this.parked.park(0, Until.serving, link, messageId, opcode, body);
  }
}

test('L6: what was handed on and set aside is done in the name of its own sender, whoever has spoken on that link since', (t) => {
  const node = new ElectedNode();
  const link = new Caller();
  for (const [messageId, owner] of [
    [1, 'aa'],
    [2, 'bb'],
    [3, NOBODY],
  ] as const) {
    link.owner = owner;
    node.park(link, messageId, messageId === 2 ? ULKK : LCKK);
  }
  link.owner = 'cc'; // of a request that has not come yet: a chunk of the link ends behind its OWNR
  node.parked.retry();
  t.deepEqual(node.handled, []);
  node.elected = false;
  node.parked.retry();
  t.deepEqual(node.handled, ['1 of aa', '2 of bb', `3 of ${NOBODY}`]);
  t.is(link.owner, 'cc');
});
