import { assertEquals, assertRejects } from "@std/assert";
import { StartError } from "../start_error.ts";
import { checkNodeStores } from "./node_stores.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a directory is kept for the number of workers that it was made for", () =>
  inFolder(async (folder) => {
    await checkNodeStores(folder, 2);
    await checkNodeStores(folder, 2);
    for (const workers of [1, 3]) {
      await assertRejects(
        () => checkNodeStores(folder, workers),
        StartError,
        "has the state of 2 workers: start it with --workers 2",
      );
    }
  }));

Deno.test("the store of a server without workers is not left aside", () =>
  inFolder(async (folder) => {
    await checkNodeStores(folder, 1);
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/fairway.db`, "");
    await checkNodeStores(folder, 1);
    await assertRejects(
      () => checkNodeStores(folder, 2),
      StartError,
      "has the state of a server without workers",
    );
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), [
      "fairway.db",
    ]);
  }));
