import { Child, type Outcome } from "./child.ts";

/** A start under load, with nothing cached, is slow. */
const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;
const SERVER = new URL("../../server.ts", import.meta.url).pathname;

/**
 * The flags `deno run` gets in the README. The one for V8 is that of `deno task start`: without it
 * the memory of a broker depends on how far V8 lets its young generation grow.
 */
export const SERVER_PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--v8-flags=--max-semi-space-size=4",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run=prlimit,systemd-notify,logger",
  "--allow-env=NOTIFY_SOCKET,WATCHDOG_USEC",
];

/** The flags for everything that a configuration can ask for. */
export const CONFIG_PERMISSIONS: readonly string[] = [
  ...SERVER_PERMISSIONS,
  "--allow-read",
  "--allow-write",
  "--allow-sys=networkInterfaces,uid,hostname",
];

/**
 * Starts `server.ts` with the flags given, whatever comes of it. It keeps everything in memory
 * unless they say otherwise: tests leave nothing behind.
 */
export function startServer(
  flags: readonly string[],
  permissions: readonly string[] = SERVER_PERMISSIONS,
  env: Record<string, string> = {},
): Child {
  const isTold = flags.includes("--data") || flags.includes("-c");
  const memory = isTold ? [] : ["--memory"];
  return new Child(Deno.execPath(), ["run", ...permissions, SERVER, ...memory, ...flags], {
    env: { NO_COLOR: "1", ...env },
  });
}

/**
 * A broker in a process of its own on a free port; it never outlives the block that uses it.
 *
 * With `FAIRWAY_TEST_WORKERS=N` in the environment it has N workers, which are one broker for clients.
 *
 * With `FAIRWAY_TEST_BROKER=mosquitto` in the environment it is a mosquitto instead: when a client
 * test fails, that tells whether the test or Fairway is wrong.
 */
export class BrokerProcess implements AsyncDisposable {
  /** The port it listens on, on 127.0.0.1. */
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts a broker and waits until it listens. */
  static async start(...flags: string[]): Promise<BrokerProcess> {
    if (Deno.env.get("FAIRWAY_TEST_BROKER") === "mosquitto") return await this.startMosquitto();
    const child = startServer(["--port", "0", ...workerFlags(), ...flags], workerPermissions());
    return await this.#listening(child, /127\.0\.0\.1:(\d+)/, "stdout");
  }

  /**
   * Starts a mosquitto and waits until it listens.
   *
   * @param inflightMax Unacknowledged messages to one client; 0 for any number, whatever Receive
   * Maximum the client has.
   * @param more Further lines of its configuration, which is about its only listener by then.
   */
  static startMosquitto(
    inflightMax = 0,
    more: readonly string[] = [],
  ): Promise<BrokerProcess> {
    return this.#listening(
      startMosquitto(inflightMax, more),
      /listen socket on port (\d+)[^]*running/,
      "stderr",
    );
  }

  static async #listening(
    child: Child,
    pattern: RegExp,
    from: "stdout" | "stderr",
  ): Promise<BrokerProcess> {
    try {
      const match = await child.waitFor(pattern, from, START_DEADLINE_MS);
      return new BrokerProcess(child, Number(match[1]));
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** The process's number. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The standard output so far. */
  get stdout(): string {
    return this.#child.stdout;
  }

  /** The standard error output so far. */
  get stderr(): string {
    return this.#child.stderr;
  }

  /** Waits until the output holds a match of `pattern`. */
  waitFor(pattern: RegExp, from?: "stdout" | "stderr"): Promise<RegExpExecArray> {
    return this.#child.waitFor(pattern, from);
  }

  /** Asks the broker to shut down and waits until it has. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Outcome> {
    this.#child.signal(signal);
    try {
      return await this.#child.outcome(STOP_DEADLINE_MS);
    } finally {
      await this.#child.kill();
    }
  }

  /** Kills the broker as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/**
 * Runs a test against a broker of its own, and shuts that down in good order at the end: no test
 * passes over a broker that crashed or cannot leave.
 */
export async function withBroker(
  fn: (broker: BrokerProcess) => Promise<void>,
  ...flags: string[]
): Promise<void> {
  await using broker = await BrokerProcess.start(...flags);
  try {
    await fn(broker);
    const { code } = await broker.stop();
    if (code !== 0) throw new Error(`The broker ended with exit code ${code}`);
  } catch (error) {
    if (broker.stderr === "") throw error;
    throw new Error(`The broker said: ${broker.stderr}`, { cause: error });
  }
}

function workerFlags(): string[] {
  const workers = Deno.env.get("FAIRWAY_TEST_WORKERS");
  return workers === undefined ? [] : ["--native-sockets", "--workers", workers];
}

function workerPermissions(): readonly string[] {
  const isOne = Deno.env.get("FAIRWAY_TEST_WORKERS") === undefined;
  return isOne ? SERVER_PERMISSIONS : [...SERVER_PERMISSIONS, "--allow-ffi"];
}

/** A mosquitto cannot choose a port; this one was free a moment ago. */
function startMosquitto(inflightMax: number, more: readonly string[]): Child {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const settings = [
    `listener ${probe.addr.port} 127.0.0.1`,
    "allow_anonymous true",
    // Its own limits lose messages of the bursts in the tests.
    `max_inflight_messages ${inflightMax}`,
    "max_queued_messages 0",
    ...more,
  ];
  return new Child("mosquitto", ["-v", "-c", "/dev/stdin"], { input: settings.join("\n") });
}
