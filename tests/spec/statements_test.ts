import { assertEquals, assertThrows } from "@std/assert";
import {
  idsFor,
  openReasonFor,
  parseStatements,
  reasonFor,
  testsIn,
  VERSIONS,
} from "./statements.ts";

Deno.test("testsIn() finds every way to register a test", () => {
  const source = [
    'specTest("a [MQTT-1.1.1-1]", async (t) => {',
    "for (const b of c) {\n  timeTest(\n    `${b} and [MQTT-2.2.2-2] [MQTT-2.2.2-3]`,\n    async",
    'Deno.test("says \\"c\\"", () => {',
    'helper("no test [MQTT-3.3.3-3]")',
  ].join("\n");
  assertEquals(testsIn(source), [
    { title: "a", ids: ["MQTT-1.1.1-1"], idsOf: {} },
    { title: "… and", ids: ["MQTT-2.2.2-2", "MQTT-2.2.2-3"], idsOf: {} },
    { title: 'says \\"c\\"', ids: [], idsOf: {} },
  ]);
});

Deno.test("testsIn() takes the statements of a loop from its table", () => {
  const table = 'const CLAUSES = { a: "MQTT-1.1.1-1", b: " [MQTT-1.1.1-2]" };\n';
  for (const end of [" [${clause}]", '${CLAUSES[a] ?? ""}']) {
    assertEquals(testsIn(`${table}specTest(\`\${a} [MQTT-1.1.1-3]${end}\`, async`), [
      { title: "…", ids: ["MQTT-1.1.1-3", "MQTT-1.1.1-1", "MQTT-1.1.1-2"], idsOf: {} },
    ]);
  }
  assertEquals(testsIn(`${table}specTest(\`\${a} is\`, async`), [
    { title: "… is", ids: [], idsOf: {} },
  ]);
});

Deno.test("testsIn() and idsFor() tell statements of one version from those of both", () => {
  const source =
    "specTest(`${version}: is [v311 MQTT-1.1.1-1] [MQTT-1.1.1-2] [v5 MQTT-1.1.1-3]`, b)";
  const [test] = testsIn(source);
  assertEquals(test, {
    title: "is",
    ids: ["MQTT-1.1.1-2"],
    idsOf: { v311: ["MQTT-1.1.1-1"], v5: ["MQTT-1.1.1-3"] },
  });
  const idsOf = VERSIONS.map((version) => [version.folder, idsFor(version, test!)]);
  assertEquals(Object.fromEntries(idsOf), {
    v311: ["MQTT-1.1.1-2", "MQTT-1.1.1-1"],
    v5: ["MQTT-1.1.1-2", "MQTT-1.1.1-3"],
  });
});

Deno.test("every statement is told apart, and what no test can tell has a reason", async () => {
  for (const version of VERSIONS) {
    const list = new URL(version.list, import.meta.url);
    const statements = parseStatements(await Deno.readTextFile(list));
    assertEquals(new Set(statements.map(({ id }) => id)).size, statements.length);
    for (const statement of statements) {
      if (!statement.isTestable) reasonFor(version, statement);
      // What no test can tell is not open for one.
      assertEquals(statement.isTestable || openReasonFor(version, statement) === undefined, true);
    }
  }
  const made = { id: "MQTT-9.9.9-9", text: "", applies: "server", isTestable: false };
  assertThrows(() => reasonFor(VERSIONS[0]!, made));
});
