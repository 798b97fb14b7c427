import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import { Counters } from '../../src/testing/counters.ts';
import { KeyNames } from '../../src/testing/key-names.ts';
import { Recorder } from '../../src/testing/recorder.ts';
import { World } from '../../src/testing/world.ts';

test('what was under way when its key was forgotten has an unknown outcome, and nothing of it is told later', (t) => {
  const names = new KeyNames(1);
  const recorder = new Recorder(new World(1), new Counters(), names);
  const old = names.of('k0');
  const done = recorder.call('c1', 'put', old, { v: 'one' });
  recorder.answered(done, { ver: '1' });
  const underWay = recorder.call('c1', 'get', old, {});
  names.begin('all');
  recorder.forget();
  recorder.answered(underWay, { v: null });
  recorder.failed(recorder.call('c1', 'put', old, { v: 'two' }), new KeyvalError('KV_AMBIGUOUS', 'late'));
  const fresh = recorder.call('c1', 'get', names.of('k0'), {});
  recorder.answered(fresh, { v: null });
  const lines = recorder
    .take(1000)
    .slice(1)
    .map((line) => JSON.parse(line));
  t.deepEqual(
    lines.map(({ t: kind, id }) => `${kind} ${id}`),
    ['call 1', 'ret 1', 'call 2', 'call 4', 'ret 4'],
  );
});
