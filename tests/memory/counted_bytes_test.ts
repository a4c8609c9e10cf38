/**
 * What the broker counts as held in memory is what is held.
 *
 * @module
 */
import { assert } from "@std/assert";

/** By how much an estimate may be wrong, either way. */
const FACTOR = 2;
const MEASURE = new URL("./measure.ts", import.meta.url).pathname;

Deno.test("each table counts what it really holds, within a factor of two", async (t) => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--v8-flags=--expose-gc", MEASURE],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assert(code === 0, text.decode(stderr));
  const measured: Record<string, { held: number; counted: number }> = JSON.parse(
    text.decode(stdout),
  );
  for (const [name, { held, counted }] of Object.entries(measured)) {
    await t.step(name, () => {
      assert(counted > held / FACTOR, `${counted} bytes counted, and ${held} held`);
      assert(counted < held * FACTOR, `${counted} bytes counted, and only ${held} held`);
    });
  }
});
