/**
 * An export from its first partition to its last. A partition that is cut off (a node that stopped, a state that could
 * not be kept) is taken back and begun again.
 */
import type { ExportedPage } from '../../client/export.ts';
import { ExitCode, KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { BytesClient } from '../shared/connection.ts';
import { Failure } from '../shared/failure.ts';
import type { ExportTarget } from './export-target.ts';
import type { Interruption } from './interruption.ts';
import { type Pace, pause } from './pace.ts';
import { mayPass, Patience } from './passing.ts';
import type { Figures } from './progress.ts';

export interface ExportJob {
  readonly client: BytesClient;
  readonly target: ExportTarget;
  readonly prefix: string;
  readonly pace: Pace;
  readonly timeoutMs: number;
  readonly retryForMs: number;
  readonly figures: Figures;
  readonly interruption: Interruption;
  /** Told what went wrong and is tried again. */
  readonly note: (line: string) => void;
}

/** Partitions whose first page is asked for ahead of their turn. */
const AHEAD = 3;

type Pages = AsyncIterator<ExportedPage>;
interface Begun {
  readonly pages: Pages;
  readonly first: Promise<IteratorResult<ExportedPage>>;
}

export class ExportRun {
  readonly #job: ExportJob;
  readonly #begun: Map<number, Begun> = new Map();

  constructor(job: ExportJob) {
    this.#job = job;
  }

  /** True when everything was exported; false when a signal came first. @throws KeyvalError */
  async run(): Promise<boolean> {
    const { client, target, figures, interruption } = this.#job;
    figures.total = client.partitions;
    figures.done = target.before.partitions;
    figures.rows = target.before.rows;
    try {
      for (; figures.done < client.partitions; figures.done += 1) {
        if (interruption.signal.aborted) return false;
        await target.partitionDone(await this.#partition(figures.done));
      }
      return true;
    } catch (error) {
      if (interruption.signal.aborted) return false;
      throw withExitCode(error);
    } finally {
      for (const { pages } of this.#begun.values()) await pages.return?.().catch(() => undefined);
    }
  }

  /** Rows of the partition. */
  async #partition(partition: number): Promise<number> {
    const { figures, target, note, interruption, retryForMs, timeoutMs } = this.#job;
    const patience = new Patience(retryForMs, () => systemClock.monotonicMs());
    const rowsBefore = figures.rows;
    for (;;) {
      try {
        await this.#pages(partition, patience.requestMs(timeoutMs));
        return figures.rows - rowsBefore;
      } catch (error) {
        if (!(error instanceof KeyvalError) || !mayBeginAgain(error) || interruption.signal.aborted) throw error;
        if (patience.over) throw error;
        if (!(await target.takeBack())) throw cutOff(partition, error);
        figures.rows = rowsBefore;
        note(`partition ${partition}: ${error.code}: ${error.message}; it is exported again`);
        await pause(patience.nextDelayMs(), interruption.signal);
      }
    }
  }

  async #pages(partition: number, timeoutMs: number): Promise<void> {
    const { figures, target, pace, interruption } = this.#job;
    this.#beginAhead(partition, timeoutMs);
    const { pages, first } = this.#begun.get(partition) as Begun;
    this.#begun.delete(partition);
    try {
      for (let page = await first; page.done !== true; page = await pages.next()) {
        await pace.take(page.value.rows, interruption.signal);
        if (interruption.signal.aborted) throw new KeyvalError('KV_ABORTED', 'the export was interrupted');
        await target.append(page.value.text);
        figures.rows += page.value.rows;
      }
    } finally {
      await pages.return?.();
    }
  }

  #beginAhead(partition: number, timeoutMs: number): void {
    const { client, pace, prefix } = this.#job;
    const ahead = pace.limited ? 0 : AHEAD;
    for (let next = partition; next <= partition + ahead && next < client.partitions; next += 1) {
      if (this.#begun.has(next)) continue;
      const pageRows = pace.limited ? { pageRows: pace.portion } : {};
      const pages = client.exportPartition(next, { prefix, timeoutMs, ...pageRows })[Symbol.asyncIterator]();
      const first = pages.next();
      first.catch(() => undefined); // whoever comes to it hears of it
      this.#begun.set(next, { pages, first });
    }
  }
}

/** What went to a pipe cannot be taken back. */
function cutOff(partition: number, error: KeyvalError): KeyvalError {
  const text = `partition ${partition}: ${error.message}; what was written ends within this partition`;
  return new KeyvalError(error.code, text, { cause: error });
}

/** What is not found here is an export, not a key. */
function withExitCode(error: unknown): unknown {
  const isLost = error instanceof KeyvalError && error.code === 'KV_NOT_FOUND';
  return isLost ? new Failure(error, ExitCode.error) : error;
}

/** What is lost with a connection or for want of memory can be had anew. */
function mayBeginAgain(error: KeyvalError): boolean {
  return mayPass(error.code) || error.code === 'KV_NOT_FOUND';
}
