/**
 * What a client is called forges no line of the log, and does nothing to a terminal.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import type { Child } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const DEADLINE_MS = 30_000;
const FORGED = "login failed from 198.51.100.9 port 1 (0x86)";
/** A name with everything in it that must not be shown as it is. */
const NAME = `n\r\n${FORGED}\x1b[2K\x07\x7f\x85\x9b31m\u2028\u2029\u202e\u2066\u200f\u061c"\\`;
/** How it is to be shown, but for its quote. */
const SHOWN = `n\\u000d\\u000a${FORGED}\\u001b[2K\\u0007\\u007f\\u0085\\u009b31m` +
  "\\u2028\\u2029\\u202e\\u2066\\u200f\\u061c";

/** Method `A`: nobody knows it, and the client is refused. */
const UNKNOWN_METHOD = "15 0001 41";

/** Has clients come, go, and be refused in every way, and returns what the server says of it. */
async function told(server: Child, port: number, username?: string): Promise<string> {
  const connect = {
    level: 5,
    clientId: NAME,
    ...username === undefined ? {} : { username },
  } as const;
  // Gone with a DISCONNECT; by a protocol error, which is told with its message.
  for (const end of [packets.disconnect(), "00 00"]) {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect(connect));
    assertEquals((await client.readFrame())[3], 0);
    await client.send(end);
    assertEquals((await client.readFrameOrEnd())?.[0] ?? 0xe0, 0xe0);
  }
  {
    // Gone without a word.
    await using client = await RawClient.dial(port);
    await client.send(packets.connect(connect));
    assertEquals((await client.readFrame())[3], 0);
  }
  for (const more of [{ properties: UNKNOWN_METHOD }, { username: NAME, password: NAME }]) {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ ...connect, ...more }));
    await client.readFrame();
  }
  server.signal("SIGTERM");
  const { code, stdout, stderr } = await server.outcome(DEADLINE_MS);
  assertEquals(code, 0, stderr);
  return stdout + stderr;
}

/** Every line is one that the server has begun, and nothing in it is obeyed by a terminal. */
function assertHarmless(output: string, begins: RegExp): void {
  assert(output.endsWith("\n"));
  const lines = output.slice(0, -1).split("\n");
  for (const line of lines) {
    assertMatch(line, begins);
    assertEquals(line.match(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu), null, JSON.stringify(line));
  }
}

Deno.test("server.ts --verbose shows names of clients without obeying them", async () => {
  await using server = startServer(["--port", "0", "--verbose"]);
  const [, port] = await server.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
  const output = await told(server, Number(port), NAME);
  assertHarmless(
    output,
    /^(?:At most \d+ MB of memory|Fairway \d|Who may connect: |State: |Admin: |connect "n|disconnect "n|refuse "n)/,
  );
  const quoted = `"${SHOWN}\\"\\\\"`;
  assertStringIncludes(output, `connect ${quoted} from 127.0.0.1:`);
  assertStringIncludes(output, ` as ${quoted}, MQTT 5.0\n`);
  for (const by of ["client", "network", "broker"]) {
    assertMatch(output, new RegExp(`disconnect "n.* by ${by} `));
  }
  assertStringIncludes(output, `refuse ${quoted} from 127.0.0.1:`);
});

Deno.test("the log of server.ts -c FILE shows names of clients without obeying them, wherever it goes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lines = [
      ...["listener 0 127.0.0.1", "allow_anonymous true", `password_file ${folder}/users`],
      ...["log_type all", "log_timestamp false", "log_dest stdout", `log_dest file ${folder}/log`],
    ];
    await Deno.writeTextFile(`${folder}/users`, "");
    await Deno.writeTextFile(`${folder}/conf`, lines.map((line) => `${line}\n`).join(""));
    await using server = startServer(["-c", `${folder}/conf`], CONFIG_PERMISSIONS);
    const [, port] = await server.waitFor(/mqtt:\/\/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
    const output = await told(server, Number(port));
    assertEquals(output, await Deno.readTextFile(`${folder}/log`));
    assertHarmless(
      output,
      /^(?:At most \d+ MB of memory|Fairway \d|State in memory|Listening on|New client connected from|Client n\\u000d|login failed from 127)/,
    );
    assertStringIncludes(output, ` as ${SHOWN}"\\\\ (p5).\n`);
    assertStringIncludes(output, ` user "${SHOWN}\\"\\\\" client "${SHOWN}\\"\\\\"\n`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
