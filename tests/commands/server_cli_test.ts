/**
 * What `server.ts` is to the one who types it: flags, words, signals and exit codes.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SERVER_PERMISSIONS, startServer, withBroker } from "../harness/broker_process.ts";
import type { Outcome } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { WebSocketClient } from "../harness/websocket_client.ts";

/** Enough for a start with an empty cache. */
const DEADLINE_MS = 30_000;

/** Runs the server to an end it comes to by itself. */
async function run(flags: string[], permissions?: readonly string[]): Promise<Outcome> {
  await using child = startServer(flags, permissions);
  return await child.outcome(DEADLINE_MS);
}

/** A failure is one clear line and an exit code, not a stack trace. */
function assertFailsClearly({ code, stdout, stderr }: Outcome, reason: RegExp): void {
  assert(code !== 0, "the exit code is 0");
  assertEquals(stdout, "");
  assertMatch(stderr, reason);
  assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
}

Deno.test("server.ts --help tells the flags", async () => {
  const { code, stdout, stderr } = await run(["--help"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const flag of ["host", "port", "ws-port", "max-connections", "verbose", "help", "version"]) {
    assertStringIncludes(stdout, `--${flag}`);
  }
});

Deno.test("server.ts --version tells the version of deno.json", async () => {
  const config = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  const { code, stdout, stderr } = await run(["--version"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertStringIncludes(stdout, JSON.parse(config).version);
});

for (const flags of [["--prot", "1883"], ["--port", "a"], ["--port", "65536"], ["--port=-1"]]) {
  Deno.test(`server.ts refuses ${flags.join(" ")} in one line`, async () => {
    assertFailsClearly(await run(flags), /port|prot/);
  });
}

Deno.test("server.ts refuses words that are no flags", async () => {
  assertFailsClearly(await run(["8883"]), /8883/);
});

Deno.test("server.ts tells in one line that its port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertFailsClearly(await run(["--port", `${taken.addr.port}`]), /port.* in use/);
});

Deno.test("server.ts tells in one line that it may not use the network", async () => {
  const without = SERVER_PERMISSIONS.filter((flag) => flag !== "--allow-net");
  assertFailsClearly(await run(["--port", "0"], without), /--allow-net/);
});

Deno.test("server.ts tells in one line that it may not keep its state", async () => {
  const without = SERVER_PERMISSIONS.filter((flag) => flag !== "--allow-write");
  const outcome = await run(["--port", "0", "--data", "nowhere"], without);
  assertFailsClearly(outcome, /--allow-write=nowhere, or use --memory/);
});

Deno.test("server.ts starts without the permission to run prlimit", async () => {
  await using child = startServer(["--port", "0"], ["--no-prompt", "--allow-net"]);
  await child.waitFor(/127\.0\.0\.1:\d+/, "stdout", DEADLINE_MS);
  child.signal("SIGTERM");
  assertEquals((await child.outcome(DEADLINE_MS)).code, 0);
});

Deno.test("server.ts --port 0 chooses a port, tells it and serves on it", async () => {
  await withBroker(async (broker) => {
    assertMatch(broker.stdout, /^Fairway \d+\.\d+\.\d+ listening on 127\.0\.0\.1:\d+/);
    await using client = await RawClient.dial(broker.port);
    await client.send(packets.connect({ clientId: "a" }));
    await client.expect("20 02 00 00");
  });
});

Deno.test("server.ts tells first where it listens, who may connect, its state and its admin listener", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    const flags = ["--port", "0", "--host", "0.0.0.0", "--data", directory, "--stream", "day=a/#"];
    await using child = startServer(flags);
    await child.waitFor(/At most .* of memory/, "stdout", DEADLINE_MS);
    const [where, who, state, admin] = child.stdout.split("\n");
    assertMatch(where!, /^Fairway \S+ listening on 0\.0\.0\.0:\d+$/);
    assertMatch(who!, /^Who may connect: anyone who can reach this address, without a password/);
    assertEquals(state!.split(";")[0], `State: in ${directory}`);
    assertMatch(admin!, /^Admin: none; --admin-port/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("server.ts --ws-port listens for WebSockets too", async () => {
  await using child = startServer(["--port", "0", "--ws-port", "0"]);
  const [, port] = await child.waitFor(/ws:\/\/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
  await using client = new RawClient(await WebSocketClient.dial(Number(port)));
  await client.send(packets.connect({ clientId: "a" }));
  await client.expect("20 02 00 00");
});

Deno.test("server.ts tells in one line that its port for WebSockets is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assertFailsClearly(await run(["--port", "0", "--ws-port", `${port}`]), /--ws-port/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`server.ts takes leave of its clients on ${signal} and exits with 0`, async () => {
    await withBroker(async (broker) => {
      await using old = await RawClient.dial(broker.port);
      await old.send(packets.connect({ clientId: "old" }));
      await old.expect("20 02 00 00");
      await using modern = await RawClient.dial(broker.port);
      await modern.send(packets.connect({ level: 5, clientId: "modern" }));
      assertEquals((await modern.readFrame())[0], 0x20);

      const stopped = broker.stop(signal);
      // DISCONNECT, Server shutting down; 3.1.1 has no such packet from a server.
      const farewell = await modern.readFrame();
      assertEquals([farewell[0], farewell[2]], [0xe0, 0x8b]);
      await modern.expectClose();
      await old.expectClose();
      const { code, stderr } = await stopped;
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
    });
  });
}

Deno.test("server.ts --verbose tells who comes and goes", async () => {
  await withBroker(async (broker) => {
    await using client = await RawClient.dial(broker.port);
    await client.send(packets.connect({ clientId: "verbose-client" }));
    await client.expect("20 02 00 00");
    await broker.waitFor(/^.*\bconnect.*verbose-client|verbose-client.*\bconnect/im);
    await client.send(packets.disconnect());
    await client.expectClose();
    await broker.waitFor(/disconnect.*verbose-client|verbose-client.*disconnect/i);
  }, "--verbose");
});

Deno.test("server.ts is silent about clients unless asked", async () => {
  await withBroker(async (broker) => {
    await using client = await RawClient.dial(broker.port);
    await client.send(packets.connect({ clientId: "quiet-client" }), packets.disconnect());
    await client.expect("20 02 00 00");
    await client.expectClose();
    assertEquals(`${broker.stdout}${broker.stderr}`.includes("quiet-client"), false);
  });
});
