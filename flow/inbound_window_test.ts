import { assert, assertEquals, assertFalse } from "@std/assert";
import { InboundWindow } from "./inbound_window.ts";

Deno.test("InboundWindow knows a message until it is released [MQTT-4.3.3-10]", () => {
  const window = new InboundWindow();
  assertFalse(window.has(7));
  window.accept(7);
  assert(window.has(7));
  assertFalse(window.has(8));
  assert(window.release(7));
  assertFalse(window.has(7));
});

Deno.test("InboundWindow.release() reports whether there was anything to release", () => {
  const window = new InboundWindow();
  assertFalse(window.release(1));
  window.accept(1);
  assertEquals([window.release(1), window.release(1)], [true, false]);
});

Deno.test("InboundWindow.size counts a repeated message once", () => {
  const window = new InboundWindow();
  for (const id of [1, 65_535, 1, 300, 65_535]) window.accept(id);
  assertEquals(window.size, 3);
  window.release(1);
  window.release(1);
  assertEquals(window.size, 2);
});
