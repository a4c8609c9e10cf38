/**
 * A link whose other side does not answer ends, and one that is only quiet does not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { memoryPipe } from "../../bridge/memory_pipe.ts";
import { Nodes } from "./_nodes.ts";

Deno.test("a link to a node that does not answer ends, and another one takes its place", async () => {
  await using nodes = await Nodes.start(2);
  const receiver = await nodes.client(1, "receiver");
  receiver.subscribe("t", 1);
  await nodes.settle();
  nodes.cut(0, 1);
  // Pipes that nobody reads.
  const [[messages], [control]] = [memoryPipe(), memoryPipe()];
  const link = nodes.cluster(0).join(1, { messages, control });
  let ended: unknown = null;
  void link.whenEnded().then((error) => ended = error);
  await nodes.until(() => ended !== null, "the link ends");
  assertEquals(String(ended), "Error: Node 1 does not answer");
  assertEquals(await link.whenJoined(), false);
  nodes.linkAll();
  await nodes.untilJoined();
  const publisher = await nodes.client(0, "publisher");
  publisher.publish("t", "x", 1);
  await nodes.settle();
  assertEquals(receiver.texts, ["x"]);
});

Deno.test("a link on which nothing happens for an hour stays", async () => {
  await using nodes = await Nodes.start(3, { commitMsMax: 2 });
  const links = [0, 1, 2].map((node) => nodes.cluster(node).peer((node + 1) % 3)!);
  await nodes.clock.advance(3_600_000);
  assertEquals(links.map(({ isJoined }) => isJoined), [true, true, true]);
});
