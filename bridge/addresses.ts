/** The addresses of another broker, and which one is tried next. */
import { type Endpoint, endpointOf } from "../client/endpoint.ts";
import type { BridgeSettings } from "./options.ts";

/** The port without TLS and with it, as in mosquitto. */
const PORT = 1883;

/**
 * Parses an address: a URL, or `host`, `host:port`, where the host may be an IPv6 address if there is
 * a port.
 *
 * @param isTls Whether an address without a scheme has TLS.
 * @throws {TypeError} If it is none.
 */
export function parseAddress(text: string, isTls: boolean): Endpoint {
  if (text.includes("://")) {
    const endpoint = endpointOf(text);
    if (endpoint.scheme !== "unix") return endpoint;
    throw new TypeError(`Cannot use "${text}": a bridge needs the scheme mqtt, mqtts, ws or wss`);
  }
  const at = text.startsWith("[") && text.endsWith("]") ? -1 : text.lastIndexOf(":");
  const hostname = (at < 0 ? text : text.slice(0, at)).replace(/^\[(.*)\]$/, "$1");
  const port = at < 0 ? PORT : Number(text.slice(at + 1));
  if (
    hostname === "" || /[\s/]/.test(hostname) ||
    !(Number.isInteger(port) && port > 0 && port < 65_536)
  ) {
    throw new TypeError(`Cannot use "${text}": expects host, host:port or a URL`);
  }
  const scheme = isTls ? "mqtts" : "mqtt";
  return { scheme, hostname, port, path: "", username: null, password: null };
}

/** The addresses of another broker, and which one is tried next. */
export class Addresses {
  readonly #endpoints: readonly Endpoint[];
  readonly #isRoundRobin: boolean;
  #index = 0;

  /** @throws {TypeError} If an address cannot be used. */
  constructor({ addresses, tls, roundRobin }: BridgeSettings) {
    this.#endpoints = addresses.map((address) => parseAddress(address, tls !== null));
    this.#isRoundRobin = roundRobin;
  }

  /** The address to try. */
  get current(): Endpoint {
    return this.#endpoints[this.#index]!;
  }

  /** The preferred address, if it is another one than that in use; otherwise `null`. */
  get preferred(): Endpoint | null {
    return this.#isRoundRobin || this.#index === 0 ? null : this.#endpoints[0]!;
  }

  /** An attempt has failed: the next one is tried. */
  failed(): void {
    this.#index = (this.#index + 1) % this.#endpoints.length;
  }

  /** A connection was lost: the next one is tried; without round robin, the first one. */
  lost(): void {
    if (this.#isRoundRobin) this.failed();
    else this.#index = 0;
  }
}
