// L10, between nodes: what no member that keeps the rules sends closes the link; a verdict that nobody asked for is passed over.
import test from 'ava';
import * as op from '../../src/protocol/opcode.ts';
import { bytes, frame, number } from '../../tools/fuzz/world/frames.ts';
import { PARTITION } from './support/partition.ts';
import { Planes } from './support/planes.ts';

/** From slot 0 to slot 1; true when the link is still there. */
function send(opcode: number, round: number, ...body: readonly (Uint8Array | string)[]): boolean {
  return new Planes(2, 1).inject('control', 0, 1, frame(opcode, round, ...body));
}

const cycle = [{ session: '', name: '', flow: 1, key: 'k', mode: 'exclusive', waitsMs: 1, isBehind: false }];
const verdict = bytes(number(2, PARTITION), number(8, 1), number(4, 1));

test('frames with their layout are taken', (t) => {
  t.true(send(op.DLKQ, 1, number(4, 500)));
  t.true(send(op.DLKA, 1));
  t.true(send(op.DLKV, 1, verdict, JSON.stringify(cycle)));
});

for (const [title, opcode, body] of [
  ['DLKQ without its number', op.DLKQ, number(2, 5)],
  ['DLKQ with more behind it', op.DLKQ, number(6, 5)],
  ['DLKA that is cut short', op.DLKA, number(2, 1)],
  [
    'DLKA with more waits than it has room for',
    op.DLKA,
    bytes(number(2, 1), number(1, 0), number(2, 0), number(2, 65_535)),
  ],
  ['DLKV without a circle', op.DLKV, verdict],
  ['DLKV with nonsense for a circle', op.DLKV, bytes(verdict, '[{}]')],
] as const) {
  test(`${title}: the link is closed`, (t) => t.false(send(opcode, 1, body)));
}
