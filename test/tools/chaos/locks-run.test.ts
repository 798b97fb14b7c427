/** Chaos with locks on real processes, small: a node is killed, a holder sleeps beyond its lease. Port 28800. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type ChaosOptions, parseChaosOptions } from '../../../tools/chaos/options.ts';
import { runLocks } from '../../../tools/chaos/scenarios/locks.ts';

const COMMAND =
  '--scenario locks --nodes 3 --seconds 6 --kills 1 --pauses 0 --partitions 0 --nuisances 0 --lock-clients 3 --lock-loops 3 --port 28800 --seed 13';

test('locks on real processes: nobody holds one twice, and who wakes late writes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-chaos-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const options = (await parseChaosOptions(COMMAND.split(' '))) as ChaosOptions;
  const stop = new AbortController();
  const { text, failures } = await runLocks({ options, folder, say: (line) => t.log(line), stop: stop.signal });
  t.log(text);
  t.deepEqual(failures, []);
  t.regex(text, /a paused holder's late write is refused: [1-9]/);
  t.regex(text, /locks granted twice: 0; tokens that went back: 0; fenced writes let through: 0/);
});
