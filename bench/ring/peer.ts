/** The other thread: sends back what it receives, or counts it. */
import { ringTransport } from "../../transport/ring/ring_transport.ts";
import type { Transport } from "../../transport/transport.ts";
import { END, type Order, type Task } from "./order.ts";
import { BenchReceiver } from "./receiver.ts";

function serve(transport: Transport, task: Task): void {
  new BenchReceiver(transport, (bytes, { pipe }) => {
    if (task === "echo") pipe.write(bytes.slice());
    else if (bytes.at(-1) === END) pipe.write(Uint8Array.of(END));
  });
}

const worker = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};

worker.onmessage = async ({ data: { task, ring, path } }: MessageEvent<Order>) => {
  if (ring !== undefined) serve(ringTransport(ring, 1), task);
  else if (path !== undefined) serve(await Deno.connect({ transport: "unix", path }), task);
  else {
    worker.onmessage = ({ data }) => {
      if (task === "echo" || data.at(-1) === END) worker.postMessage(data);
    };
  }
  worker.postMessage("ready");
};
