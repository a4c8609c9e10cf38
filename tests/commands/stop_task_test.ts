/**
 * A signal to `deno task start` stops the broker: nothing is left behind that listens.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { Child } from "../harness/child.ts";

const DEADLINE_MS = 30_000;
const ROOT = new URL("../../", import.meta.url).pathname;

/** The second is what npm's shell does with the line of docs/running.md. */
for (
  const [what, command] of [
    ["deno task start", "exec"],
    ["sh -c 'exec deno task start'", "exec sh -c"],
  ] as const
) {
  Deno.test({
    name: `SIGTERM to ${what} stops the broker`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const deno = `'${Deno.execPath()}' task start --memory --port 0`;
      const line = command === "exec" ? `exec ${deno}` : `exec sh -c "exec ${deno}"`;
      await using child = new Child("sh", ["-c", line], { cwd: ROOT, env: { NO_COLOR: "1" } });
      const [, port] = await child.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS);
      child.signal("SIGTERM");
      assertEquals((await child.outcome(DEADLINE_MS)).code, 0);
      await assertRejects(
        () => Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
        Deno.errors.ConnectionRefused,
      );
    },
  });
}
