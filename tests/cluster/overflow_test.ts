/** Backlogs that are full at another node than that of the publisher. */
import { assertEquals } from "@std/assert";
import type { NodeClient } from "./_client.ts";
import { Nodes } from "./_nodes.ts";

/** Sessions from so many on share what waits for them. */
const MANY = 12;

for (const count of [1, MANY]) {
  Deno.test(`with refuse-publisher ${count} full at another node keep nobody else from a message`, async () => {
    const limits = { backlogMessagesMax: 2 };
    await using nodes = await Nodes.start(2, { broker: { overflow: "refuse-publisher", limits } });
    const away: NodeClient[] = [];
    for (let i = 0; i < count; i++) {
      const client = await nodes.client(1, `away${i}`, { isDurable: true });
      client.subscribe("t", 1);
      away.push(client);
    }
    const there = await nodes.client(1, "there");
    there.subscribe("t", 2);
    await nodes.settle();
    for (const client of away) client.cut();
    const publisher = await nodes.client(0, "publisher");
    const texts = ["1", "2", "3", "4", "5"];
    for (const text of texts) publisher.publish("t", text, text === "4" ? 2 : 1);
    await nodes.settle();
    assertEquals([...publisher.acked.values()], [0, 0, 0, 0, 0]);
    assertEquals(there.texts, texts, "it has room");
    let kept = 0;
    for (const [i, client] of away.entries()) {
      const back = await nodes.client(1, `away${i}`, { isDurable: true, continues: client });
      await nodes.settle();
      assertEquals(back.connack?.sessionPresent, true);
      assertEquals(back.texts, texts.slice(0, back.texts.length));
      kept += back.texts.length;
    }
    const { dropped, messagesRefused } = nodes.broker(1).stats;
    assertEquals(
      [kept + dropped.backlog, messagesRefused],
      [5 * count, 0],
      "nothing goes silently",
    );
    assertEquals(nodes.errors, []);
  });
}
