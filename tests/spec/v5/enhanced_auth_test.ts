/** AUTH and enhanced authentication (MQTT 5 §3.15 and §4.12). */
import { assert, assertEquals } from "@std/assert";
import type { AuthenticationStep, Authenticator } from "../../../auth/mod.ts";
import {
  all,
  auth,
  connect,
  disconnect,
  frame,
  pingreq,
  properties,
  publish,
  subscribe,
} from "./packets.ts";
import { specTest } from "./spec.ts";
import { subscriber, thrownOut } from "./steps.ts";

const METHOD = 0x15;
const DATA = 0x16;

const bytes = (text: string) => new TextEncoder().encode(text);
const words = (text: string) => bytes(text).toHex().replaceAll(/..(?=.)/g, "$& ");

/** Asks who is there until it hears "me"; "no" it takes amiss. */
function stepFor(data: Uint8Array | null): AuthenticationStep {
  const said = data === null ? "" : new TextDecoder().decode(data);
  if (said === "me") return { kind: "success", data: bytes("welcome") };
  if (said === "no") return { kind: "failure", reasonCode: 0x87, reasonString: "as you like" };
  return { kind: "continue", data: bytes("who?") };
}

const authenticator: Authenticator = {
  authenticate: () => ({ reasonCode: 0 }),
  begin: (method) => method === "ask" ? { next: stepFor } : null,
};
const broker = { authenticator };

/** The properties of AUTH and CONNECT that name the method and say something. */
function says(data: string, method = "ask"): Uint8Array {
  return all(properties.authenticationMethod(method), properties.authenticationData(data));
}

/** Properties of AUTH and CONNACK with which the broker says so. */
const heard = (data: string) => [[METHOD, "ask"], [DATA, words(data)]] as [number, string][];

specTest("AUTH with other flags is malformed [MQTT-3.15.1-1]", { broker }, async (t) => {
  for (let flags = 1; flags < 16; flags++) {
    const packet = auth(0x19, says("me"));
    packet[0] = 0xf0 | flags;
    await thrownOut(t, packet, 0x81, { properties: says("me") });
    const client = await t.dial({ properties: says("") });
    await client.readAuth();
    await client.send(packet);
    await client.expectRefusal(0x81);
  }
});

specTest(
  "AUTH goes back and forth until the client is let in [MQTT-3.15.2-1] [MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.1-1]",
  { broker },
  async (t) => {
    const client = await t.dial({ properties: says("hello") });
    for (let n = 0; n < 3; n++) {
      const question = await client.readAuth();
      assertEquals(question.reasonCode, 0x18);
      assertEquals(question.properties, heard("who?"));
      await client.send(auth(0x18, says(n < 2 ? "guess" : "me")));
    }
    const connack = await client.expectWelcome();
    assertEquals(
      connack.properties.filter(([id]) => id === METHOD || id === DATA),
      heard("welcome"),
    );
    await client.ping();
  },
);

specTest("one step may be enough [MQTT-4.12.0-5]", { broker }, async (t) => {
  const { properties: said } = await (await t.dial({ properties: says("me") })).expectWelcome();
  assertEquals(said.filter(([id]) => id === METHOD || id === DATA), heard("welcome"));
});

specTest(
  "AUTH with a reason that is not its own is malformed [MQTT-3.15.2-1]",
  { broker },
  async (t) => {
    for (const code of [0x01, 0x04, 0x17, 0x1a, 0x80, 0x87, 0xff]) {
      await thrownOut(t, auth(code, says("me")), 0x81, { properties: says("me") });
    }
  },
);

specTest(
  "AUTH fits a client that takes little [MQTT-3.15.2-2] [MQTT-3.15.2-3]",
  { broker },
  async (t) => {
    // An AUTH that asks "who?" has 17 bytes, and there is nothing that could be left out.
    const little = properties.maximumPacketSize(17);
    const client = await t.dial({ clientId: "small", properties: all(little, says("")) });
    await client.expect("f0 0f 18 0d 15 0003 61736b 16 0004 77686f3f");
  },
);

specTest("an unknown method is refused [MQTT-4.12.0-1]", { broker }, async (t) => {
  for (const method of ["other", "ASK", "ask ", ""]) {
    const client = await t.dial({ properties: says("me", method) });
    await client.expectRefusal(0x8c);
  }
});

specTest("a broker that knows no method refuses all [MQTT-4.12.0-1]", async (t) => {
  const client = await t.dial({ properties: says("me") });
  await client.expectRefusal(0x8c);
});

specTest("a client answers with 0x18 and nothing else [MQTT-4.12.0-3]", { broker }, async (t) => {
  for (const code of [0x00, 0x19]) {
    const client = await t.dial({ properties: says("") });
    await client.readAuth();
    await client.send(auth(code, says("me")));
    await client.expectRefusal(0x82);
  }
});

specTest(
  "the broker may break off at any step [MQTT-4.12.0-4] [MQTT-4.13.2-1]",
  { broker },
  async (t) => {
    for (let steps = 0; steps < 4; steps++) {
      const client = await t.dial({ properties: says(steps === 0 ? "no" : "") });
      for (let n = 1; n <= steps; n++) {
        await client.readAuth();
        await client.send(auth(0x18, says(n === steps ? "no" : "")));
      }
      await client.expectRefusal(0x87);
    }
  },
);

specTest("the client keeps to its method [MQTT-4.12.0-5]", { broker }, async (t) => {
  const other = [says("me", "other"), properties.authenticationData("me"), new Uint8Array()];
  for (const said of other) {
    const client = await t.dial({ properties: says("") });
    await client.readAuth();
    await client.send(auth(0x18, said));
    await client.expectRefusal(0x82);
  }
});

specTest("without a method there is no AUTH [MQTT-4.12.0-6]", { broker }, async (t) => {
  for (const fields of [{}, { username: "user", password: "me" }]) {
    const { properties: said } = await (await t.dial(fields)).expectWelcome();
    assertEquals(said.filter(([id]) => id === METHOD || id === DATA), []);
  }
});

specTest("AUTH of a client without a method is a fault [MQTT-4.12.0-7]", { broker }, async (t) => {
  for (const code of [0x00, 0x18, 0x19]) {
    await thrownOut(t, auth(code, says("me")), 0x82);
    await thrownOut(t, auth(code), 0x82);
  }
  await thrownOut(t, frame(0xf0), 0x82);
});

specTest("data without a method are a fault [MQTT-4.12.0-7]", { broker }, async (t) => {
  const client = await t.dial({ properties: properties.authenticationData("me") });
  await client.expectRejection();
});

specTest(
  "a client may authenticate again while it goes on [MQTT-4.12.1-1] [MQTT-3.15.2-1] [MQTT-4.12.0-2]",
  { broker },
  async (t) => {
    const client = await t.connect({ properties: says("me") });
    for (let n = 0; n < 2; n++) {
      await client.send(auth(0x19, says("")));
      assertEquals(await client.readAuth(), {
        type: 15,
        reasonCode: 0x18,
        properties: heard("who?"),
      });
      await client.subscribe(subscribe({ a: 0 }));
      await client.send(publish("a", "x"));
      await client.expectPublish("a", "x");
      await client.send(auth(0x18, says("me")));
      assertEquals(await client.readAuth(), {
        type: 15,
        reasonCode: 0x00,
        properties: heard("welcome"),
      });
      await client.ping();
    }
  },
);

specTest(
  "authentication is repeated with the same method [MQTT-4.12.1-1]",
  { broker },
  async (t) => {
    const fields = { properties: says("me") };
    await thrownOut(t, auth(0x19, says("me", "other")), 0x82, fields);
    await thrownOut(t, auth(0x19), 0x82, fields);
    const client = await t.connect(fields);
    await client.send(auth(0x19, says("")));
    await client.readAuth();
    await client.send(auth(0x18, says("me", "other")));
    await client.expectDisconnect(0x82);
  },
);

specTest("authentication is repeated with 0x19 [MQTT-4.12.1-1]", { broker }, async (t) => {
  const fields = { properties: says("me") };
  await thrownOut(t, auth(0x18, says("me")), 0x82, fields);
  await thrownOut(t, auth(0x00, says("me")), 0x82, fields);
});

specTest("to fail the second time ends the connection [MQTT-4.12.1-2]", { broker }, async (t) => {
  const will = { topic: "will", payload: "gone" };
  const witness = await subscriber(t, "will");
  const client = await t.connect({ properties: says("me"), will });
  await client.send(auth(0x19, says("no")));
  await client.expectDisconnect(0x87);
  await witness.expectPublish("will", "gone");
  const other = await t.connect({ properties: says("me") });
  await other.send(auth(0x19, says("")));
  await other.readAuth();
  await other.send(auth(0x18, says("no")), pingreq());
  await other.expectDisconnect(0x87);
});

specTest("a client may give up in the middle [MQTT-4.12.0-4]", { broker }, async (t) => {
  const witness = await subscriber(t, "#");
  const client = await t.dial({ properties: says(""), will: { topic: "will", payload: "gone" } });
  await client.readAuth();
  await client.send(disconnect(0x00));
  await client.expectClose();
  await witness.expectSilence();
});

specTest(
  "what CONNECT said is kept while AUTH goes back and forth [MQTT-4.12.0-5]",
  { broker },
  async (t) => {
    const witness = await subscriber(t, "#");
    const client = await t.client();
    const will = { topic: "will/topic", payload: "gone" };
    await client.send(connect({ clientId: "named", will, properties: says("") }));
    for (let n = 0; n < 5; n++) {
      await client.readAuth();
      await client.send(auth(0x18, says("x".repeat(100))));
    }
    await client.readAuth();
    await client.send(auth(0x18, says("me")));
    const { properties: said } = await client.expectWelcome();
    // An identifier is assigned only to who has none.
    assert(said.every(([id]) => id !== 0x12));
    await t.drop(client);
    await witness.expectPublish("will/topic", "gone");
  },
);

const passwords: (string | null)[] = [];
const asksForPassword: Authenticator = {
  ...authenticator,
  begin: (_method, { password }) => {
    passwords.push(password && new TextDecoder().decode(password));
    return { next: stepFor };
  },
};

specTest(
  "an authentication that is repeated is told the password of CONNECT, whatever came since [MQTT-4.12.1-1]",
  { broker: { authenticator: asksForPassword } },
  async (t) => {
    passwords.length = 0;
    const client = await t.dial({ username: "u", password: "secret", properties: says("") });
    for (let n = 0; n < 5; n++) {
      await client.readAuth();
      await client.send(auth(0x18, says("x".repeat(100))));
    }
    await client.readAuth();
    await client.send(auth(0x18, says("me")));
    await client.expectWelcome();
    await client.send(auth(0x19, says("me")));
    await client.readAuth();
    assertEquals(passwords, ["secret", "secret"]);
  },
);
