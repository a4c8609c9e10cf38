/** A worker at the other side of a ring. It does what it is told, and tells what it has received. */
import { ringTransport } from "../ring_transport.ts";
import type { RingBuffers } from "../ring_buffers.ts";

/** What the worker does. */
export interface Order {
  readonly ring: RingBuffers;
  /** Sends everything back; counts what comes until the end; or writes `bytes` and dies. */
  readonly task: "echo" | "count" | "die";
  readonly bytes?: number;
}

const worker = self as unknown as {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
};

worker.onmessage = async ({ data: { ring, task, bytes = 0 } }) => {
  const transport = ringTransport(ring, 1);
  if (task === "die") {
    await transport.write(new Uint8Array(bytes));
    worker.postMessage("written");
    worker.close();
    return;
  }
  const target = new Uint8Array(5000);
  let sum = 0;
  let count: number | null = 0;
  let all = 0;
  while ((count = await transport.read(target)) !== null) {
    for (let i = 0; i < count; i++) sum = Math.imul(sum, 31) + target[i]! | 0;
    all += count;
    for (let at = 0; task === "echo" && at < count;) {
      at += await transport.write(target.subarray(at, count));
    }
  }
  await transport.closeWrite!();
  transport.close();
  worker.postMessage({ all, sum });
  worker.close();
};
