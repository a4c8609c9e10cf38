import { testStore } from "../tests/harness/store_suite.ts";
import { SqliteStore } from "./sqlite_store.ts";

for (const thread of ["worker", "main"] as const) {
  testStore(`SqliteStore in the ${thread} thread`, async () => {
    const directory = await Deno.makeTempDir();
    return {
      open: () => SqliteStore.open(directory, { thread }),
      [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
    };
  });
}
