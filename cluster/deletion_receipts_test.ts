import { assertEquals } from "@std/assert";
import { DeletionReceipts } from "./deletion_receipts.ts";
import { FRAME_HEAD_BYTES, FrameKind, FrameReader } from "./frames.ts";

/** One side of a link, whose store is done when a test says so. */
class Side {
  last = 0;
  wakes = 0;
  readonly stored: number[] = [];
  readonly store = Promise.withResolvers<boolean>();
  readonly receipts: DeletionReceipts = new DeletionReceipts(this);

  whenStored(): Promise<boolean> {
    return this.store.promise;
  }

  onStored(last: number): void {
    this.stored.push(last);
  }

  wake(): void {
    this.wakes++;
  }

  /** Passes the next frame to the other side. Returns its kind; 0 for none. */
  sendTo(other: Side): number {
    const frame = this.receipts.next();
    if (frame === null) return 0;
    const kind = frame[4]!;
    other.receipts.onFrame(kind, new FrameReader(frame.subarray(FRAME_HEAD_BYTES)));
    return kind;
  }
}

/** Lets promises that are settled go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

Deno.test("DeletionReceipts tells what the other node has stored, when it has", async () => {
  const [one, other] = [new Side(), new Side()];
  assertEquals(one.sendTo(other), 0, "there are no deletions");
  one.last = 3;
  assertEquals(one.sendTo(other), FrameKind.deletionsSent);
  one.last = 5;
  assertEquals(one.sendTo(other), 0, "one question is open");
  await settle();
  assertEquals([other.sendTo(one), other.wakes], [0, 0], "it is not stored yet");
  other.store.resolve(true);
  await settle();
  assertEquals([other.wakes, other.sendTo(one)], [1, FrameKind.deletionsStored]);
  assertEquals(one.stored, [3]);
  assertEquals(one.sendTo(other), FrameKind.deletionsSent);
  await settle();
  other.sendTo(one);
  assertEquals(one.stored, [3, 5]);
});

for (const [what, isStored] of [["a store that has closed", false], ["a link", true]] as const) {
  Deno.test(`DeletionReceipts does not answer after the end of ${what}`, async () => {
    const [one, other] = [new Side(), new Side()];
    one.last = 1;
    one.sendTo(other);
    if (isStored) other.receipts.end();
    other.store.resolve(isStored);
    await settle();
    assertEquals([other.sendTo(one), other.wakes, one.stored], [0, 0, []]);
  });
}
