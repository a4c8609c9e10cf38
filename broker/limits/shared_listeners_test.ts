import { assert, assertEquals } from "@std/assert";
import { SHARED_LISTENERS_MAX, SharedListeners } from "./shared_listeners.ts";

function two(): readonly [SharedListeners, SharedListeners] {
  const first = new SharedListeners(2, 0);
  return [first, new SharedListeners(2, 1, first.buffer)];
}

Deno.test("SharedListeners.of() counts a listener by its name, in whatever order workers ask", () => {
  const [first, second] = two();
  first.of("127.0.0.1:1883")!.add();
  second.of("/run/sock")!.add();
  second.of("127.0.0.1:1883")!.add();
  first.of("/run/sock")!.add();
  first.of("/run/sock")!.add();
  for (const listeners of [first, second]) {
    assertEquals(listeners.of("127.0.0.1:1883")!.total, 2);
    assertEquals(listeners.of("/run/sock")!.total, 3);
    assertEquals(listeners.of("")!.total, 0);
  }
  first.clear(1);
  assertEquals([first.of("127.0.0.1:1883")!.total, first.of("/run/sock")!.total], [1, 2]);
});

Deno.test("SharedListeners.of() returns null when there are too many names", () => {
  const [first, second] = two();
  for (let i = 0; i < SHARED_LISTENERS_MAX; i++) assert(first.of(`listener ${i}`) !== null);
  assertEquals([first.of("one more"), second.of("one more")], [null, null]);
  assert(second.of("listener 7") !== null);
});
