/** What the other thread is told to do. */
import type { RingBuffers } from "../../transport/ring/ring_buffers.ts";

/** What it does with what it receives: it sends it back, or it looks for the end. */
export type Task = "echo" | "count";

/** How the two threads are linked: by a ring, by a Unix socket, or else by messages. */
export interface Order {
  readonly task: Task;
  readonly ring?: RingBuffers;
  readonly path?: string;
}

/** The last byte of the last batch. */
export const END = 255;
