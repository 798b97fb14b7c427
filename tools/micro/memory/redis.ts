/** The memory of a redis-server with the same keys, where one is installed: nothing kept on disk, a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KEY_BYTES, VALUE_BYTES, writeKey, writeValue } from '../data.ts';
import type { Absent, MemoryFigures, MemoryRequest } from './figures.ts';

const HOST = '127.0.0.1';
/** Commands of one write; the next goes when all answers are there. */
const BATCH = 5000;
const SET_HEAD: Buffer = Buffer.from(`*3\r\n$3\r\nSET\r\n$${KEY_BYTES}\r\n`);
const SET_MIDDLE: Buffer = Buffer.from(`\r\n$${VALUE_BYTES}\r\n`);
const LINE_END: Buffer = Buffer.from('\r\n');
const SET_BYTES: number = SET_HEAD.length + KEY_BYTES + SET_MIDDLE.length + VALUE_BYTES + LINE_END.length;
const OK = '+OK\r\n';
/** It looks at its own memory ten times a second, and moves to a larger table bit by bit. */
const LOOK_MS = 300;
const LOOKS_MAX = 100;
/** What it uses for answering these questions comes and goes. */
const SETTLED_BYTES = 4096;

export async function measureRedis({ subject, keys }: MemoryRequest): Promise<MemoryFigures | Absent> {
  const program = programNamed('redis-server');
  if (program === null) return { subject, keys, absent: 'redis-server is not installed' };
  const server = await startServer(program);
  try {
    const before = await settledUsage(server.connection);
    await fill(server.connection, keys);
    const after = await settledUsage(server.connection);
    return {
      subject,
      keys,
      residentBytes: after.residentBytes - before.residentBytes,
      usedBytes: after.usedBytes - before.usedBytes,
      heapBytes: null,
      parts: null,
      longestPutMs: null,
      growth: null,
      fillPauses: null,
      mixPauses: null,
      mixPerSecond: null,
    };
  } finally {
    await server.stop();
  }
}

interface Server {
  readonly connection: Connection;
  stop(): Promise<void>;
}

async function startServer(program: string): Promise<Server> {
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', HOST, '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  await untilReady(child);
  const socket = connect(port, HOST);
  await once(socket, 'connect');
  return {
    connection: new Connection(socket),
    stop: async () => {
      const ended = once(child, 'exit');
      socket.destroy();
      child.kill();
      await ended;
      process.off('exit', endWithUs);
    },
  };
}

async function untilReady(child: ChildProcess): Promise<void> {
  let text = '';
  child.once('exit', () => child.stdout?.destroy(new Error(`redis-server ended:\n${text}`)));
  child.stdout?.setEncoding('latin1');
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stdout?.once('error', reject);
    child.stdout?.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('eady to accept connections')) resolve();
    });
  });
}

/** One command, or one batch of them, at a time. */
class Connection {
  readonly #socket: Socket;
  #text = '';
  #isWhole: (text: string) => boolean = () => false;
  #resolve: (text: string) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#received(chunk));
    socket.on('error', (error) => this.#reject(error));
    socket.on('close', () => this.#reject(new Error('redis-server closed the connection')));
  }

  #received(chunk: string): void {
    this.#text += chunk;
    if (!this.#isWhole(this.#text)) return;
    const text = this.#text;
    this.#text = '';
    this.#resolve(text);
  }

  ask(bytes: Buffer | string, isWhole: (text: string) => boolean): Promise<string> {
    this.#isWhole = isWhole;
    const answer = new Promise<string>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#socket.write(bytes);
    return answer;
  }

  /** A command whose answer is one bulk string. */
  async bulk(...parts: string[]): Promise<string> {
    const command = `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
    const isWhole = (text: string): boolean => {
      const head = /^\$(\d+)\r\n/.exec(text);
      return head === null ? /^[-:$].*\r\n/.test(text) : text.length >= head[0].length + Number(head[1]) + 2;
    };
    return await this.ask(command, isWhole);
  }
}

async function fill(connection: Connection, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += BATCH) {
    const count = Math.min(BATCH, keys - from);
    const answer = await connection.ask(sets(from, count), (text) => text.length >= count * OK.length);
    if (answer !== OK.repeat(count)) throw new Error(`redis-server refused a SET: ${answer.slice(0, 200)}`);
  }
  const size = await connection.bulk('DBSIZE');
  if (size !== `:${keys}\r\n`) throw new Error(`redis-server holds ${size.trim()} keys, not ${keys}`);
}

function sets(from: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count * SET_BYTES);
  for (let i = 0; i < count; i++) {
    const at = i * SET_BYTES;
    const middle = at + SET_HEAD.length + KEY_BYTES;
    const value = middle + SET_MIDDLE.length;
    SET_HEAD.copy(bytes, at);
    writeKey(bytes, at + SET_HEAD.length, from + i);
    SET_MIDDLE.copy(bytes, middle);
    writeValue(bytes, value, from + i);
    LINE_END.copy(bytes, value + VALUE_BYTES);
  }
  return bytes;
}

interface Usage {
  readonly usedBytes: number;
  readonly residentBytes: number;
}

/** When it has come to rest. */
async function settledUsage(connection: Connection): Promise<Usage> {
  let last = await usage(connection);
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    await delay(LOOK_MS);
    const next = await usage(connection);
    if (Math.abs(next.usedBytes - last.usedBytes) <= SETTLED_BYTES) return next;
    last = next;
  }
  throw new Error('the memory of redis-server did not come to rest');
}

async function usage(connection: Connection): Promise<Usage> {
  const text = await connection.bulk('INFO', 'memory');
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);
  return { usedBytes: field('used_memory'), residentBytes: field('used_memory_rss') };
}

function programNamed(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
