/** Opens a byte pipe through an HTTP proxy (CONNECT, RFC 9110 §9.3.6). */
import type { Endpoint } from "../client/endpoint.ts";

/** The port of a proxy whose URL names none. */
const PROXY_PORT = 80;

/** Bytes of an answer of a proxy. */
const ANSWER_BYTES_MAX = 8192;

const END = "\r\n\r\n";

/**
 * Opens a byte pipe through an HTTP proxy.
 *
 * @throws {Error} If the proxy does not open it.
 */
export async function dialProxy(
  proxy: URL,
  { hostname, port }: Endpoint,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({
    hostname: proxy.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(proxy.port || PROXY_PORT),
    signal,
  });
  const abort = () => conn.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    await write(conn, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${login(proxy)}\r\n`);
    const [status] = (await answerOf(conn)).split("\r\n");
    if (!/^HTTP\/1\.[01] 2\d\d/.test(status!)) {
      throw new Error(`The proxy ${proxy.host} does not connect: ${status!.slice(0, 100)}`);
    }
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    if (!signal.aborted) conn.close();
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

async function write(conn: Deno.TcpConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads an answer byte by byte, so that nothing behind it is lost. */
async function answerOf(conn: Deno.TcpConn): Promise<string> {
  const byte = new Uint8Array(1);
  let text = "";
  while (!text.endsWith(END)) {
    if (await conn.read(byte) === null || text.length >= ANSWER_BYTES_MAX) {
      throw new Error("The proxy has sent no whole answer");
    }
    text += String.fromCharCode(byte[0]!);
  }
  return text;
}
