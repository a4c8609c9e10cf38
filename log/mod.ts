/**
 * The shared log. A publisher appends once, and every subscriber reads at its own speed, so a slow
 * subscriber does not delay the others.
 *
 * @example Replay from the last item received
 * ```ts
 * import { Log } from "@fairway/mqtt/log";
 * import { assertEquals } from "@std/assert";
 *
 * const log = new Log<string>({ retainItems: 100 });
 * for (const item of ["a", "b", "c"]) log.append(item);
 * const lastReceived = 0;
 * const cursor = log.cursor({ from: lastReceived + 1 });
 * assertEquals(cursor.take(10), ["b", "c"]);
 * ```
 *
 * @example Follow a log
 * ```ts
 * import { Log } from "@fairway/mqtt/log";
 * import { assertEquals } from "@std/assert";
 *
 * const log = new Log<number>();
 * const stop = new AbortController();
 * const cursor = log.cursor();
 * log.append(1);
 * log.append(2);
 * let sum = 0;
 * for await (const item of cursor.follow(stop.signal)) {
 *   sum += item;
 *   if (item === 2) stop.abort();
 * }
 * assertEquals(sum, 3);
 * ```
 *
 * @module
 */
export * from "./cursor.ts";
export * from "./log.ts";
export * from "./receipt.ts";
export * from "./segment.ts";
