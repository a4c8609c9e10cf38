/**
 * Starts a broker: `deno task start`, or
 * `deno run --allow-net --allow-read --allow-write=fairway-data --allow-run=prlimit server.ts`.
 *
 * @module
 */
import deno from "./deno.json" with { type: "json" };
import type { AdminListener, ListenerInfo } from "./admin/mod.ts";
import { Telemetry } from "./admin/telemetry.ts";
import { adminUrl } from "./server/admin_listener.ts";
import { bindFault } from "./server/bind_fault.ts";
import { type FdLimit, readFdLimit } from "./server/fd_limit.ts";
import { HELP, parseServerFlags, type ServerFlags } from "./server/server_flags.ts";
import { memoryBytesHere, memoryLine } from "./server/memory_limit.ts";
import { serveConfiguration, testConfiguration } from "./server/serve_configuration.ts";
import { startLines } from "./server/start_lines.ts";
import { StartError, startFailure } from "./server/start_error.ts";
import { SystemdNotifier } from "./server/systemd_notifier.ts";
import { ServerStreams } from "./server/server_streams.ts";
import { stopSignal } from "./cli/stop_signal.ts";
import { streamsOf } from "./server/stream_flags.ts";
import { forgottenAfter, openStoredBroker } from "./server/stored_broker.ts";
import { complain, say, sayPage } from "./cli/terminal.ts";
import { terminalHooks } from "./server/terminal_hooks.ts";
import { TerminalLines } from "./server/terminal_lines.ts";
import { Broker, type StreamOptions, SysTopics } from "./mod.ts";
import { afterwards } from "./server/log_outputs.ts";
import { checkNodeStores } from "./server/workers/node_stores.ts";
import { checkNativeSockets } from "./transport/native/ffi_libc.ts";

/** File descriptors that are reserved for everything except clients. */
const RESERVED_FDS = 128;
/** How long the broker sends what waits for clients when it stops, in milliseconds. */
const GRACE_MS = 2000;

/** Where the admin listener of `--admin-port` is. */
const LOOPBACK = "127.0.0.1";

const VERSION = `Fairway ${deno.version}`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const flags = parseServerFlags(Deno.args);
    if (flags.help) sayPage(HELP);
    else if (flags.version) say(VERSION);
    else if (flags.config !== null) await configured(flags.config, flags);
    else await serve(flags);
  } catch (error) {
    const { lines, code } = startFailure(error);
    for (const line of lines) complain(line);
    Deno.exit(code);
  }
}

/** Runs the server with a configuration file, or only checks the file. */
async function configured(file: string, flags: ServerFlags): Promise<void> {
  const streams = streamsOf(flags.streams);
  if (!flags.testConfig) {
    return await serveConfiguration(file, {
      streams,
      version: VERSION,
      connectionsMax: roomFor(await readFdLimit()),
      memoryBytesMax: await memoryBytesHere(),
    });
  }
  const { notes, effect } = await testConfiguration(file);
  for (const note of notes) complain(note);
  sayPage(effect);
}

/** How many connections the file descriptors allow. */
function roomFor({ limit }: FdLimit): number {
  return Math.min(Math.max(1, limit - RESERVED_FDS), 1_000_000);
}

async function serve(flags: ServerFlags): Promise<void> {
  const streams = streamsOf(flags.streams);
  if (flags.nativeSockets) checkNativeSockets();
  if (flags.workers > 1) return await serveWithWorkers(flags, streams);
  if (flags.data !== null) await checkNodeStores(flags.data, 1);
  const fds = await readFdLimit();
  const connectionsMax = Math.min(flags.maxConnections ?? Infinity, roomFor(fds));
  const lines = new TerminalLines(afterwards, say, complain);
  const hooks = terminalHooks(lines, flags.verbose);
  // Installed before the line that says that the broker is up, because a reader of that line may
  // send a signal.
  const stopped = stopSignal();
  const memoryBytesMax = flags.memoryBytesMax ?? await memoryBytesHere();
  // Printed after the first lines, which need open listeners.
  const more: string[] = [];
  const options = { limits: { connectionsMax, memoryBytesMax }, hooks };
  const broker = flags.data === null
    ? new Broker(options)
    : await openStoredBroker(flags.data, flags.strictStore, options, {
      inform: (text) => more.push(text),
      warn: (text) => complain(`WARNING: ${text}`),
    });
  await new ServerStreams(broker, streams, (text) => more.push(text)).open({
    streams: [],
    removedStreams: [],
    limits: {},
  });
  const { host, port, wsPort } = flags;
  const shared = { hostname: host, native: flags.nativeSockets };
  const listener = await bound(broker.listen({ ...shared, port }), host, port, "--port");
  const webSockets = wsPort === null ? null : await bound(
    broker.listen({ ...shared, port: wsPort, webSocket: true }),
    host,
    wsPort,
    "--ws-port",
  );
  const ports = [listener.port, ...webSockets === null ? [] : [webSockets.port]];
  const admin = flags.adminPort === null ? null : await administer(broker, flags.adminPort, ports);
  const facts = {
    version: VERSION,
    hostname: listener.hostname,
    host,
    port: listener.port,
    wsPort: webSockets?.port ?? null,
    directory: flags.data,
    forgotten: forgottenAfter(broker),
    admin: admin === null ? null : { url: adminUrl(admin, false), token: admin.token },
  };
  for (const line of [...startLines(facts), ...more]) say(line);
  if (flags.nativeSockets) say("Native sockets: the C library is called by FFI");
  say(memoryLine(broker, flags.memoryBytesMax !== null));
  if (!fds.isKnown) {
    say(`At most ${connectionsMax} connections: allow --allow-run=prlimit to use more`);
  } else if (flags.maxConnections !== null && flags.maxConnections > connectionsMax) {
    say(`At most ${connectionsMax} connections: the limit of open files is ${fds.limit}`);
  }
  const state = new SysTopics(broker, { version: VERSION });
  const telemetry = Telemetry.start(broker, { version: VERSION });
  const notifier = SystemdNotifier.start();
  await stopped;
  await notifier?.stop();
  telemetry?.stop();
  await admin?.close();
  state.stop();
  await broker.close({ graceMs: GRACE_MS });
  lines.flush();
}

async function serveWithWorkers(
  flags: ServerFlags,
  streams: readonly StreamOptions[],
): Promise<void> {
  const { serveWorkers } = await import("./server/workers/serve_workers.ts");
  await serveWorkers(flags, {
    version: VERSION,
    connectionsMax: Math.min(flags.maxConnections ?? Infinity, roomFor(await readFdLimit())),
    memoryBytesMax: flags.memoryBytesMax ?? await memoryBytesHere(),
    streams,
  });
}

/**
 * Opens the admin listener, for this machine only.
 *
 * @param ports The ports of MQTT, and of MQTT over WebSocket if there is one.
 */
async function administer(
  broker: Broker,
  port: number,
  ports: readonly number[],
): Promise<AdminListener> {
  const info = (port: number, i: number): ListenerInfo => ({
    port,
    protocol: i === 0 ? "mqtt" : "websockets",
    tls: false,
    mtls: false,
    allow_anonymous: true,
  });
  const listeners = () => ports.map(info);
  const options = { port, operations: { version: VERSION, audit: say, listeners } };
  const { listenAdmin } = await import("./admin/mod.ts");
  return await bound(listenAdmin(broker, options), LOOPBACK, port, "--admin-port");
}

/** Explains an address that cannot be used, and what to do. */
async function bound<T>(
  listening: Promise<T>,
  host: string,
  port: number,
  portFlag: string,
): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const why = bindFault(error, { host, port, portBy: `with ${portFlag}`, hostBy: "with --host" });
    throw new StartError(`cannot listen on ${host}:${port}: ${why}`, { cause: error });
  }
}
