import { assert, assertEquals } from "@std/assert";
import { closeRing, isRingOver, makeRing } from "../../transport/ring/ring_buffers.ts";
import { RelayRings } from "./relay_rings.ts";

Deno.test("RelayRings keeps no more than twice the rings that are in use", () => {
  const rings = new RelayRings();
  const open = Array.from({ length: 50 }, () => makeRing({ capacityBytes: 64 }));
  for (const ring of open) rings.add(ring);
  for (let i = 0; i < 10_000; i++) {
    const ring = makeRing({ capacityBytes: 64 });
    rings.add(ring);
    closeRing(ring);
    assert(rings.size <= 2 * (open.length + 1), `${rings.size}`);
  }
  rings.closeAll();
  assertEquals([rings.size, open.every(isRingOver)], [0, true]);
});
