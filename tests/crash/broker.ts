/**
 * A broker with limits that make its files hard to keep: `broker.ts DIRECTORY LIMITS`, the latter
 * as JSON. It prints the port that it listens on.
 */
import { Broker } from "../../mod.ts";
import { SqliteStore } from "../../store/mod.ts";

if (import.meta.main) {
  const [directory, limits] = Deno.args;
  const store = await SqliteStore.open(directory!);
  const broker = await Broker.open(store, {
    limits: JSON.parse(limits!),
    // deno-lint-ignore no-console
    hooks: { failed: (error) => console.error(error) },
  });
  await broker.declareStream({ name: "lost", filters: [], maxBytes: 1 << 30 });
  await broker.declareStream({
    name: "day",
    filters: ["t/#"],
    maxBytes: 1 << 30,
    dead: "lost",
    exclusiveGroups: ["alone"],
  });
  const { port } = await broker.listen({ port: 0 });
  // deno-lint-ignore no-console
  console.log(`listening on 127.0.0.1:${port}`);
}
