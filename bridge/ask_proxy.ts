/** Asks an HTTP proxy for a byte pipe to another host (CONNECT, RFC 9110 §9.3.6). */
import type { Socket } from "node:net";
import type { Endpoint } from "../client/endpoint.ts";

/** The port of a proxy whose URL names none. */
const PROXY_PORT = 80;

/** Bytes of an answer of a proxy. */
const ANSWER_BYTES_MAX = 8192;

const END = "\r\n\r\n";

/** Where a proxy is. */
export function proxyAddress({ hostname, port }: URL): { hostname: string; port: number } {
  return { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || PROXY_PORT) };
}

/**
 * Asks an HTTP proxy, over a socket to it, for a byte pipe. The socket is that pipe then; it is
 * destroyed if there is none.
 *
 * @throws {Error} If the proxy does not open it, or the reason of `signal`.
 */
export async function askProxy(
  socket: Socket,
  proxy: URL,
  { hostname, port }: Endpoint,
  signal: AbortSignal,
): Promise<void> {
  const abort = () => void socket.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${login(proxy)}\r\n`);
    const [status] = (await answerOf(socket)).split("\r\n");
    if (!/^HTTP\/1\.[01] 2\d\d/.test(status!)) {
      throw new Error(`The proxy ${proxy.host} does not connect: ${status!.slice(0, 100)}`);
    }
  } catch (error) {
    // What the socket reports after this is of no use to anybody.
    socket.on("error", () => {});
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function login({ username, password }: URL): string {
  if (username === "") return "";
  const bytes = new TextEncoder().encode(
    `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
  );
  return `Proxy-Authorization: Basic ${btoa(String.fromCharCode(...bytes))}\r\n`;
}

/** Reads an answer byte by byte, so that nothing behind it is lost. */
async function answerOf(socket: Socket): Promise<string> {
  const whole = Promise.withResolvers<string>();
  let text = "";
  const read = () => {
    while (!text.endsWith(END)) {
      const bytes: Uint8Array | null = socket.read(1);
      if (bytes === null) return;
      text += String.fromCharCode(bytes[0]!);
      if (text.length > ANSWER_BYTES_MAX) return fail();
    }
    whole.resolve(text);
  };
  const fail = () => whole.reject(new Error("The proxy has sent no whole answer"));
  socket.on("readable", read);
  socket.once("end", fail);
  socket.once("close", fail);
  socket.once("error", whole.reject);
  try {
    return await whole.promise;
  } finally {
    socket.off("readable", read);
    socket.off("end", fail);
    socket.off("close", fail);
    socket.off("error", whole.reject);
  }
}
