/** R13: up to when a primary has told everything, worked out from its heartbeats. */
import test from 'ava';
import { VouchedTime } from '../../src/node/vouched-time.ts';

const VERSION = 3;

/** A heartbeat at `sent` ms on the peer's clock that echoes what this node sent at `asked`. */
interface Beat {
  readonly sent: number;
  readonly asked?: number;
  readonly vouches?: boolean;
  readonly version?: number;
}

function heard(beats: readonly Beat[], applied = VERSION): VouchedTime {
  const time = new VouchedTime();
  for (const beat of beats) hear(time, beat, applied);
  return time;
}

function hear(time: VouchedTime, beat: Beat, applied = VERSION): void {
  const { sent, asked = Number.NEGATIVE_INFINITY, vouches = true, version = VERSION } = beat;
  time.heard(vouches, sent * 1000, asked, version, applied);
}

test('R13: two heartbeats in a row that vouch: everything before the first is told, 1 % for clocks', (t) => {
  const time = heard([
    { sent: 70_000, asked: 400 },
    { sent: 70_100, asked: 500 },
  ]);
  t.is(time.untilMs, 500 - 101);
  t.is(time.version, VERSION);
});

test('R13: one alone says nothing', (t) => {
  t.is(heard([{ sent: 70_000, asked: 400 }]).untilMs, Number.NEGATIVE_INFINITY);
});

for (const [title, first, second] of [
  ['the first does not vouch', { sent: 1, vouches: false }, { sent: 2, asked: 500 }],
  ['the second does not vouch', { sent: 1 }, { sent: 2, asked: 500, vouches: false }],
  ['nothing is echoed: nobody knows when it left', { sent: 1 }, { sent: 2 }],
  ['the peer has applied more of the book than this node', { sent: 1 }, { sent: 2, asked: 500, version: VERSION + 1 }],
  ['the clock of the peer went back', { sent: 9 }, { sent: 2, asked: 500 }],
] as const) {
  test(`R13: nothing is known when ${title}`, (t) => {
    t.is(heard([first, second]).untilMs, Number.NEGATIVE_INFINITY);
  });
}

test('R13: a primary that slept between two heartbeats has told nothing meanwhile', (t) => {
  const time = heard([{ sent: 0 }, { sent: 100, asked: 1000 }, { sent: 60_100, asked: 61_000 }]);
  t.is(time.untilMs, 1000 - 101, 'what was committed before it slept may not have been told');
});

test('R13: it counts for the book of the first of the two', (t) => {
  const time = heard([
    { sent: 0, version: 1 },
    { sent: 100, asked: 1000, version: 2 },
  ]);
  t.is(time.version, 1);
});

test('R13: a new link begins with nothing told; what was known before stays', (t) => {
  const time = heard([{ sent: 0 }, { sent: 100, asked: 1000 }]);
  time.linkChanged();
  hear(time, { sent: 200, asked: 1100 });
  t.is(time.untilMs, 1000 - 101);
  hear(time, { sent: 300, asked: 1200 });
  t.is(time.untilMs, 1200 - 101);
});

test('R12, R13: after a clock has jumped nothing counts that was asked before', (t) => {
  const time = heard([{ sent: 0 }, { sent: 100, asked: 1000 }]);
  time.void(1500);
  t.is(time.untilMs, Number.NEGATIVE_INFINITY);
  hear(time, { sent: 200 });
  hear(time, { sent: 300, asked: 1400 });
  t.is(time.untilMs, Number.NEGATIVE_INFINITY);
  hear(time, { sent: 400, asked: 1600 });
  t.is(time.untilMs, 1600 - 101);
});
