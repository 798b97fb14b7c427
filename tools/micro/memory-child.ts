/** Measures what one subject needs for its keys, in a process of its own, so that nothing else is on the heap. */
import { answerParent } from './child.ts';
import type { Absent, MemoryFigures, MemoryRequest } from './memory/figures.ts';

answerParent(async (request: MemoryRequest): Promise<MemoryFigures | Absent> => {
  const { subject } = request;
  if (subject === 'node') return await (await import('./memory/node.ts')).measureNode(request);
  if (subject === 'redis') return await (await import('./memory/redis.ts')).measureRedis(request);
  return await (await import('./memory/in-process.ts')).measureInProcess(request);
});
