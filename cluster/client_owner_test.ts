import { assert, assertEquals } from "@std/assert";
import { ownerOf } from "./client_owner.ts";

Deno.test("ownerOf() gives every node about the same share, whatever the identifiers are like", () => {
  const kinds: Record<string, (i: number) => string> = {
    "numbers": (i) => `${i}`,
    "a prefix": (i) => `sensor-${i}`,
    "a suffix": (i) => `${i}/kitchen`,
    "hexadecimal": (i) => `mqttjs_${(i * 2654435761 >>> 0).toString(16)}`,
    "beyond ASCII": (i) => `Gerät ${i}`,
  };
  for (const [name, idOf] of Object.entries(kinds)) {
    for (const nodes of [2, 3, 4, 7, 16]) {
      const counts = new Array(nodes).fill(0);
      for (let i = 0; i < 8000; i++) counts[ownerOf(idOf(i), nodes)]++;
      const share = 8000 / nodes;
      for (const count of counts) {
        assert(Math.abs(count - share) < share / 4, `${name} on ${nodes}: ${counts}`);
      }
    }
  }
});

Deno.test("ownerOf() stays the same: stored sessions are found by it", () => {
  const owners = ["", "a", "b", "sensor-1", "Gerät", "\u{1F600}"].map((id) => ownerOf(id, 1000));
  assertEquals(owners, [809, 775, 758, 37, 230, 71]);
});
