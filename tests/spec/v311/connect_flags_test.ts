/** The flags of CONNECT and the fields they announce (MQTT 3.1.1 §3.1.2). */
import { text } from "../../harness/packets.ts";
import { connectOf, expectStrangerFault } from "./steps.ts";
import { specTest } from "./spec.ts";

const CLEAN = 0x02;
const WILL = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;

const id = text("id");
const willTopic = text("will/topic");
const willMessage = text("gone");
const username = text("user");
const password = text("word");

specTest("the reserved flag must not be set [MQTT-3.1.2-3]", async (t) => {
  await expectStrangerFault(t, connectOf(CLEAN | 1, id));
  const client = await t.client();
  await client.send(connectOf(CLEAN, id));
  await client.expectWelcome();
});

specTest("Will Flag 1 wants a will topic and a will message [MQTT-3.1.2-9]", async (t) => {
  await expectStrangerFault(t, connectOf(CLEAN | WILL, id));
  await expectStrangerFault(t, connectOf(CLEAN | WILL, id, willTopic));
  const client = await t.client();
  await client.send(connectOf(CLEAN | WILL, id, willTopic, willMessage));
  await client.expectWelcome();
});

specTest("Will Flag 0 wants no field of a will [MQTT-3.1.2-11]", async (t) => {
  await expectStrangerFault(t, connectOf(CLEAN, id, willTopic, willMessage));
});

specTest("Will Flag 0 wants Will QoS 0 [MQTT-3.1.2-11] [MQTT-3.1.2-13]", async (t) => {
  for (const qos of [1, 2, 3]) await expectStrangerFault(t, connectOf(CLEAN | qos << 3, id));
});

specTest("Will Flag 0 wants Will Retain 0 [MQTT-3.1.2-11] [MQTT-3.1.2-15]", async (t) => {
  await expectStrangerFault(t, connectOf(CLEAN | WILL_RETAIN, id));
});

specTest("Will QoS may be 0 to 2 and not 3 [MQTT-3.1.2-14]", async (t) => {
  for (const retain of [0, WILL_RETAIN]) {
    for (const qos of [0, 1, 2]) {
      const client = await t.client();
      await client.send(connectOf(CLEAN | WILL | retain | qos << 3, id, willTopic, willMessage));
      await client.expectWelcome();
    }
    await expectStrangerFault(
      t,
      connectOf(CLEAN | WILL | retain | 3 << 3, id, willTopic, willMessage),
    );
  }
});

specTest(
  "a user name comes with its flag and only then [MQTT-3.1.2-18] [MQTT-3.1.2-19]",
  async (t) => {
    await expectStrangerFault(t, connectOf(CLEAN, id, username));
    await expectStrangerFault(t, connectOf(CLEAN | USERNAME, id));
    const client = await t.client();
    await client.send(connectOf(CLEAN | USERNAME, id, username));
    await client.expectWelcome();
  },
);

specTest(
  "a password comes with its flag and only then [MQTT-3.1.2-20] [MQTT-3.1.2-21]",
  async (t) => {
    await expectStrangerFault(t, connectOf(CLEAN | USERNAME, id, username, password));
    await expectStrangerFault(t, connectOf(CLEAN | USERNAME | PASSWORD, id, username));
    const client = await t.client();
    await client.send(connectOf(CLEAN | USERNAME | PASSWORD, id, username, password));
    await client.expectWelcome();
  },
);

specTest("a password wants a user name [MQTT-3.1.2-22]", async (t) => {
  await expectStrangerFault(t, connectOf(CLEAN | PASSWORD, id, password));
});
