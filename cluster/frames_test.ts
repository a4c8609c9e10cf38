import { assertEquals, assertThrows } from "@std/assert";
import { FRAME_HEAD_BYTES, FrameError, FrameReader, FrameWriter } from "./frames.ts";

/** The body of a frame. */
function bodyOf(frame: Uint8Array): FrameReader {
  return new FrameReader(frame.subarray(FRAME_HEAD_BYTES));
}

Deno.test("FrameReader reads what FrameWriter has written", () => {
  const text = "ä".repeat(300);
  const frame = new FrameWriter(7).byte(255).uint32(0xffff_ffff).number(2 ** 53).text(text)
    .piece(Uint8Array.of(1, 2, 3)).text("").take();
  assertEquals([...frame.subarray(0, 5)], [
    0,
    0,
    (frame.length - 4) >> 8,
    (frame.length - 4) & 255,
    7,
  ]);
  const body = bodyOf(frame);
  assertEquals(
    [body.byte(), body.uint32(), body.number(), body.text(), [...body.piece()], body.text()],
    [255, 0xffff_ffff, 2 ** 53, text, [1, 2, 3], ""],
  );
  assertEquals(body.isAtEnd, true);
});

Deno.test("FrameReader refuses a frame that is cut short, wherever", () => {
  const frame = new FrameWriter(1).byte(1).uint32(2).number(3).text("four").take();
  for (let end = FRAME_HEAD_BYTES; end < frame.length; end++) {
    const body = bodyOf(frame.subarray(0, end));
    assertThrows(
      () => [body.byte(), body.uint32(), body.number(), body.text()],
      FrameError,
      "short",
    );
  }
});

Deno.test("FrameReader refuses a text that is no UTF-8", () => {
  const frame = new FrameWriter(1).piece(Uint8Array.of(0xff)).take();
  assertThrows(() => bodyOf(frame).text(), FrameError, "UTF-8");
});
