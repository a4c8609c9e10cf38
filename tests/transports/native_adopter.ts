/**
 * A worker that adopts the sockets it is sent, and echoes what comes by them. "stop" ends it.
 *
 * @module
 */
import { NativeSockets } from "../../transport/native/native_sockets.ts";
import type { DetachedSocket } from "../../transport/native/native_socket.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<DetachedSocket | "stop">) => void;
  postMessage(message: string): void;
};

const sockets = new NativeSockets({ reportError });

scope.onmessage = ({ data }) => {
  if (data === "stop") sockets.close().then(() => scope.postMessage("stopped"));
  else echo(data);
};

async function echo(socket: DetachedSocket): Promise<void> {
  const transport = sockets.adopt(socket);
  const buffer = new Uint8Array(1024);
  for (let bytes = await transport.read(buffer); bytes !== null;) {
    await transport.write(buffer.subarray(0, bytes));
    bytes = await transport.read(buffer);
  }
  transport.close();
}
