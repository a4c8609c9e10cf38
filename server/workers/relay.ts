/** Passes the bytes of a connection on, in both directions. */
import type { Transport } from "../../transport/transport.ts";

/** The size of the buffer of each direction, in bytes. */
const BUFFER_BYTES = 4096;

/** Passes bytes between two transports until one of them ends. Then both are closed. */
export async function relay(one: Transport, other: Transport): Promise<void> {
  const close = () => {
    one.close();
    other.close();
  };
  const ways = [pass(one, other), pass(other, one)];
  // A way that has broken ends the other one, too: its read would wait for ever.
  for (const way of ways) way.catch(close);
  await Promise.allSettled(ways);
  close();
}

async function pass(from: Transport, to: Transport): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await to.closeWrite?.();
    for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
  }
}
