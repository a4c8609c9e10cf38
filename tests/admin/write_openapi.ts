/**
 * Writes docs/openapi.json: `deno run --allow-net --allow-read --allow-write=docs
 * tests/admin/write_openapi.ts`, after a route has changed. A test compares it with the routes.
 *
 * @module
 */
import { openApiText } from "./_openapi.ts";

await Deno.writeTextFile(new URL("../../docs/openapi.json", import.meta.url), openApiText());
