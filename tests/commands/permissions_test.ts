/**
 * What `deno run` has to allow: what the guide says, and no more.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Child } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const DEADLINE_MS = 30_000;
const SERVER = new URL("../../server.ts", import.meta.url).pathname;

/** The permissions that `deno task start` asks for. */
async function taskPermissions(): Promise<string[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  return config.tasks.start.command.match(/--(allow-\S+|no-prompt)/g);
}

/** A port that was free a moment ago. */
function freePort(): number {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return probe.addr.port;
}

/** Starts a broker in a folder of its own, sees that it serves, and stops it. */
async function serves(permissions: readonly string[], flags: readonly string[]): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fairway-permissions-" });
  try {
    await using child = new Child(
      "bash",
      [
        "-c",
        'cd "$0" && exec "$@"',
        folder,
        Deno.execPath(),
        "run",
        ...permissions,
        SERVER,
        ...flags,
      ],
      { env: { NO_COLOR: "1" } },
    );
    const [, port] = await child.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
    await using client = await RawClient.dial(Number(port));
    await client.send(packets.connect({ clientId: "c", clean: false }));
    await client.expect("20 02 00 00");
    client.close();
    child.signal("SIGTERM");
    const { code, stderr } = await child.outcome(DEADLINE_MS);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("deno task start asks for what the guide tells, which is enough", async () => {
  const permissions = await taskPermissions();
  const guide = await Deno.readTextFile(new URL("../../docs/security.md", import.meta.url));
  for (const flag of permissions) assertStringIncludes(guide, `\`${flag}\``);
  assert(
    permissions.every((flag) =>
      flag === "--no-prompt" || flag === "--allow-net" || flag.includes("=")
    ),
  );
  await serves(permissions, ["--port", "0"]);
});

Deno.test("a broker in memory needs its address and port, and nothing else", async () => {
  const port = freePort();
  const permissions = ["--no-prompt", `--allow-net=127.0.0.1:${port}`];
  await serves(permissions, ["--memory", "--port", `${port}`]);
});
