/**
 * The compared brokers, each in a process of its own on the loopback interface.
 *
 * @module
 */
import deno from "../../deno.json" with { type: "json" };
import type { ProtocolVersion } from "../../codec/mod.ts";
import { output } from "./output.ts";

/** A kind of broker. */
export interface BrokerKind {
  readonly name: string;
  /** Name and version, and the runtime. */
  readonly version: string;
  readonly protocols: readonly ProtocolVersion[];
  /** The command that starts it on a port of 127.0.0.1, and its standard input. */
  command(port: number): { program: string; args: string[]; input?: string };
}

/** A running broker. */
export interface RunningBroker extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Kills it, and everything that waits for it. */
  kill(): void;
}

/** The name of this project in tables and pictures, and that with native sockets. */
const FAIRWAY = "Fairway";
export const NATIVE = "Fairway, native";

const SERVER = new URL("../../server.ts", import.meta.url).pathname;
const AEDES_SERVER = new URL("./aedes_server.mjs", import.meta.url).pathname;
const START_MS = 30_000;
const POLL_MS = 25;
const STOP_MS = 3000;
/** Below the ephemeral ports. Otherwise a client may connect to itself. */
const PORTS = { first: 20_000, count: 10_000 };

/**
 * This project, started like the tasks `start` and `start:native`, but without the store: the
 * others have none either.
 *
 * @param isNative Whether it uses native sockets.
 * @param heapMb The largest heap, in MB; that of the runtime by default.
 */
export function fairway(isNative = false, heapMb?: number): BrokerKind {
  const heap = heapMb === undefined ? "" : `,--max-old-space-size=${heapMb}`;
  const flags = ["--no-prompt", `--v8-flags=--max-semi-space-size=4${heap}`];
  const permissions = ["--allow-net", "--allow-run=prlimit", ...isNative ? ["--allow-ffi"] : []];
  const sockets = isNative ? ["--native-sockets"] : [];
  const args = ["run", ...flags, ...permissions, SERVER, "--memory", ...sockets];
  const name = isNative ? NATIVE : FAIRWAY;
  return {
    name,
    version: `${name} ${deno.version} on Deno ${Deno.version.deno}`,
    protocols: [3, 4, 5],
    command: (port) => ({ program: Deno.execPath(), args: [...args, "--port", String(port)] }),
  };
}

/** mosquitto, in C; null if it is not installed. */
export async function mosquitto(): Promise<BrokerKind | null> {
  // Debian installs it outside the path of ordinary users.
  for (const program of ["mosquitto", "/usr/sbin/mosquitto"]) {
    const help = await output(program, ["-h"]);
    const version = /mosquitto version (\S+)/.exec(help ?? "")?.[1];
    if (version === undefined) continue;
    return {
      name: "mosquitto",
      version: `mosquitto ${version}`,
      protocols: [3, 4, 5],
      command: (port) => ({ program, args: ["-c", "/dev/stdin"], input: mosquittoConfig(port) }),
    };
  }
  return null;
}

/** Without persistence, and with queues that are long enough for the load. */
function mosquittoConfig(port: number): string {
  return [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence false",
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "set_tcp_nodelay true",
    "log_type error",
  ].join("\n");
}

/**
 * FlashMQ, in C++, with one thread like the others; null if `program` is none.
 *
 * @param folder Where its configuration goes: it reads the file more than once.
 */
export async function flashmq(program: string, folder: string): Promise<BrokerKind | null> {
  const version = /\d+\.\d+\.\d+/.exec(await output(program, ["--version"]) ?? "")?.[0];
  if (version === undefined) return null;
  return {
    name: "FlashMQ",
    version: `FlashMQ ${version}`,
    protocols: [3, 4, 5],
    command: (port) => ({ program, args: ["--config-file", flashmqFile(folder, port)] }),
  };
}

/** Writes a configuration likewise without persistence, and with long queues. */
function flashmqFile(folder: string, port: number): string {
  const file = `${folder}/flashmq-${port}.conf`;
  const config = [
    "thread_count 1",
    "allow_anonymous true",
    "log_level error",
    "max_qos_msg_pending_per_client 65535",
    "max_qos_bytes_pending_per_client 1073741824",
    "listen {",
    "  protocol mqtt",
    "  inet_protocol ip4",
    "  inet4_bind_address 127.0.0.1",
    `  port ${port}`,
    "  tcp_nodelay true",
    "}\n",
  ].join("\n");
  Deno.writeTextFileSync(file, config);
  return file;
}

/** aedes, on Node; null if Node or npm is missing or cannot install it in `folder`. */
export async function aedes(folder: string): Promise<BrokerKind | null> {
  const node = await output("node", ["--version"]);
  const args = ["install", "--prefix", folder, "--no-fund", "--no-audit", "aedes@1"];
  if (node === null || await output("npm", args) === null) return null;
  const manifest = await Deno.readTextFile(`${folder}/node_modules/aedes/package.json`);
  return {
    name: "aedes",
    version: `aedes ${JSON.parse(manifest).version} on Node ${node.trim().replace("v", "")}`,
    protocols: [3, 4],
    command: (port) => ({ program: "node", args: [AEDES_SERVER, folder, String(port)] }),
  };
}

/**
 * Starts a broker and waits until it accepts connections.
 *
 * @throws If it does not.
 */
export async function start(kind: BrokerKind): Promise<RunningBroker> {
  const port = freePort();
  const { program, args, input } = kind.command(port);
  const child = new Deno.Command(program, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "null",
    stderr: "inherit",
    env: { NO_COLOR: "1" },
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const broker = {
    pid: child.pid,
    port,
    kill: () => signal(child, "SIGKILL"),
    [Symbol.asyncDispose]: () => stop(child),
  };
  try {
    await untilOpen(kind.name, port);
    return broker;
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  signal(child, "SIGTERM");
  const timer = setTimeout(() => signal(child, "SIGKILL"), STOP_MS);
  await child.status;
  clearTimeout(timer);
}

function signal(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself, or was already killed.
  }
}

async function untilOpen(name: string, port: number): Promise<void> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      // Not ready yet.
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  throw new Error(`${name} does not listen on port ${port} after ${START_MS / 1000} s`);
}

function freePort(): number {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
