/** What a process or thread of a test run without add-ons says at its end. */
export interface Testimony {
  readonly process: number;
  /** 0: the main thread. */
  readonly thread: number;
  readonly addonsRefused: boolean;
  /** The `.node` files in its process report. */
  readonly addons: readonly string[];
}

/** The environment's name for where they are written; not one of those that tests take out of it. */
export const WITNESS_FOLDER = 'NATIVE_FREE_WITNESSES';
