/** Keep Alive and PINGREQ (MQTT 3.1.1 §3.1.2.10 and §3.12). */
import { pingreq, publish } from "../../harness/packets.ts";
import { specTest, timeTest } from "./spec.ts";

timeTest(
  "silence of one and a half times the Keep Alive ends the connection [MQTT-3.1.2-24]",
  async (t) => {
    const client = await t.connect({ keepAliveSeconds: 60 });
    await t.pass(89_900);
    await client.ping();
    await t.pass(89_900);
    await client.ping();
    await t.pass(90_100);
    await client.expectClose();
  },
);

timeTest("silence counts from the last packet, to the moment [MQTT-3.1.2-24]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 60 });
  await t.pass(500);
  await client.ping();
  await t.pass(89_900);
  await client.ping();
  await t.pass(400);
  await client.ping();
  await t.pass(90_100);
  await client.expectClose();
});

timeTest("any packet counts against silence [MQTT-3.1.2-24]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 2 });
  for (let n = 0; n < 10; n++) {
    await t.pass(2_500);
    await client.send(publish("a", ""));
  }
  await client.ping();
});

timeTest("what the broker sends does not count against silence [MQTT-3.1.2-24]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 10 });
  await client.send("82 06 0001 0001 61 00");
  await client.expect("90 03 0001 00");
  const publisher = await t.connect();
  for (let n = 0; n < 3; n++) {
    await t.pass(4_900);
    await publisher.send(publish("a", ""));
    await client.expectPublish("a", "");
  }
  await t.pass(400);
  await client.expectClose();
});

timeTest("a Keep Alive of 0 allows any silence [MQTT-3.1.2-24]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 0 });
  await t.pass(365 * 24 * 3600 * 1000);
  await client.ping();
});

timeTest("the longest Keep Alive is kept to [MQTT-3.1.2-24]", async (t) => {
  const client = await t.connect({ keepAliveSeconds: 65_535 });
  await t.pass(98_302_000);
  await client.ping();
  await t.pass(98_303_000);
  await client.expectClose();
});

specTest("each PINGREQ is answered [MQTT-3.12.4-1]", async (t) => {
  const client = await t.connect();
  await client.send(pingreq(), pingreq(), pingreq());
  await client.expect("d0 00 d0 00 d0 00");
  await client.send(pingreq());
  await client.expect("d0 00");
});
