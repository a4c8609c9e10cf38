/** Answers the HTTP request that opens a WebSocket (RFC 6455 §4.2). */
import { type AddressList, hostOf, parseAddress } from "./cidr.ts";
import { MQTT_SUBPROTOCOL } from "./websocket.ts";

/** The subprotocol of MQTT 3.1. */
const OLD_SUBPROTOCOL = "mqttv3.1";
/** The suffix that is hashed with the key of a client (RFC 6455 §1.3). */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in Base64. */
const KEY_REGEXP = /^[A-Za-z0-9+/]{22}==$/;
const encoder = new TextEncoder();

/** The answer to a request for a WebSocket. */
export interface HandshakeAnswer {
  /** Whether the response opens the WebSocket. */
  readonly isAccepted: boolean;
  /** The response to send. */
  readonly response: string;
  /** The headers of the request, by their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Which WebSocket requests are accepted. */
export interface WebSocketOptions {
  /** The path that clients must request, such as `/mqtt`; any by default. */
  path?: string;
  /**
   * The origins of web pages that may connect, such as `https://example.com`; all by default. A
   * client without an `Origin` header is not a web page, and may connect.
   */
  origins?: readonly string[];
  /**
   * Proxies whose `X-Forwarded-For` header is trusted, as addresses and blocks of addresses; none
   * by default.
   */
  forwardedFor?: readonly string[];
}

/**
 * Answers the request that opens a WebSocket (RFC 6455 §4.2).
 *
 * @param head The lines of the request, up to the empty one.
 */
export async function answerHandshake(
  head: string,
  { path, origins }: WebSocketOptions,
): Promise<HandshakeAnswer> {
  const [requestLine, ...lines] = head.split("\r\n");
  const [method, target, version] = requestLine!.split(" ");
  const headers = parseHeaders(lines);
  if (headers === null || method !== "GET" || !target || !version?.startsWith("HTTP/1.")) {
    return refusal("400 Bad Request", "Not a request for a WebSocket");
  }
  if (path !== undefined && target.split("?")[0] !== path) {
    return refusal("404 Not Found", "There is nothing here");
  }
  const origin = headers.get("origin");
  if (origin !== undefined && origins !== undefined && !isListed(origin, origins)) {
    return refusal("403 Forbidden", "Web pages of this origin may not connect");
  }
  if (!listOf(headers, "upgrade").some((name) => name.toLowerCase() === "websocket")) {
    const rest = "Connection: close, Upgrade\r\nUpgrade: websocket\r\n";
    const message = "This is an MQTT broker: connect to it with a WebSocket";
    return refusal("426 Upgrade Required", message, rest);
  }
  if (headers.get("sec-websocket-version") !== "13") {
    const rest = "Connection: close\r\nSec-WebSocket-Version: 13\r\n";
    return refusal("426 Upgrade Required", "The version of WebSocket must be 13", rest);
  }
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY_REGEXP.test(key)) {
    return refusal("400 Bad Request", "Not a request for a WebSocket");
  }
  const offered = listOf(headers, "sec-websocket-protocol");
  // [MQTT-6.0.0-4], if the client offers it.
  const protocol = [MQTT_SUBPROTOCOL, OLD_SUBPROTOCOL].find((name) => offered.includes(name));
  if (protocol === undefined) {
    return refusal("400 Bad Request", 'The WebSocket must offer the subprotocol "mqtt"');
  }
  const response = "HTTP/1.1 101 Switching Protocols\r\n" +
    "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${await acceptedKey(key)}\r\n` +
    `Sec-WebSocket-Protocol: ${protocol}\r\n\r\n`;
  return { isAccepted: true, response, headers };
}

/** The value of `Sec-WebSocket-Accept` that answers a key. */
export async function acceptedKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encoder.encode(key + KEY_SUFFIX));
  return new Uint8Array(digest).toBase64();
}

/** A response that refuses a request, with a line that says what is wrong. */
export function refusal(
  status: string,
  message: string,
  headers = "Connection: close\r\n",
): HandshakeAnswer {
  const response = `HTTP/1.1 ${status}\r\n${headers}` +
    "Content-Type: text/plain; charset=utf-8\r\n" +
    `Content-Length: ${message.length + 1}\r\n\r\n${message}\n`;
  return { isAccepted: false, response, headers: new Map() };
}

/** Headers by name in lower case, with equal names joined; `null` if a line is not a header. */
export function parseHeaders(lines: readonly string[]): Map<string, string> | null {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return null;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

/** Whether an origin is listed. Its scheme and host are compared without regard to case. */
function isListed(origin: string, origins: readonly string[]): boolean {
  return origins.some((listed) => listed.toLowerCase() === origin.toLowerCase());
}

/**
 * The address of a client by `X-Forwarded-For`. Each proxy adds the address of its own peer, so it
 * is the last address that is not a trusted proxy.
 *
 * @param reachedBy The address, without a port, from which the request came.
 * @returns `null` if that is not a trusted proxy, or the header has no valid address.
 */
export function forwardedFor(
  headers: ReadonlyMap<string, string>,
  reachedBy: string,
  proxies: AddressList,
): string | null {
  let client: string | null = null;
  for (const item of listOf(headers, "x-forwarded-for").reverse()) {
    if (!proxies.has(client ?? reachedBy)) break;
    const address = hostOf(item);
    if (parseAddress(address) === null) break;
    client = address;
  }
  return client;
}

function listOf(headers: ReadonlyMap<string, string>, name: string): string[] {
  return (headers.get(name) ?? "").split(",").map((item) => item.trim());
}
