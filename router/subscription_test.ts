import { assertEquals, assertStrictEquals } from "@std/assert";
import { type SubscriptionOptions, subscriptionOptions } from "./subscription.ts";

const PLAIN: SubscriptionOptions = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  identifier: 0,
};

Deno.test("subscriptionOptions() gives equal options without an identifier one object", () => {
  const all = new Set<SubscriptionOptions>();
  for (const qos of [0, 1, 2] as const) {
    for (const retainHandling of [0, 1, 2] as const) {
      for (const [noLocal, retainAsPublished] of [[false, false], [true, false], [false, true]]) {
        const options = { ...PLAIN, qos, retainHandling, noLocal, retainAsPublished };
        const shared = subscriptionOptions(options as SubscriptionOptions);
        assertEquals(shared, options);
        assertStrictEquals(subscriptionOptions({ ...shared }), shared);
        all.add(shared);
      }
    }
  }
  assertEquals(all.size, 27);
});

Deno.test("subscriptionOptions() gives the filters of one packet one object", () => {
  const first = subscriptionOptions({ ...PLAIN, identifier: 7 });
  assertStrictEquals(subscriptionOptions({ ...PLAIN, identifier: 7 }), first);
  assertEquals(subscriptionOptions({ ...PLAIN, identifier: 7, qos: 1 }).qos, 1);
  assertEquals(subscriptionOptions({ ...PLAIN, identifier: 8 }).identifier, 8);
  assertEquals(first, { ...PLAIN, identifier: 7 });
});
