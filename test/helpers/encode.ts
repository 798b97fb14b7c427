/** One frame, or several, by the frame writer of src/. */
import { FrameWriter } from '../../src/protocol/frame-writer.ts';
import { ManualTurn } from './manual-turn.ts';

/** The bytes that `write` leaves in a writer. */
export function encoded(write: (writer: FrameWriter) => void): Uint8Array {
  const writer = new FrameWriter(new ManualTurn().turn, { flush: () => undefined });
  write(writer);
  return writer.buffer.slice(0, writer.length);
}

/** The body that `write` leaves in a frame. */
export function encodedBody(write: (writer: FrameWriter) => void): Uint8Array {
  const whole = encoded((writer) => {
    writer.begin(0, 0);
    write(writer);
    writer.end();
  });
  return whole.slice(12);
}
