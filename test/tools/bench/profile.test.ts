/** Self times of CPU profiles. */
import test from 'ava';
import { type Profile, selfTimes, summaryText } from '../../../tools/bench/profile.ts';

const profile: Profile = {
  nodes: [
    { id: 1, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } },
    { id: 2, callFrame: { functionName: 'next', url: 'file:///home/x/src/protocol/frame-decoder.ts', lineNumber: 53 } },
    { id: 3, callFrame: { functionName: '', url: 'node:net', lineNumber: 9 } },
    // The same function, called from elsewhere.
    { id: 4, callFrame: { functionName: 'next', url: 'file:///home/x/src/protocol/frame-decoder.ts', lineNumber: 53 } },
  ],
  samples: [2, 3, 1, 4],
  timeDeltas: [1000, 300, 100, 500],
};

test('a sample lasts until the next, and one function is one entry', (t) => {
  t.deepEqual(selfTimes([profile]), [
    { name: '(idle)', micros: 500 },
    { name: 'next src/protocol/frame-decoder.ts:54', micros: 300 },
    { name: '(anonymous) node:net:10', micros: 100 },
  ]);
});

test('several profiles are added up', (t) => {
  t.is(selfTimes([profile, profile])[0]?.micros, 1000);
});

test('parts are of the time in which anything ran', (t) => {
  const lines = summaryText(selfTimes([profile]), 1).split('\n');
  t.deepEqual(lines, ['busy 44.4 % of 1 ms', ' 75.0 %  next src/protocol/frame-decoder.ts:54']);
});
