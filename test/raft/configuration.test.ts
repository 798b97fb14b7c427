import test from 'ava';
import fc from 'fast-check';
import {
  ConfigurationHistory,
  changed,
  decodeConfiguration,
  encodeConfiguration,
  MEMBERS_MAX,
} from '../../src/raft/configuration.ts';
import { type Entry, EntryKind } from '../../src/raft/messages.ts';
import { entry } from './support/messages.ts';

const ids = fc.array(fc.nat(2 ** 48 - 1), { maxLength: 10 });

function configurationAt(index: number, voters: readonly number[]): Entry {
  return { index, term: 1, kind: EntryKind.configuration, data: encodeConfiguration({ voters, learners: [] }) };
}

test('what is encoded reads back, and nothing else does', (t) => {
  fc.assert(
    fc.property(ids, ids, fc.nat(), (voters, learners, at) => {
      const bytes = encodeConfiguration({ voters, learners });
      t.deepEqual(decodeConfiguration(bytes), { voters, learners });
      t.is(decodeConfiguration(bytes.slice(0, at % bytes.length)), null);
      t.is(decodeConfiguration(new Uint8Array([...bytes, 0])), null);
    }),
  );
});

test('changes, one node at a time', (t) => {
  const before = { voters: [1, 2], learners: [3] };
  for (const [kind, id, voters, learners] of [
    ['add-learner', 4, [1, 2], [3, 4]],
    ['add-voter', 3, [1, 2, 3], []],
    ['remove', 3, [1, 2], []],
    ['remove', 1, [2], [3]],
  ] as const) {
    t.deepEqual(changed(before, { kind, id }), { voters: [...voters], learners: [...learners] });
  }
});

test('changes that would change nothing, skip learning, or leave no voter are none', (t) => {
  const before = { voters: [1], learners: [3] };
  for (const [kind, id] of [
    ['add-learner', 1],
    ['add-learner', 3],
    ['add-voter', 1],
    ['add-voter', 4],
    ['remove', 1],
    ['remove', 9],
  ] as const) {
    t.is(changed(before, { kind, id }), null);
  }
  const voters = Array.from({ length: MEMBERS_MAX }, (_, place) => place + 1);
  t.is(changed({ voters, learners: [] }, { kind: 'add-learner', id: 100 }), null);
});

test('a configuration counts from its entry on, and no longer than that', (t) => {
  const history = new ConfigurationHistory(0, { voters: [1], learners: [] });
  history.appended(entry(1, 1));
  history.appended(configurationAt(2, [1, 2]));
  history.appended(configurationAt(5, [1, 2, 3]));
  t.deepEqual(
    [0, 1, 2, 4, 5, 9].map((index) => history.at(index).voters.length),
    [1, 1, 2, 2, 3, 3],
  );
  t.is(history.newestIndex, 5);
  history.cut(5);
  t.deepEqual(history.newest.voters, [1, 2]);
  history.cut(1);
  t.deepEqual(history.newest.voters, [1]);
});

test('compaction keeps the configuration that counted at its edge', (t) => {
  const history = new ConfigurationHistory(0, { voters: [1], learners: [] });
  history.appended(configurationAt(2, [1, 2]));
  history.appended(configurationAt(5, [1, 2, 3]));
  history.compact(4);
  t.deepEqual(history.at(4).voters, [1, 2]);
  history.compact(7);
  history.cut(6);
  t.deepEqual(history.newest.voters, [1, 2, 3]);
});
