/** Loaded into a node by `--import`: tells whoever started it about its memory and its pauses. */
import { GcWatch, settledUsage } from './gc-watch.ts';

const watch = new GcWatch();

process.on('message', (what) => {
  void answer(what).then((result) => process.send?.(result));
});

async function answer(what: unknown): Promise<unknown> {
  if (what === 'usage') return await settledUsage();
  if (what === 'end') return await watch.end();
  watch.begin();
  return {};
}
