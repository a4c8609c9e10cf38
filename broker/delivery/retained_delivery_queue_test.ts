import { assertEquals } from "@std/assert";
import { RetainedDeliveryQueue } from "./retained_delivery_queue.ts";
import type { RetainedDelivery } from "./retained_delivery.ts";

/** As much of a feed as a queue looks at. */
function feed(filter: string, round = 0): RetainedDelivery {
  return { filter, round } as unknown as RetainedDelivery;
}

function filters(queue: RetainedDeliveryQueue): string[] {
  return [...queue].map(({ filter }) => filter);
}

Deno.test("FeedQueue gives feeds in their order", () => {
  const queue = new RetainedDeliveryQueue([feed("a"), feed("1"), feed("b")]);
  assertEquals([queue.length, queue.first?.filter], [3, "a"]);
  queue.shift();
  assertEquals(filters(queue), ["1", "b"]);
  queue.shift();
  queue.shift();
  queue.shift();
  assertEquals([queue.length, queue.first], [0, null]);
  queue.push(feed("c"));
  assertEquals(filters(queue), ["c"]);
});

Deno.test("FeedQueue has one feed for each filter, the last that was added", () => {
  const queue = new RetainedDeliveryQueue();
  for (let round = 0; round < 30_000; round++) {
    for (const filter of ["a", "b", "c"]) queue.push(feed(filter, round));
  }
  assertEquals([...queue], [feed("a", 29_999), feed("b", 29_999), feed("c", 29_999)]);
  queue.push(feed("a", 30_000));
  assertEquals(filters(queue), ["b", "c", "a"]);
  queue.push(feed("c", 30_000));
  assertEquals(filters(queue), ["b", "a", "c"]);
});

Deno.test("FeedQueue keeps what No Local leaves out beside what it does not [MQTT-3.8.4-4]", () => {
  const local = { filter: "a", noLocal: true } as unknown as RetainedDelivery;
  const queue = new RetainedDeliveryQueue([feed("a"), local]);
  assertEquals(filters(queue), ["a", "a"]);
  queue.push(local);
  assertEquals(queue.length, 2);
});
