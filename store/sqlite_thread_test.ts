import { assertEquals, assertRejects } from "@std/assert";
import { Child } from "../tests/harness/child.ts";
import { Batch } from "./batch.ts";
import { SqliteThread } from "./sqlite_thread.ts";
import { StoreError } from "./store.ts";

/** A thread that opens, and fails at whatever it is asked to do then. */
const FAILING = `
  onmessage = ({ data }) => {
    if (data.kind !== "open") throw new Error("out of order");
    postMessage({ ok: true, value: null });
  };
`;

Deno.test("SqliteThread refuses what is asked and what waits when its worker has died", async () => {
  const script = new URL(`data:text/javascript,${encodeURIComponent(FAILING)}`);
  const { thread } = await SqliteThread.open("nowhere", false, script);
  const waiting = [thread.commit(new Batch()), thread.get("meta", []), thread.size()];
  for (const each of waiting) {
    await assertRejects(
      () => each,
      StoreError,
      "its thread has ended: Uncaught Error: out of order",
    );
  }
  await assertRejects(() => thread.size(), StoreError, "its thread has ended");
  await thread.close();
});

Deno.test("SqliteThread hands the errors of its directory on, by their class", async () => {
  const directory = await Deno.makeTempDir();
  const { thread } = await SqliteThread.open(directory, false);
  const second = () => SqliteThread.open(directory, false);
  const error = await assertRejects(second, StoreError, "in use by another broker");
  assertEquals(error.name, "StoreLockedError");
  await thread.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("SqliteThread passes large values on as they are, and packs small ones", async () => {
  const directory = await Deno.makeTempDir();
  const { thread } = await SqliteThread.open(directory, false);
  const [large, small, none] = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  const batch = new Batch();
  batch.put("meta", large!, new Uint8Array(50_000).fill(7));
  batch.put("meta", small!, new Uint8Array(3).fill(8));
  await thread.commit(batch);
  const [first, missing, again] = await thread.get("meta", [large!, none!, large!]);
  assertEquals([first, missing], [new Uint8Array(50_000).fill(7), null]);
  assertEquals([again, again!.buffer.byteLength], [first, 50_000]);
  const packed = await thread.get("meta", [small!, none!, small!]);
  assertEquals(packed, [Uint8Array.of(8, 8, 8), null, Uint8Array.of(8, 8, 8)]);
  assertEquals(packed[0]!.buffer === packed[2]!.buffer, true);
  assertEquals(await thread.get("meta", []), []);
  await thread.close();
  await Deno.remove(directory, { recursive: true });
});

/** Runs a program that may read and write one directory, and not these modules. */
async function outcome(directory: string, program: string): Promise<string> {
  const url = new URL("sqlite_store.ts", import.meta.url);
  const script = `import { SqliteStore } from "${url}";\n${program}`;
  const permissions = [`--allow-read=${directory}`, `--allow-write=${directory}`];
  await using child = new Child(
    Deno.execPath(),
    ["run", "--no-prompt", "--no-check", "--ext=ts", ...permissions, "-"],
    { input: script },
  );
  const { code, stdout, stderr } = await child.outcome(20_000);
  assertEquals(code, 0, stderr);
  return stdout.trim();
}

Deno.test("SqliteStore is in the main thread where no worker may be started", async () => {
  const directory = await Deno.makeTempDir();
  const open = `SqliteStore.open(${JSON.stringify(directory)}`;
  assertEquals(
    await outcome(
      directory,
      `const store = await ${open}); console.log(store.thread); await store.close();`,
    ),
    "main",
  );
  const refused = await outcome(
    directory,
    `await ${open}, { thread: "worker" }).catch((error) => console.log(error.message));`,
  );
  assertEquals(
    refused.split(" to ")[0],
    "Cannot use the store: its thread has ended: Requires read access",
  );
  await Deno.remove(directory, { recursive: true });
});
