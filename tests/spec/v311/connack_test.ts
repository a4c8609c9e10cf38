/** CONNACK (MQTT 3.1.1 §3.2); for Session Present see the tests of sessions. */
import type { Authenticator } from "../../../auth/mod.ts";
import { connect, publish, subscribe } from "../../harness/packets.ts";
import { specTest } from "./spec.ts";

/** Lets in whoever has the password, and says why the others may not. */
const authenticator: Authenticator = {
  authenticate: ({ username, password }) => {
    if (username === "stranger") return { reasonCode: 0x87 };
    if (username === "banned") return { reasonCode: 0x8a };
    if (username === "late") return { reasonCode: 0x88 };
    if (username === "odd") return { reasonCode: 0x85 };
    if (username === "strange") return { reasonCode: 0x83 };
    const isKnown = password !== null && new TextDecoder().decode(password) === "word";
    return { reasonCode: isKnown ? 0 : 0x86 };
  },
};

specTest("CONNACK comes before what waits for the client [MQTT-3.2.0-1]", async (t) => {
  const fields = { clientId: "client", clean: false };
  const first = await t.connect(fields);
  await first.subscribe(subscribe({ a: 2 }));
  const publisher = await t.connect();
  await publisher.send(publish("a", "1", { qos: 1 }));
  await publisher.expect("40 02 0001");
  await first.expectPublish("a", "1");
  await t.drop(first);
  await publisher.send(publish("a", "2", { qos: 2 }));
  await publisher.expect("50 02 0001");
  const second = await t.dial(fields);
  await second.expect("20 02 01 00");
  await second.expectPublish("a", "1");
  await second.expectPublish("a", "2");
});

specTest(
  "a refused client gets the code that fits and is closed [MQTT-3.2.2-4] [MQTT-3.2.2-5]",
  { broker: { authenticator } },
  async (t) => {
    const clean = { clientId: "client", clean: false };
    const known = await t.connect({ ...clean, username: "user", password: "word" });
    await t.leave(known);
    // There is a session for it, of which nothing must be said.
    const codeOf = async (username: string, code: number) => {
      const client = await t.dial({ ...clean, username, password: "no" });
      await client.expect(Uint8Array.of(0x20, 2, 0, code));
      await client.expectClose();
    };
    await codeOf("user", 4);
    await codeOf("stranger", 5);
    await codeOf("banned", 5);
    await codeOf("late", 3);
    await codeOf("odd", 2);
  },
);

specTest(
  "an identifier that is not acceptable is refused with 0x02 [MQTT-3.1.3-9]",
  { broker: { authenticator } },
  async (t) => {
    const client = await t.dial({ clientId: "bad", username: "odd" });
    await client.expectRefusal(2);
  },
);

specTest(
  "without a code that fits there is no CONNACK [MQTT-3.2.2-6]",
  { broker: { authenticator } },
  async (t) => {
    const client = await t.dial({ clientId: "client", username: "strange", password: "word" });
    await client.expectClose();
  },
);

specTest(
  "a refused client changes nothing of a session [MQTT-3.1.4-5]",
  { broker: { authenticator } },
  async (t) => {
    const fields = { clientId: "client", clean: false, username: "user" };
    const client = await t.connect({ ...fields, password: "word" });
    await client.subscribe(subscribe({ a: 0 }));
    const intruder = await t.client();
    const packet = connect({ ...fields, clean: true, password: "guess" });
    await intruder.send(packet, publish("a", "intruder"));
    await intruder.expectRefusal(4);
    await client.send(publish("a", "x"));
    await client.expectPublish("a", "x");
  },
);

specTest(
  "an acceptable client is let in [MQTT-3.1.4-4]",
  { broker: { authenticator } },
  async (t) => {
    const client = await t.dial({ clientId: "client", username: "user", password: "word" });
    await client.expect("20 02 00 00");
  },
);
