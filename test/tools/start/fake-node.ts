/**
 * Stands in for `keyval-node` in tests of the launcher: listens where `--listen` says and reports over IPC as a node
 * does. FAKE_NODE=`ADDRESS=BEHAVIOUR` makes one of the nodes misbehave: it `refuses` to start, or is `deaf` to SIGTERM.
 */
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { peers: { type: 'string' }, listen: { type: 'string' } } });
const address = values.listen ?? '';
const [culprit, behaviour] = process.env.FAKE_NODE?.split('=') ?? [];
const isDeaf = culprit === address && behaviour === 'deaf';
const refuses = culprit === address && behaviour === 'refuses';

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => isDeaf || process.exit(0));
console.log(JSON.stringify({ msg: 'starting', address, peers: values.peers }));
if (refuses) {
  process.send?.({ type: 'failed', code: 'KV_USAGE', message: 'no such peer' }, () => process.exit(2));
} else {
  const [host, port] = address.split(':');
  createServer().listen({ host, port: Number(port) }, () => process.send?.({ type: 'ready', address }));
}
