import { assertEquals, assertRejects } from "@std/assert";
import { Child } from "./child.ts";

function shell(script: string, input?: string): Child {
  return new Child("sh", ["-c", script], input === undefined ? {} : { input });
}

Deno.test("Child tells its exit code and both outputs", async () => {
  await using child = shell("cat; echo wrong >&2; exit 3", "fed");
  assertEquals(await child.outcome(), { code: 3, stdout: "fed", stderr: "wrong\n" });
});

Deno.test("Child waits for words in its output", async () => {
  await using child = shell("echo port 1883; exec sleep 60");
  assertEquals((await child.waitFor(/port (\d+)/))[1], "1883");
});

Deno.test("Child tells what it said when it ends without the words", async () => {
  await using child = shell("echo nothing of it");
  await assertRejects(() => child.waitFor(/port/), Error, "nothing of it");
});

Deno.test("Child tells what it said when the words do not come in time", async () => {
  await using child = shell("echo not yet; exec sleep 60");
  await child.waitFor(/not yet/);
  await assertRejects(() => child.waitFor(/port/, "stdout", 10), Error, "not yet");
});

Deno.test("Child does not outlive its block, and may be killed when it is gone", async () => {
  const child = shell("exec sleep 60");
  await child.kill();
  assertEquals((await child.outcome()).code, 128 + 9);
  await child.kill();
});
