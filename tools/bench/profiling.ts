/**
 * CPU profiles of the measured time alone: of this process through the inspector, of a node by signal (node-profiler.ts).
 * They cost time: the ratios of a profiled run are not comparable.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import type { ProfileRequest } from './messages.ts';

/** Begins and ends the profile of a node. */
export const PROFILE_SIGNAL = 'SIGUSR2';
/** Name of the environment variable with the folder for a node's profile. */
export const PROFILE_FOLDER = 'KEYVAL_BENCH_PROFILE_FOLDER';
/** File in that folder with the name of the profile that a node writes next. */
export const NEXT_PROFILE_FILE = 'next-node-profile';

const SAMPLING_INTERVAL_MICROS = 250;

export interface Profiling {
  begin(): void;
  end(): void;
}

const noProfiling: Profiling = { begin: () => undefined, end: () => undefined };

export function profilingFor(request: ProfileRequest | null): Profiling {
  return request === null ? noProfiling : new RunProfiling(request);
}

/** This process and one node. */
class RunProfiling implements Profiling {
  readonly #request: ProfileRequest;
  readonly #profiler: Profiler = new Profiler();

  constructor(request: ProfileRequest) {
    this.#request = request;
  }

  begin(): void {
    const { folder, label, nodePid } = this.#request;
    writeFileSync(join(folder, NEXT_PROFILE_FILE), `${label}-node.cpuprofile`);
    process.kill(nodePid, PROFILE_SIGNAL);
    this.#profiler.begin();
  }

  end(): void {
    const { folder, label, nodePid } = this.#request;
    this.#profiler.end(join(folder, `${label}-client.cpuprofile`));
    process.kill(nodePid, PROFILE_SIGNAL);
  }
}

/** Profiles this process, once. */
export class Profiler {
  readonly #session: Session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_MICROS });
  }

  begin(): void {
    this.#session.post('Profiler.start');
  }

  /** Writes the profile to `file`. Within this process the inspector answers before `post` returns. */
  end(file: string): void {
    this.#session.post('Profiler.stop', (error, result) => {
      if (error !== null) throw error;
      writeFileSync(file, JSON.stringify(result.profile));
    });
    this.#session.disconnect();
  }
}
