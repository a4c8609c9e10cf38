import { assertEquals } from "@std/assert";
import { HeldMessages } from "./held_messages.ts";

Deno.test("HeldMessages is full until enough of its messages were sent, or are over", () => {
  const held = new HeldMessages();
  assertEquals([held.isFull(0), held.isFull(100)], [false, false]);
  const messages = [1, 2, 3].map(() => ({ wasSent: false, isOver: false }));
  for (const message of messages) held.add(message, 60);
  assertEquals([held.isFull(180), held.isFull(181)], [true, false]);
  messages[1]!.wasSent = true;
  assertEquals(held.isFull(180), true);
  messages[0]!.isOver = true;
  assertEquals([held.isFull(60), held.isFull(61)], [true, false]);
  messages[2]!.wasSent = true;
  assertEquals(held.isFull(0), false);
});
