import { assert, assertEquals } from "@std/assert";
import { Broker, DEFAULT_LIMITS } from "../../mod.ts";

const GUIDE = new URL("../../docs/security.md", import.meta.url);

/** The rows of the guide's tables, by the limit that is in the first column. */
async function rows(): Promise<Map<string, string[]>> {
  const guide = await Deno.readTextFile(GUIDE);
  const lines = guide.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(lines.map((line) => {
    const [, name, ...cells] = line.split("|").map((cell) => cell.trim());
    return [name!.replaceAll("`", ""), cells];
  }));
}

Deno.test("every limit is in the guide, with the default that it has", async () => {
  const told = await rows();
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    assert(told.has(name), `${name} is not in docs/security.md`);
    assertEquals(Number(told.get(name)![1]!.replaceAll(",", "")), value, name);
  }
});

Deno.test("every counter of a limit is in the guide", async () => {
  const guide = await Deno.readTextFile(GUIDE);
  await using broker = new Broker();
  for (const reason of Object.keys(broker.stats.limited)) {
    assert(guide.includes(`\`limited.${reason}\``), `limited.${reason} is not in docs/security.md`);
  }
});
