/**
 * docs/openapi.json: it describes the routes as they are.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { openApiText } from "./_openapi.ts";
import { AdminStage } from "./_admin.ts";

const FILE = new URL("../../docs/openapi.json", import.meta.url);

Deno.test("docs/openapi.json is what the routes say", async () => {
  // If not: deno run -A tests/admin/write_openapi.ts
  assertEquals(JSON.parse(await Deno.readTextFile(FILE)), JSON.parse(openApiText()));
});

Deno.test("the broker describes its API itself", async () => {
  await using stage = await AdminStage.open();
  const described = await stage.json("/api/v1/openapi.json");
  assertEquals(described, JSON.parse(openApiText()));
});

Deno.test("each operation has an identifier of its own", () => {
  const { paths } = JSON.parse(openApiText()) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const ids = Object.values(paths).flatMap((path) => Object.values(path)).map((one) =>
    one.operationId
  );
  assertEquals(new Set(ids).size, ids.length);
});
