/**
 * Prints the rooms as `docs/how-it-works.md` has to draw them:
 *
 *     deno run --allow-read tests/architecture/draw.ts
 *
 * @module
 */
import { readImports } from "./imports.ts";
import { drawRooms } from "./rooms.ts";

// deno-lint-ignore no-console
console.log(drawRooms(await readImports(new URL("../../", import.meta.url))));
