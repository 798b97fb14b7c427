/**
 * A keyval client that measures: `keyval-client.ts CHECKOUT ENDPOINTS KEYS`. The client is that of the checkout, which
 * may be another version than the bench. It stores all keys before it says that it is ready.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client, ClusterStatus } from '../../src/index.ts';
import { answerRequests } from './answer-requests.ts';
import type { Contender, Workload, WorkloadOptions } from './contender.ts';
import { type KeySpace, keySpace } from './keys.ts';
import { keyvalLoops } from './keyval-loops.ts';

const FILL_LOOPS = 256;

await answerRequests(startClient);

async function startClient(): Promise<Contender> {
  const [checkout = '.', endpoints = '', keys = '0'] = process.argv.slice(2);
  const entry = pathToFileURL(join(resolve(checkout), 'src', 'index.ts')).href;
  const { connect } = (await import(entry)) as typeof import('../../src/index.ts');
  const client = await connect(endpoints.split(','));
  const space = keySpace(Number(keys));
  await fill(client, space);
  return { prepare: async (options) => workloadOf(client, space, options) };
}

async function fill(client: Client, { keys, values }: KeySpace): Promise<void> {
  let next = 0;
  const storeMore = async (): Promise<void> => {
    for (let index = next++; index < keys.length; index = next++) {
      await client.put(keys[index] as string, values[index] as string);
    }
  };
  await Promise.all(Array.from({ length: FILL_LOOPS }, storeMore));
}

function workloadOf(client: Client, space: KeySpace, options: WorkloadOptions): Workload {
  return {
    loops: keyvalLoops(client, space, options),
    serverCpuMicros: async () => cpuMicrosOf(await client.status()),
    close: async () => undefined,
  };
}

function cpuMicrosOf({ nodes }: ClusterStatus): number | null {
  const micros = nodes.map((node) => (node.state === 'up' ? node.cpuMicros : Number.NaN));
  const sum = micros.reduce((total, one) => total + one, 0);
  return Number.isNaN(sum) ? null : sum;
}
