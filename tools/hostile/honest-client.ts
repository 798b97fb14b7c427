/** The honest client as a process of its own: `honest-client.ts ENDPOINTS PER-SECOND SEED`; asked over its IPC channel. */
import { HonestClient, type HonestReport } from './honest.ts';

export type HonestRequest = 'report' | 'verify' | 'pause' | 'resume';
export type HonestAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'report'; readonly report: HonestReport }
  | { readonly type: 'verified'; readonly violations: readonly string[] };

const TIMEOUT_MS = 10_000;

const [endpoints = '', perSecond = '', seed = ''] = process.argv.slice(2);
const honest = await HonestClient.start(endpoints.split(','), {
  perSecond: Number(perSecond),
  timeoutMs: TIMEOUT_MS,
  seed: Number(seed),
});

function answer(message: HonestAnswer): void {
  process.send?.(message);
}

async function handle(request: HonestRequest): Promise<void> {
  if (request === 'pause') await honest.pause();
  if (request === 'resume') honest.resume();
  if (request === 'verify') answer({ type: 'verified', violations: await honest.verify() });
  else if (request === 'report') answer({ type: 'report', report: honest.report() });
  else answer({ type: 'ready' });
}

process.on('message', (request: HonestRequest) => void handle(request));
process.on('disconnect', () => process.exit(0));
answer({ type: 'ready' });
