/** Waits until a socket of `node:net` or `node:tls` is open. */
import type { Socket } from "node:net";

/**
 * Resolves when the socket is open. A socket that fails, or is not open when `signal` aborts, is
 * destroyed.
 *
 * @param event What says that it is open: `secureConnect` comes after the TLS handshake.
 * @throws The error of the socket, or the reason of the signal.
 */
export async function whenOpen(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<void> {
  const open = Promise.withResolvers<void>();
  const abort = () => open.reject(signal.reason);
  const closed = () => open.reject(new Error("The connection was closed"));
  socket.once(event, open.resolve);
  socket.once("error", open.reject);
  socket.once("close", closed);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await open.promise;
  } catch (error) {
    // What the socket reports after this is of no use to anybody.
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.off("error", open.reject);
    socket.off("close", closed);
  }
}
