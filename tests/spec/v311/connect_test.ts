/** CONNECT, apart from its flags (MQTT 3.1.1 §3.1). */
import { assertNotEquals } from "@std/assert";
import { connect, frame, publish, subscribe, text, unsubscribe } from "../../harness/packets.ts";
import { hex } from "../harness.ts";
import { connectOf, expectFault, expectStrangerFault } from "./steps.ts";
import { specTest } from "./spec.ts";

specTest("a client that begins with another packet is dropped [MQTT-3.1.0-1]", async (t) => {
  await expectStrangerFault(t, frame(0xc0));
  await expectStrangerFault(t, publish("a", "x"));
  await expectStrangerFault(t, publish("a", "x", { qos: 1 }));
  await expectStrangerFault(t, subscribe({ a: 0 }));
  await expectStrangerFault(t, unsubscribe(["a"]));
  await expectStrangerFault(t, frame(0xe0));
  await expectStrangerFault(t, frame(0x00));
  await expectStrangerFault(t, frame(0x20, hex("00 00")));
});

specTest("what comes before CONNECT has no effect [MQTT-3.1.0-1]", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "#": 0 }));
  await expectStrangerFault(t, publish("a", "x"), connect());
  await witness.expectSilence();
});

specTest("a second CONNECT ends the connection [MQTT-3.1.0-2]", async (t) => {
  await expectFault(t, connect());
  await expectFault(t, connect({ clientId: "other" }));
  const client = await t.client();
  await client.send(connect(), connect());
  await client.expectWelcome();
  await client.expectClose();
});

specTest("an unknown protocol name is not served as MQTT 3.1.1 [MQTT-3.1.2-1]", async (t) => {
  for (const name of ["", "mqtt", "MQTT ", "MQT", "HTTP", "MQIsdp"]) {
    const client = await t.client();
    await client.send(frame(0x10, text(name), hex("04 02 0000"), text("id")));
    // Which version it wants is not known, so it is told in the form of one that has the code.
    assertNotEquals((await client.readFrame())[3], 0);
    await client.expectClose();
  }
});

specTest(
  "an unknown protocol level is refused with 0x01 [MQTT-3.1.2-2] [MQTT-3.2.2-4] [MQTT-3.2.2-5]",
  async (t) => {
    for (const level of ["00", "01", "03", "06", "7f", "83", "85", "ff"]) {
      const client = await t.client();
      await client.send(frame(0x10, text("MQTT"), hex(`${level} 02 0000`), text("id")));
      await client.expectRefusal(1);
    }
  },
);

specTest("every field of CONNECT is read in its place [MQTT-3.1.3-1]", async (t) => {
  const witness = await t.connect({ clientId: "client" });
  await witness.subscribe(subscribe({ "#": 0 }));
  const client = await t.client();
  await client.send(connectOf(
    0xc6,
    text("other"),
    text("will/topic"),
    text("will message"),
    text("user"),
    text("password"),
  ));
  await client.expectWelcome();
  await t.drop(client);
  await witness.expectPublish("will/topic", "will message");
});

specTest("a CONNECT without a payload is not let in [MQTT-3.1.3-3] [MQTT-3.1.4-1]", async (t) => {
  await expectStrangerFault(t, connectOf(0x02));
  await expectStrangerFault(t, connectOf(0x02, hex("00")));
});

specTest(
  "an ill-formed client identifier is not let in [MQTT-3.1.3-4] [MQTT-3.1.4-1]",
  async (t) => {
    await expectStrangerFault(t, connectOf(0x02, text(hex("ed a0 80"))));
    await expectStrangerFault(t, connectOf(0x02, text(hex("ff"))));
  },
);

specTest("identifiers of 1 to 23 letters and digits are let in [MQTT-3.1.3-5]", async (t) => {
  const characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (let length = 1; length <= 23; length++) {
    await t.connect({ clientId: characters.slice(0, length) });
    await t.connect({ clientId: characters.slice(-length) });
  }
  await t.connect({ clientId: characters.slice(20, 43) });
});

specTest("clients without an identifier are told apart [MQTT-3.1.3-6]", async (t) => {
  const first = await t.connect({ clientId: "" });
  const second = await t.connect({ clientId: "" });
  await first.subscribe(subscribe({ a: 0 }));
  await second.send(publish("a", "x"));
  await first.expectPublish("a", "x");
  await second.expectSilence();
});

specTest("an empty identifier wants a clean session [MQTT-3.1.3-7] [MQTT-3.1.3-8]", async (t) => {
  const client = await t.dial({ clientId: "", clean: false });
  await client.expect("20 02 00 02");
  await client.expectClose();
  await t.connect({ clientId: "", clean: true });
});

specTest("an ill-formed will topic is not let in [MQTT-3.1.3-10]", async (t) => {
  const will = (topic: Uint8Array) => connectOf(0x06, text("id"), text(topic), text("x"));
  await expectStrangerFault(t, will(hex("ed a0 80")));
  await expectStrangerFault(t, will(hex("61 ff")));
  await (await t.dial()).expectWelcome();
});

specTest("an ill-formed user name is not let in [MQTT-3.1.3-11]", async (t) => {
  const user = (name: Uint8Array) => connectOf(0x82, text("id"), text(name));
  await expectStrangerFault(t, user(hex("ed a0 80")));
  await expectStrangerFault(t, user(hex("61 ff")));
  const client = await t.client();
  await client.send(user(hex("61 c3 bf")));
  await client.expectWelcome();
});

specTest("a password may be any bytes [MQTT-3.1.3-11]", async (t) => {
  const client = await t.client();
  await client.send(connectOf(0xc2, text("id"), text("user"), text(hex("00 ff ed a0 80"))));
  await client.expectWelcome();
});

specTest("a CONNECT that is too short or too long gets no CONNACK [MQTT-3.1.4-1]", async (t) => {
  const whole = connectOf(0xc6, ...["id", "a", "gone", "user", "word"].map((field) => text(field)));
  for (let end = 2; end < whole.length; end++) {
    await expectStrangerFault(t, frame(0x10, whole.subarray(2, end)));
  }
  await expectStrangerFault(t, frame(0x10, whole.subarray(2), hex("00")));
  await expectStrangerFault(t, frame(0x10, whole.subarray(2), text("more")));
  const client = await t.client();
  await client.send(whole);
  await client.expectWelcome();
});

specTest(
  "a second client of the same name takes the place of the first [MQTT-3.1.4-2]",
  async (t) => {
    for (const clean of [true, false]) {
      const first = await t.connect({ clientId: "same", clean });
      const bystander = await t.connect({ clientId: "Same", clean });
      const second = await t.connect({ clientId: "same", clean });
      await first.expectClose();
      await second.ping();
      await bystander.ping();
    }
  },
);

specTest("a valid CONNECT is answered with return code 0 [MQTT-3.1.4-4]", async (t) => {
  const client = await t.dial({ clientId: "id", keepAliveSeconds: 60 });
  await client.expect("20 02 00 00");
  await client.ping();
});

specTest("what follows a refused CONNECT has no effect [MQTT-3.1.4-5]", async (t) => {
  const witness = await t.connect();
  await witness.subscribe(subscribe({ "#": 0 }));
  const client = await t.client();
  await client.send(connect({ clean: false }), publish("a", "x", { qos: 1 }), publish("a", "y"));
  await client.expect("20 02 00 02");
  await client.expectClose();
  await witness.expectSilence();
  const late = await t.connect();
  await late.send(publish("a", "z"));
  await witness.expectPublish("a", "z");
});

specTest(
  "what follows an accepted CONNECT at once is served [MQTT-3.1.4-5] [MQTT-3.2.0-1]",
  async (t) => {
    const client = await t.client();
    await client.send(
      connect({ clientId: "id" }),
      subscribe({ a: 0 }),
      publish("a", "x", { qos: 1, packetId: 9 }),
    );
    await client.expect("20 02 00 00", "90 03 0001 00", "40 02 0009", "30 04 0001 61 78");
  },
);
