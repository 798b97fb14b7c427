/** The relays on a thread of their own, so that nothing else of the tool delays what passes; told what to do by messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { type LaneFaults, type RelayAddress, RelayNetwork } from './relay.ts';

export type RelayCommand =
  | { readonly type: 'set'; readonly from: string; readonly to: string; readonly faults: LaneFaults }
  | { readonly type: 'reset'; readonly one: string; readonly other: string }
  | { readonly type: 'heal' };

export interface RelayRequest {
  readonly id: number;
  readonly commands: readonly RelayCommand[];
}

/** `result`: connections that were reset. Id 0: the relays listen, or `error` says why not. */
export interface RelayAnswer {
  readonly id: number;
  readonly result: number;
  readonly error?: string;
}

function obey(network: RelayNetwork, command: RelayCommand): number {
  if (command.type === 'reset') return network.reset(command.one, command.other);
  if (command.type === 'heal') network.heal();
  else network.set(command.from, command.to, command.faults);
  return 0;
}

function answer(message: RelayAnswer): void {
  parentPort?.postMessage(message);
}

try {
  const network = await RelayNetwork.start(workerData as readonly RelayAddress[]);
  parentPort?.on('message', ({ id, commands }: RelayRequest) => {
    answer({ id, result: commands.reduce((sum, command) => sum + obey(network, command), 0) });
  });
  answer({ id: 0, result: 0 });
} catch (error) {
  answer({ id: 0, result: 0, error: (error as Error).message });
}
