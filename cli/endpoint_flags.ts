/** The flags that say where the broker is, for `pub` and `sub`. */
import type { Flags, FlagTable } from "./flags.ts";
import { FlagError } from "./flag_error.ts";
import { asksForTls, TLS_FLAGS } from "./tls_flags.ts";

type EndpointFlag = "host" | "port" | "url" | "unix" | keyof typeof TLS_FLAGS;

/** The flags for the broker's address. */
export const ENDPOINT_FLAGS: FlagTable<EndpointFlag> = {
  host: { names: ["-h", "--host"], value: "HOST", about: "the broker's host (localhost)" },
  port: { names: ["-p", "--port"], value: "PORT", about: "its port (1883; 8883 with TLS)" },
  url: {
    names: ["-L", "--url"],
    value: "URL",
    about: "all in one: mqtt[s]://[user[:password]@]host[:port]/topic",
  },
  unix: { names: ["--unix"], value: "PATH", about: "a socket of this machine instead" },
  ...TLS_FLAGS,
};

/** The address to connect to. */
export interface Target {
  /** For `connect()`, without the topic. */
  readonly url: string;
  /** The topic in the URL, or `null`. */
  readonly topic: string | null;
}

/** The port that implies TLS. */
const TLS_PORT = 8883;

/**
 * Reads the broker's address.
 *
 * @throws {FlagError} If the flags contradict each other, or the address is invalid.
 */
export function readTarget(flags: Flags<EndpointFlag>): Target {
  const ways = (["url", "unix", "host"] as const).filter((name) => flags.has(name));
  if (ways.length > 1) {
    throw new FlagError(`${ways.map((name) => flags.label(name)).join(" and ")}: give one of them`);
  }
  const port = flags.whole("port", 1, 65_535);
  if (port !== null && (flags.has("url") || flags.has("unix"))) {
    throw new FlagError("-p goes with -h only: with -L the port is part of the URL");
  }
  const url = flags.text("url");
  if (url !== null) return targetOfUrl(url, asksForTls(flags));
  const path = flags.text("unix");
  if (path !== null) return { url: checked("--unix", `unix:${encodeURI(path)}`), topic: null };
  const host = flags.text("host") ?? "localhost";
  if (!/^[^\s/?#@]+$/.test(host)) {
    throw new FlagError(`-h needs a host such as localhost, not "${host}"`);
  }
  const scheme = asksForTls(flags) || port === TLS_PORT ? "mqtts" : "mqtt";
  const address = `${host.includes(":") ? `[${host}]` : host}${port === null ? "" : `:${port}`}`;
  return { url: checked("-h", `${scheme}://${address}`), topic: null };
}

/** The topic is used as typed, with `#`. A URL parser would split it off. */
function targetOfUrl(text: string, withTls: boolean): Target {
  const [, scheme, authority, topic] = /^(mqtts?):\/\/([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  if (authority === undefined) return { url: checked("-L", text), topic: null };
  const url = checked("-L", `${withTls ? "mqtts" : scheme}://${authority}`);
  return { url, topic: topic === undefined || topic === "" ? null : topic };
}

/** The message does not contain the URL, which may hold a password. */
function checked(label: string, url: string): string {
  const known = /^(mqtts?|wss?|unix):/.test(url);
  if (known && URL.canParse(url)) return url;
  throw new FlagError(
    label === "-h"
      ? "-h needs a host such as localhost"
      : `${label} needs a URL such as mqtt://localhost:1883/topic`,
  );
}
