import { assertEquals } from "@std/assert";
import { HeapMonitor, type HeapSource, systemHeap } from "./heap_monitor.ts";

const MB = 2 ** 20;

/** A heap that is as full as a test says, and is collected when it says so. */
class TestHeap implements HeapSource {
  usedBytes = 0;
  limitBytes = 100 * MB;
  collected: () => void = () => {};

  read() {
    return { usedBytes: this.usedBytes, limitBytes: this.limitBytes };
  }

  onCollected(call: () => void): void {
    this.collected = call;
  }
}

Deno.test("HeapMonitor: what a collection leaves makes the heap short from 55 percent on", () => {
  const heap = new TestHeap();
  const monitor = new HeapMonitor(heap);
  for (const [used, isShort] of [[54, false], [56, true], [54, false]] as const) {
    heap.usedBytes = used * MB;
    heap.collected();
    assertEquals(monitor.isShort, isShort, `${used} MB of 100`);
  }
});

Deno.test("HeapMonitor: between collections garbage counts for nothing until the heap is nearly full", () => {
  const heap = new TestHeap();
  const monitor = new HeapMonitor(heap);
  for (const [used, isShort] of [[60, false], [67, false], [69, true]] as const) {
    heap.usedBytes = used * MB;
    monitor.glance();
    assertEquals(monitor.isShort, isShort, `${used} MB of 100`);
  }
  // Short once, it is so until there is as little as a collection would have to leave.
  heap.usedBytes = 60 * MB;
  monitor.glance();
  assertEquals(monitor.isShort, true);
  heap.usedBytes = 50 * MB;
  monitor.glance();
  assertEquals(monitor.isShort, false);
});

Deno.test("HeapMonitor: without a heap to ask nothing is short", () => {
  const monitor = new HeapMonitor(null);
  monitor.glance();
  assertEquals([monitor.isShort, monitor.limitBytes], [false, 0]);
});

Deno.test("systemHeap() tells how full the heap of this process is", () => {
  const { usedBytes, limitBytes } = systemHeap()!.read();
  assertEquals(usedBytes > MB && usedBytes < limitBytes, true, `${usedBytes} of ${limitBytes}`);
});
