import { assertEquals, assertThrows } from "@std/assert";
import { idsIn, parseStatements, reasonFor, testNames, titleOf, VERSIONS } from "./statements.ts";

Deno.test("testNames() finds every way to register a test", () => {
  const source = [
    'specTest("a [MQTT-1.1.1-1]", async (t) => {',
    "for (const b of c) {\n  timeTest(\n    `${b} [MQTT-2.2.2-2] [MQTT-2.2.2-3]`,\n    async",
    'Deno.test("says \\"c\\"", () => {',
    'helper("no test [MQTT-3.3.3-3]")',
  ].join("\n");
  const names = testNames(source);
  assertEquals(names, ["a [MQTT-1.1.1-1]", "${b} [MQTT-2.2.2-2] [MQTT-2.2.2-3]", 'says \\"c\\"']);
  assertEquals(names.map(idsIn), [["MQTT-1.1.1-1"], ["MQTT-2.2.2-2", "MQTT-2.2.2-3"], []]);
  assertEquals(titleOf(names[1]!), "${b}");
});

Deno.test("every statement is told apart, and what no test can tell has a reason", async () => {
  for (const version of VERSIONS) {
    const list = new URL(version.list, import.meta.url);
    const statements = parseStatements(await Deno.readTextFile(list));
    assertEquals(new Set(statements.map(({ id }) => id)).size, statements.length);
    for (const statement of statements) if (!statement.isTestable) reasonFor(version, statement);
  }
  const made = { id: "MQTT-9.9.9-9", text: "", applies: "server", isTestable: false };
  assertThrows(() => reasonFor(VERSIONS[0]!, made));
});
