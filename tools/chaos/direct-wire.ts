/** A connection straight to a node, past its relay. */
import { frame, type HelloParts, hello } from '../hostile/frames.ts';
import { told, Wire, type WireOptions } from '../hostile/wire.ts';

/** A process that is paused accepts a connection and says no word. */
const LOGIN_MS_MAX = 1000;

/** @throws Error saying what came instead of a welcome */
export async function directWire(listen: string, parts: HelloParts, options: WireOptions = {}): Promise<Wire> {
  const wire = await Wire.connect(listen, options);
  wire.send(frame('HELO', 0, hello(parts)));
  const heard = await wire.next(LOGIN_MS_MAX);
  if (heard?.opcode === 'WLCM') return wire;
  wire.destroy();
  throw new Error(`${listen} does not let the tool in: ${told(heard)}`);
}
