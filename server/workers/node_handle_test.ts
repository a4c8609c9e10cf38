import { assertEquals, assertRejects } from "@std/assert";
import { NodeHandle } from "./node_handle.ts";

Deno.test("NodeHandle ends a worker that does not answer in time", async () => {
  const silent = new URL("data:text/javascript,onmessage = () => {}");
  const node = new NodeHandle(silent, 50);
  const text = "it has not answered within 50 ms";
  await assertRejects(() => node.join(), Error, text);
  assertEquals((await node.died).message, text);
  await assertRejects(() => node.stop(0), Error, text);
});
