/** The options of `npm start`. */
import test from 'ava';
import { parseStartOptions, UsageError } from '../../../tools/start/options.ts';

test('defaults', (t) => {
  t.deepEqual(parseStartOptions([]), { help: false, nodes: 3, port: 6234, load: false, parent: null });
});

test('all of them', (t) => {
  const options = parseStartOptions(['--parent', '77', '--nodes', '5', '--port', '7000', '--load', '--help']);
  t.deepEqual(options, { help: true, nodes: 5, port: 7000, load: true, parent: 77 });
});

for (const args of [
  ['--nodes', '0'],
  ['--nodes', '17'],
  ['--nodes', 'three'],
  ['--nodes=2.5'],
  ['--port', '65536'],
  ['--port='],
  ['--prot', '7000'],
  ['7000'],
]) {
  test(`refuses ${args.join(' ')}`, (t) => {
    const error = t.throws(() => parseStartOptions(args), { instanceOf: UsageError });
    t.regex(error.message, /--nodes|--port|--prot|7000/);
  });
}
