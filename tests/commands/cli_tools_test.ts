/**
 * `cli/pub.ts`, `cli/sub.ts` and `cli/ticktock.ts` as the one who types them sees them: against
 * Fairway, and together with the tools of mosquitto.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { AUTHORITY, CERTIFICATE, PRIVATE_KEY } from "../../client/testdata/certificate.ts";
import { withBroker } from "../harness/broker_process.ts";
import { Child, type ChildOptions, type Outcome } from "../harness/child.ts";
import { publish, receive, Subscriber } from "../harness/external_clients.ts";
import { testWith } from "../harness/tools.ts";

/** Enough for a start with an empty cache. */
const DEADLINE_MS = 30_000;
const MOSQUITTO = ["mosquitto_pub", "mosquitto_sub"] as const;

type Tool = "pub" | "sub" | "ticktock";

/** Starts a tool with the permissions its task has. */
function start(tool: Tool, args: readonly string[], options: ChildOptions = {}): Child {
  const path = new URL(`../../cli/${tool}.ts`, import.meta.url).pathname;
  const permissions = tool === "ticktock" ? ["--allow-net"] : ["--allow-net", "--allow-read"];
  return new Child(Deno.execPath(), ["run", "--no-prompt", ...permissions, path, ...args], {
    ...options,
    env: { NO_COLOR: "1" },
  });
}

/** Runs a tool to its end. */
async function run(
  tool: Tool,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Outcome> {
  await using child = start(tool, args, options);
  return await child.outcome(DEADLINE_MS);
}

/** Runs a tool that has nothing to complain of; tells what it printed. */
async function good(
  tool: Tool,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(tool, args, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Starts `sub.ts` and waits until its subscriptions are granted. */
async function subscribed(...args: string[]): Promise<Child> {
  const child = start("sub", ["-d", ...args]);
  try {
    await child.waitFor(/^Subscribed to /m, "stderr", DEADLINE_MS);
    return child;
  } catch (error) {
    await child.kill();
    throw error;
  }
}

async function printed(child: Child): Promise<string> {
  const { code, stdout, stderr } = await child.outcome(DEADLINE_MS);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** A failure is one clear line and an exit code, not a stack trace. */
function assertFailsClearly({ code, stdout, stderr }: Outcome, reason: RegExp, wanted = 1): void {
  assertEquals([code, stdout], [wanted, ""]);
  assertMatch(stderr, reason);
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
}

/** A test with a broker of its own; `-p` is what the tools need to find it. */
function toolsTest(name: string, fn: (port: number, at: string[]) => Promise<void>): void {
  Deno.test(name, () => withBroker(({ port }) => fn(port, ["-p", `${port}`])));
}

function mosquittoTest(name: string, fn: (port: number, at: string[]) => Promise<void>): void {
  testWith(MOSQUITTO, name, () => withBroker(({ port }) => fn(port, ["-p", `${port}`])));
}

/** Takes TLS off what clients say, and passes it on to a broker. */
class TlsRelay implements AsyncDisposable {
  readonly #listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: CERTIFICATE,
    key: PRIVATE_KEY,
  });
  readonly #running: Promise<void>[];

  constructor(port: number) {
    this.#running = [this.#accept(port)];
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    while (this.#running.length > 0) await this.#running.shift();
  }

  async #accept(port: number): Promise<void> {
    for (;;) {
      // It fails when the listener is closed.
      const client = await this.#listener.accept().catch(() => null);
      if (client === null) return;
      this.#running.push(relay(client, port));
    }
  }
}

async function relay(client: Deno.TlsConn, port: number): Promise<void> {
  try {
    await client.handshake();
  } catch {
    // A client that does not trust the certificate.
    return client.close();
  }
  const broker = await Deno.connect({ hostname: "127.0.0.1", port });
  await Promise.all([
    client.readable.pipeTo(broker.writable).catch(() => {}),
    broker.readable.pipeTo(client.writable).catch(() => {}),
  ]);
}

for (const version of ["mqttv311", "mqttv5"]) {
  for (const qos of ["0", "1", "2"]) {
    mosquittoTest(
      `pub and mosquitto_pub reach sub and mosquitto_sub: ${version}, QoS ${qos}`,
      async (port, at) => {
        const same = ["-V", version, "-q", qos, "-t", "sea/wind"];
        await using ours = await subscribed(...at, ...same, "-C", "4", "-F", "%t %p %q %r");
        await using theirs = await Subscriber.ready(port, ...same, "-C", "4");
        await good("pub", [...at, ...same, "-l"], { input: "calm\nbreeze" });
        await publish(port, [...same, "-l"], "gale\nstorm\n");
        const payloads = ["calm", "breeze", "gale", "storm"];
        assertEquals(
          await printed(ours),
          payloads.map((payload) => `sea/wind ${payload} ${qos} 0\n`).join(""),
        );
        assertEquals(
          await theirs.outcome(),
          payloads.map((payload) => ({
            topic: "sea/wind",
            payload,
            qos: Number(qos),
            retain: false,
          })),
        );
      },
    );
  }
}

mosquittoTest(
  "pub says with -D what mosquitto_pub does, and sub prints it alike",
  async (port, at) => {
    const properties = [
      ...["content-type", "text/plain", "correlation-data", "abc", "payload-format-indicator", "1"],
      ...["response-topic", "answers/1"],
    ];
    const flags: string[] = ["-V", "mqttv5", "-q", "1", "-t", "a/b", "-m", '"x"'];
    while (properties.length > 0) flags.push("-D", "publish", ...properties.splice(0, 2));
    flags.push("-D", "publish", "user-property", "one", "1");
    const sub = ["-V", "mqttv5", "-q", "1", "-t", "a/#", "-C", "2"];
    const format = "%t|%p|%x|%l|%q|%r|%C|%D|%F|%P|%R|%-6t|%06l";
    for (const form of ["%j", "%J", format]) {
      await using ours = await subscribed(...at, ...sub, "-F", form);
      const args = ["-oL", "mosquitto_sub", "-d", ...at, ...sub, "-F", form];
      await using theirs = new Child("stdbuf", args);
      await theirs.waitFor(/received SUBACK/, "stdout");
      await good("pub", [...at, ...flags]);
      await publish(port, flags);
      const theirLines = (await printed(theirs)).split("\n").filter((line) => {
        return line.startsWith("{") || line.startsWith("a/b|");
      });
      const ourLines = (await printed(ours)).split("\n").slice(0, -1);
      assertEquals(ourLines.map(comparable), theirLines.map(comparable));
      assertEquals(ourLines.length, 2);
    }
  },
);

/** A line of output without the time, and without the order of names in JSON. */
function comparable(line: string): unknown {
  if (!line.startsWith("{")) return line;
  const { tst, mid: _, ...rest } = JSON.parse(line);
  assertMatch(tst, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}/);
  return rest;
}

mosquittoTest("pub retains a message, and forgets it with an empty one", async (port, at) => {
  await good("pub", [...at, "-t", "lamp", "-m", "-1", "-r"]);
  const lamp = { topic: "lamp", payload: "-1", qos: 0, retain: true };
  assertEquals(await receive(port, 1, "-t", "lamp"), [lamp]);
  await good("pub", [...at, "-t", "lamp", "-n", "-r"]);
  await good("pub", [...at, "-t", "end", "-m", "x", "-r"]);
  assertEquals((await receive(port, 1, "-t", "#")).map(({ topic }) => topic), ["end"]);
});

toolsTest(
  "sub leaves a will behind when it is killed, and none when it is stopped",
  async (_, at) => {
    await using watcher = await subscribed(...at, "-t", "wills/#", "-v", "-C", "1");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const will = ["--will-topic", `wills/${signal}`, "--will-payload", "gone", "--will-qos", "1"];
      await using mortal = await subscribed(...at, "-t", "any", ...will);
      mortal.signal(signal);
      const { code } = await mortal.outcome(DEADLINE_MS);
      if (signal === "SIGTERM") assertEquals(code, 0);
    }
    assertEquals(await printed(watcher), "wills/SIGKILL gone\n");
  },
);

toolsTest("pub -s and -f pass bytes on as they are, and sub prints them so", async (_, at) => {
  const file = await Deno.makeTempFile();
  try {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await Deno.writeFile(file, bytes);
    await using sub = await subscribed(...at, "-t", "a", "-C", "2", "-F", "%x");
    await good("pub", [...at, "-t", "a", "-f", file, "-q", "1"]);
    await good("pub", [...at, "-t", "a", "-s", "-q", "1"], { input: "two\nlines\n" });
    assertEquals(await printed(sub), `${bytes.toHex()}\n74776f0a6c696e65730a\n`);
  } finally {
    await Deno.remove(file);
  }
});

toolsTest("pub -l passes on a great many lines, in order", async (_, at) => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join("\n");
  await using sub = await subscribed(...at, "-t", "a", "-q", "1", "-C", "20000");
  await good("pub", [...at, "-t", "a", "-l", "-q", "1"], { input: lines });
  assertEquals(await printed(sub), `${lines}\n`);
});

toolsTest("pub --repeat keeps the pace of --rate", async (_, at) => {
  await using sub = await subscribed(...at, "-t", "a", "-C", "5", "-N");
  const start = performance.now();
  await good("pub", [...at, "-t", "a", "-m", "x", "--repeat", "5", "--rate", "20"]);
  // Four gaps of 50 ms; how much longer it takes is the machine's affair.
  assertGreater(performance.now() - start, 200);
  assertEquals(await printed(sub), "xxxxx");
});

toolsTest("sub filters by topic and by what was retained", async (_, at) => {
  for (const topic of ["a/1", "a/2", "b/1"]) {
    await good("pub", [...at, "-t", topic, "-m", topic, "-r", "-q", "1"]);
  }
  const sub = (...args: string[]) => run("sub", [...at, "-W", "20", ...args]);
  const { stdout: some } = await sub("-t", "#", "-T", "a/1", "-T", "b/#", "-C", "1");
  assertEquals(some, "a/2\n");
  const plain = () => good("pub", [...at, "-t", "a/3", "-m", "new", "-q", "1"]);
  await using fresh = await subscribed(...at, "-t", "#", "-R", "-C", "1");
  await plain();
  assertEquals(await printed(fresh), "new\n");
  const retainedOnly = [...at, "-t", "#", "--retained-only"];
  await using removing = await subscribed(...retainedOnly, "--remove-retained");
  await removing.waitFor(/(.*\n){3}/, "stdout", DEADLINE_MS);
  await plain();
  assertEquals((await printed(removing)).trimEnd().split("\n").sort(), ["a/1", "a/2", "b/1"]);
  await using after = await subscribed(...retainedOnly);
  await plain();
  assertEquals(await printed(after), "");
});

for (const version of ["311", "5"]) {
  toolsTest(`sub -c finds what came meanwhile, -U ends it: ${version}`, async (_, at) => {
    const session = [...at, "-V", version, "-c", "-i", "keeper", "-q", "1"];
    await good("sub", [...session, "-t", "jobs", "-t", "other", "-E"]);
    const say = (text: string) => good("pub", [...at, "-t", "jobs", "-m", text, "-q", "1"]);
    await say("one");
    await say("two");
    // What is not printed stays with the broker.
    const next = () => good("sub", [...session, "-t", "jobs", "-C", "1"]);
    assertEquals([await next(), await next()], ["one\n", "two\n"]);
    await good("sub", [...session, "-U", "jobs"]);
    await say("three");
    await good("pub", [...at, "-t", "other", "-m", "four", "-q", "1"]);
    assertEquals(await good("sub", [...session, "-t", "other", "-t", "jobs", "-C", "1"]), "four\n");
  });
}

toolsTest("the URL says it all", async (port) => {
  const url = `mqtt://ada:secret@127.0.0.1:${port}/a/b`;
  await using sub = await subscribed("-L", `mqtt://127.0.0.1:${port}/a/#`, "-C", "1", "-v");
  const { stderr } = await run("pub", ["-L", url, "-m", "x", "-d"]);
  assertStringIncludes(stderr, "Published 1 bytes to a/b at QoS 0");
  assertEquals(stderr.includes("secret"), false, stderr);
  assertEquals(await printed(sub), "a/b x\n");
});

toolsTest("pub and sub speak TLS, with whom they are told to trust", async (port) => {
  await using relay = new TlsRelay(port);
  const folder = await Deno.makeTempDir();
  try {
    const cafile = `${folder}/ca.pem`;
    await Deno.writeTextFile(cafile, AUTHORITY);
    const at = ["-h", "127.0.0.1", "-p", `${relay.port}`, "-t", "a"];
    await using sub = await subscribed(...at, "--cafile", cafile, "-C", "1");
    await good("pub", [...at, "--cafile", cafile, "-m", "x", "-q", "1"]);
    assertEquals(await printed(sub), "x\n");
    const stranger = await run("pub", [...at, "--tls-use-os-certs", "-m", "x"]);
    assertFailsClearly(stranger, /^Cannot connect to mqtts:.*certificate/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

toolsTest("sub -W ends with exit code 27, as mosquitto_sub does", async (_, at) => {
  const { code, stdout, stderr } = await run("sub", [...at, "-t", "a", "-W", "0.3"]);
  assertEquals([code, stdout, stderr], [27, "", "Timed out\n"]);
  const quiet = await run("sub", [...at, "-t", "a", "-W", "0.3", "--quiet"]);
  assertEquals([quiet.code, quiet.stderr], [27, ""]);
});

toolsTest("sub complains of what is no JSON, and goes on", async (_, at) => {
  await using sub = await subscribed(...at, "-t", "a", "-C", "1", "-F", "%J");
  await good("pub", [...at, "-t", "a", "-l"], { input: "{no\n{}\n" });
  const { stdout, stderr } = await sub.outcome(DEADLINE_MS);
  assertMatch(stdout, /^\{[^\n]*"payload":\{\}\}\n$/);
  assertStringIncludes(stderr, "The payload is not valid JSON on topic a");
});

toolsTest("ticktock ticks, and takes its leave when it is stopped", async (port, at) => {
  await using watcher = await subscribed(...at, "-t", "clock/#", "-v", "-C", "2");
  await using clock = start("ticktock", at);
  await clock.waitFor(/^clock\/1 tick\nclock\/1 tock\n/, "stdout", DEADLINE_MS);
  assertEquals(await printed(watcher), "clock/1 tick\nclock/1 tock\n");
  await good("pub", [...at, "-t", "clock/2", "-m", `${port}`]);
  await clock.waitFor(/^clock\/2 \d+$/m, "stdout");
  clock.signal("SIGINT");
  assertEquals((await clock.outcome(DEADLINE_MS)).code, 0);
});

Deno.test("sub reconnects after the broker is gone, and says so", async () => {
  const flags: string[] = [];
  await withBroker(async (broker) => {
    flags.push("--port", `${broker.port}`);
    await using sub = await subscribed("-p", `${broker.port}`, "-t", "a", "-C", "1");
    assertEquals((await broker.stop()).code, 0);
    await sub.waitFor(/next attempt in/, "stderr", DEADLINE_MS);
    await withBroker(async ({ port }) => {
      await sub.waitFor(/Connected to [^]*Connected to /, "stderr", DEADLINE_MS);
      await good("pub", ["-p", `${port}`, "-t", "a", "-m", "again", "-r"]);
      assertEquals(await printed(sub), "again\n");
    }, ...flags);
  });
});

for (
  const [tool, args, reason] of [
    ["pub", ["-t", "a"], /^The message is missing: .* \(see --help\)$/m],
    ["pub", ["-t", "a", "-m", "x", "-q", "3"], /^-q needs a whole number from 0 to 2/],
    ["pub", ["-t", "a", "-f", "/nowhere"], /^-f cannot read \/nowhere: there is no such file/],
    [
      "pub",
      ["-t", "a", "-m", "x", "-p", "1"],
      /^Cannot connect to mqtt:\/\/localhost:1: .*refused/,
    ],
    ["sub", ["-t", "a", "-F", "%y"], /^-F does not know %y/],
    ["sub", ["-t", "a", "-p", "1"], /^Cannot connect to mqtt:\/\/localhost:1: .*refused/],
    ["sub", ["-t", "a", "-V", "31"], /^-V needs mqttv5 or mqttv311/],
    ["ticktock", ["-t", "a"], /^Unknown argument: -t/],
  ] as const
) {
  Deno.test(`${tool} ${args.join(" ")} fails in one clear line`, async () => {
    // A file is read once there is a broker to send it to.
    const wanted = reason.source.startsWith("^Cannot connect") ? 1 : 2;
    if (args[2] !== "-f") return assertFailsClearly(await run(tool, args), reason, wanted);
    await withBroker(async ({ port }) => {
      assertFailsClearly(await run(tool, [...args, "-p", `${port}`]), reason, wanted);
    });
  });
}

Deno.test("--quiet says nothing of a failure, the exit code all the same", async () => {
  const { code, stdout, stderr } = await run("pub", ["-t", "a", "-n", "-p", "1", "--quiet"]);
  assertEquals([code, stdout, stderr], [1, "", ""]);
});

for (const tool of ["pub", "sub", "ticktock"] as const) {
  Deno.test(`${tool} --help tells the flags, with examples`, async () => {
    const help = await good(tool, ["--help"]);
    assertMatch(help, /^Usage: deno task /);
    assert(help.includes("--host") && help.includes("Examples:"));
  });
}
