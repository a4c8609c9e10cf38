import { assert, assertEquals } from "@std/assert";
import { PendingMessage } from "../../stream/stream_group.ts";
import { WaitingMessages } from "./waiting_messages.ts";

function messages(...seqs: number[]): PendingMessage[] {
  return seqs.map((seq) => new PendingMessage(seq, 0));
}

function seqsOf(waiting: WaitingMessages): number[] {
  return [...waiting].map(({ seq }) => seq);
}

/** The numbers from 1 to `count` in an order that is neither ascending nor descending. */
function mixed(count: number): number[] {
  // 7919 is a prime number, and no divisor of `count`.
  return Array.from({ length: count }, (_, i) => i * 7919 % count + 1);
}

Deno.test("WaitingMessages has messages in the order of their sequences, each one once", () => {
  const [three, one, two] = messages(3, 1, 2);
  const waiting = new WaitingMessages();
  for (const message of [three!, one!, two!, one!, three!]) waiting.add(message);
  assertEquals([waiting.size, ...seqsOf(waiting)], [3, 1, 2, 3]);
  assertEquals([...waiting], [one!, two!, three!]);
});

Deno.test("WaitingMessages removes messages, and says whether they were there", () => {
  const [one, two, three] = messages(1, 2, 3);
  const waiting = new WaitingMessages([one!, three!]);
  assertEquals([waiting.delete(one!), waiting.delete(one!), waiting.delete(two!)], [
    true,
    false,
    false,
  ]);
  assertEquals(seqsOf(waiting), [3]);
  assertEquals([waiting.delete(three!), waiting.size, seqsOf(waiting).length], [true, 0, 0]);
  assertEquals(waiting.delete(three!), false);
  waiting.add(two!);
  assertEquals(seqsOf(waiting), [2]);
});

Deno.test("WaitingMessages does not remove another message with the same sequence", () => {
  const [before, now] = messages(5, 5);
  const waiting = new WaitingMessages([now!]);
  assertEquals([waiting.delete(before!), waiting.size], [false, 1]);
  assertEquals([waiting.delete(now!), waiting.size], [true, 0]);
});

for (
  const [name, order] of [
    ["ascending", (count: number) => Array.from({ length: count }, (_, i) => i + 1)],
    ["descending", (count: number) => Array.from({ length: count }, (_, i) => count - i)],
    ["mixed", mixed],
  ] as const
) {
  Deno.test(`WaitingMessages keeps the order of thousands of messages that come in ${name} order`, () => {
    const waiting = new WaitingMessages();
    const added = messages(...order(5000));
    for (const message of added) waiting.add(message);
    assertEquals(seqsOf(waiting), Array.from({ length: 5000 }, (_, i) => i + 1));
    for (const message of added) if (message.seq % 3 > 0) waiting.delete(message);
    assertEquals(seqsOf(waiting), Array.from({ length: 1666 }, (_, i) => (i + 1) * 3));
    for (const message of added) waiting.add(message);
    assertEquals(waiting.size, 5000);
    for (const message of added) assert(waiting.delete(message));
    assertEquals(waiting.size, 0);
  });
}

Deno.test("WaitingMessages looks at no more than the logarithm of its messages to add or remove one", () => {
  let looks = 0;
  /** A message that counts how often its sequence is compared. */
  class Counted extends PendingMessage {
    constructor(seq: number) {
      super(seq, 0);
      Object.defineProperty(this, "seq", {
        get: () => {
          looks++;
          return seq;
        },
      });
    }
  }
  const count = 20_000;
  const waiting = new WaitingMessages();
  const all = mixed(count).map((seq) => new Counted(seq));
  let most = 0;
  const counted = (change: () => void) => {
    looks = 0;
    change();
    most = Math.max(most, looks);
  };
  for (const message of all) counted(() => waiting.add(message));
  for (const message of all) counted(() => waiting.delete(message));
  assertEquals(waiting.size, 0);
  const limit = Math.ceil(Math.log2(count)) + 4;
  assert(most <= limit, `${most} comparisons for one message of ${count}`);
});
