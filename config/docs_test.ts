import { assertEquals } from "@std/assert";
import { LIMIT_OPTIONS } from "./options.ts";
import { BARRED_WORDS, IDLE_WORDS, knownWords } from "./words.ts";

Deno.test("docs/configuration.md has every word", async () => {
  const docs = await Deno.readTextFile(new URL("../docs/configuration.md", import.meta.url));
  const limits = Object.keys(LIMIT_OPTIONS);
  const words = [...knownWords(), ...Object.keys(BARRED_WORDS), ...Object.keys(IDLE_WORDS)];
  const missing = words.filter((word) => {
    return !limits.includes(word) && !docs.includes(`\`${word.replace(/_$/, "_…")}`);
  });
  assertEquals(missing, []);
});
