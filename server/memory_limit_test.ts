import { assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../mod.ts";
import { containerBytes, defaultMemoryBytes, memoryLine } from "./memory_limit.ts";

const GB = 2 ** 30;

Deno.test("containerBytes() reads the first file that has a limit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [none, one, huge] = ["none", "one", "huge"].map((name) => `${folder}/${name}`);
    await Deno.writeTextFile(none!, "max\n");
    await Deno.writeTextFile(one!, "536870912\n");
    await Deno.writeTextFile(huge!, "9223372036854771712\n");
    assertEquals(await containerBytes([`${folder}/missing`, none!, one!]), GB / 2);
    assertEquals(await containerBytes([huge!]), null);
    assertEquals(await containerBytes([`${folder}/missing`]), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("defaultMemoryBytes() is half of a container, unless the heap leaves less", () => {
  assertEquals(defaultMemoryBytes(null, 4 * GB), 0);
  assertEquals(defaultMemoryBytes(GB, 4 * GB), GB / 2);
  assertEquals(defaultMemoryBytes(8 * GB, 4 * GB), 0);
  assertEquals(defaultMemoryBytes(GB, 0), GB / 2);
});

Deno.test("memoryLine() says how much, and why", async () => {
  await using told = new Broker({ limits: { memoryBytesMax: 64 * 2 ** 20 } });
  assertEquals(
    memoryLine(told, true),
    "At most 64 MB of memory for what clients make it hold (as it was told)",
  );
  const heap = { read: () => ({ usedBytes: 0, limitBytes: GB }), onCollected: () => {} };
  await using untold = new Broker({ heap });
  assertStringIncludes(memoryLine(untold, false), "At most 410 MB");
});
