import test from 'ava';
import fc from 'fast-check';
import { ConfigurationSet } from '../../../../src/testing/checkers/register/configuration-set.ts';

test('a configuration is new once; the order of its operations does not matter', (t) => {
  const seen = new ConfigurationSet();
  seen.toggle(1);
  seen.toggle(2);
  t.true(seen.add([7]));
  t.false(seen.add([7]));
  t.true(seen.add([8]));
  seen.toggle(1);
  t.true(seen.add([7]));
  seen.toggle(2);
  seen.toggle(2);
  seen.toggle(1);
  t.false(seen.add([7]));
});

test('infinite and large fields of a state tell apart', (t) => {
  const seen = new ConfigurationSet();
  for (const field of [0, -1, Infinity, -Infinity, 2 ** 32, 2 ** 32 + 1, 2 ** 52])
    t.true(seen.add([field]), `${field}`);
});

test('it remembers as a set does, through any number of growths', (t) => {
  const steps = fc.array(fc.record({ toggled: fc.nat(30), state: fc.nat(3) }), { maxLength: 500 });
  const property = fc.property(steps, (taken) => {
    const seen = new ConfigurationSet();
    const plain = new Set<string>();
    const members = new Set<number>();
    for (const { toggled, state } of taken) {
      seen.toggle(toggled);
      if (!members.delete(toggled)) members.add(toggled);
      const name = `${[...members].sort().join()} ${state}`;
      t.is(seen.add([state]), !plain.has(name));
      plain.add(name);
    }
  });
  fc.assert(property);
});
