import { assertEquals } from "@std/assert";
import { bridgesOf, HOP_PROPERTY, LoopGuard } from "./loop_guard.ts";

Deno.test("LoopGuard marks a message with the hop and the bridge, beside its own properties", () => {
  const marked = new LoopGuard("b").mark(
    new LoopGuard("a").mark({ contentType: "x", userProperties: [["k", "v"]] }),
  );
  assertEquals(marked, {
    contentType: "x",
    userProperties: [["k", "v"], [HOP_PROPERTY, "1 a"], [HOP_PROPERTY, "2 b"]],
  });
  assertEquals(bridgesOf(marked.userProperties!), ["a", "b"]);
});

Deno.test("LoopGuard finds its own messages, and those that have passed three bridges", () => {
  const guards = ["a", "b", "c", "d"].map((id) => new LoopGuard(id));
  let properties = {};
  for (const guard of guards.slice(0, 3)) {
    assertEquals(guard.faultOf(properties), null);
    properties = guard.mark(properties);
  }
  assertEquals(guards[3]!.faultOf(properties), "hops");
  assertEquals(guards[0]!.faultOf(properties), "own");
  assertEquals(guards.map((guard) => guard.faultOf(properties)), ["own", "own", "own", "hops"]);
});

Deno.test("LoopGuard takes a bridge whose identifier has blanks for what it is", () => {
  const guard = new LoopGuard("a b");
  assertEquals(guard.faultOf(guard.mark({})), "own");
  assertEquals(new LoopGuard("b").faultOf(guard.mark({})), null);
});
