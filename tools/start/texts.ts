/** What `npm start` says. */
import { relative } from 'node:path';
import type { Address } from './addresses.ts';
import type { Casualty } from './local-cluster.ts';
import type { NodeProcess } from './node-process.ts';

export function startingText(nodes: number): string {
  return nodes === 1 ? 'Starting a node …' : `Starting ${nodes} nodes …`;
}

/** `isDefaultPort`: the command line finds the nodes without being told where; otherwise one of them is enough. */
export function servingText(nodes: readonly NodeProcess[], isDefaultPort: boolean): string {
  const width = Math.max(...nodes.map(({ address }) => address.length));
  const lines = nodes.map(({ address, pid, logFile }) => {
    return `  ${address.padEnd(width)}   process ${pid}   log ${relative('', logFile)}`;
  });
  const endpoints = isDefaultPort ? '' : ` --endpoints ${nodes[0]?.address}`;
  return `
${nodes.length === 1 ? 'One node serves:' : `${nodes.length} nodes serve:`}

${lines.join('\n')}

Try, in another terminal:

  npx keyval put greeting hello${endpoints}
  npx keyval get greeting${endpoints}
  npx keyval lock job${endpoints} -- sleep 5

Keys live in memory: they are gone when the nodes stop. Ctrl-C stops them.`;
}

/** `freePort`: the nearest port that would do. */
export function portInUseText(taken: Address, freePort: number | null): string {
  return (
    `Port ${taken.port} is in use on ${taken.host}: another \`npm start\`, or another program, listens there.\n` +
    portHint(freePort)
  );
}

/** `freePort` is asked for when the node could not have its address. */
export function casualtyText({ node, end }: Casualty, freePort: number | null): string {
  if (end.failure === null) return `Node ${node.address} ended with ${how(end)}.${logText(node)}`;
  const { code, message } = end.failure;
  const hint = freePort === null ? '' : `\n${portHint(freePort)}`;
  return `Node ${node.address} could not start (${how(end)}). ${code}: ${message}${hint}`;
}

export function tooSlowText(nodes: readonly NodeProcess[], waitedMs: number): string {
  const waiting = nodes.filter((node) => !node.isReady);
  const names = waiting.map((node) => node.address).join(', ');
  return `Not serving after ${waitedMs / 1000} s: ${names}.${waiting.map(logText).join('')}`;
}

export function loadEndedText(exitCode: number | null): string {
  return `The load generator ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}.`;
}

function how({ code, signal }: Casualty['end']): string {
  return code === null ? `signal ${signal}` : `exit code ${code}`;
}

function portHint(freePort: number | null): string {
  return freePort === null ? 'Choose another with --port.' : `Free is for example: npm start -- --port ${freePort}`;
}

function logText(node: NodeProcess): string {
  return `\nThe end of ${relative('', node.logFile)}:\n${node.logTail()}`;
}
