/** What an authenticator grants beside letting in: a name, a time, and what may be done. */
import { assertEquals } from "@std/assert";
import type { BrokerOptions } from "../../../mod.ts";
import type { Authorizer, Grant } from "../../../auth/mod.ts";
import { all, auth, properties, publish, subscribe } from "../v5/packets.ts";
import { specTest, timeTest } from "./spec.ts";

/** The time of day when the clocks of these tests start. */
const MIDNIGHT_MS = 1_700_000_000_000;

/** A broker that grants what the test says at the moment. */
class Granting {
  grant: Grant = {};
  /** How much the time of day has been set forward by hand. */
  offsetMs = 0;
  passedMs = 0;
  readonly names: (string | null)[] = [];
  readonly broker: BrokerOptions = {
    wallClock: () => MIDNIGHT_MS + this.passedMs + this.offsetMs,
    authenticator: {
      authenticate: () => ({ reasonCode: 0, ...this.grant }),
      begin: () => ({ next: () => ({ kind: "success", ...this.grant }) }),
    },
    hooks: { connected: ({ username }) => this.names.push(username) },
  };
}

const says = all(properties.authenticationMethod("ask"), properties.authenticationData("me"));

/** Allows only what is below a topic. */
function below(prefix: string): Authorizer {
  return {
    mayPublish: (_, { topic }) => topic.startsWith(prefix),
    maySubscribe: (_, { filter }) => Promise.resolve(filter.startsWith(prefix)),
  };
}

{
  const granting = new Granting();
  timeTest("a connection ends when its authentication expires", granting, async (t) => {
    granting.grant = { expiresAtMs: MIDNIGHT_MS + 60_000 };
    const five = await t.connect({ level: 5, clientId: "five" });
    const four = await t.connect({ level: 4, clientId: "four" });
    await t.pass(59_999);
    granting.passedMs = 59_999;
    await five.ping();
    await four.ping();
    granting.passedMs = 60_000;
    await t.pass(1);
    await five.expectDisconnect(0x87);
    await four.expectClose();
    assertEquals(t.broker.stats.authenticationsExpired, 2);
  });
}

{
  const granting = new Granting();
  timeTest("an authentication holds as long as the time of day says", granting, async (t) => {
    granting.grant = { expiresAtMs: MIDNIGHT_MS + 60_000 };
    const client = await t.connect({ level: 5 });
    // The time of day was set back by a minute: the end is a minute later, too.
    granting.offsetMs = -60_000;
    granting.passedMs = 60_000;
    await t.pass(60_000);
    await client.ping();
    granting.passedMs = 120_000;
    await t.pass(60_000);
    await client.expectDisconnect(0x87);
  });
}

{
  const granting = new Granting();
  timeTest("who authenticates anew has the time anew [MQTT-4.12.1-1]", granting, async (t) => {
    granting.grant = { expiresAtMs: MIDNIGHT_MS + 60_000 };
    const client = await t.connect({ level: 5, properties: says });
    granting.grant = { expiresAtMs: MIDNIGHT_MS + 90_000 };
    await client.send(auth(0x19, says));
    assertEquals((await client.readAuth()).reasonCode, 0);
    granting.passedMs = 89_999;
    await t.pass(89_999);
    await client.ping();
    granting.grant = {};
    await client.send(auth(0x19, says));
    assertEquals((await client.readAuth()).reasonCode, 0);
    await t.pass(1e9);
    await client.ping();
    granting.grant = { expiresAtMs: MIDNIGHT_MS };
    await client.send(auth(0x19, says));
    await client.expectDisconnect(0x87);
  });
}

{
  const granting = new Granting();
  specTest("who has expired already is not let in", granting, async (t) => {
    for (const expiresAtMs of [0, NaN, MIDNIGHT_MS]) {
      granting.grant = { expiresAtMs };
      await (await t.dial({ level: 5 })).expectRefusal(0x87);
      await (await t.dial({ level: 4 })).expectRefusal(5);
      await (await t.dial({ level: 5, properties: says })).expectRefusal(0x87);
    }
    assertEquals(t.broker.stats.sessions, 0);
  });
}

{
  const granting = new Granting();
  specTest("a client goes by the name it was granted, and keeps it", granting, async (t) => {
    granting.grant = { username: "ann" };
    const client = await t.connect({ level: 5, username: "token", properties: says });
    granting.grant = {};
    await client.send(auth(0x19, says));
    assertEquals((await client.readAuth()).reasonCode, 0);
    await t.connect({ level: 4, username: "bob", clientId: "b" });
    assertEquals(granting.names.splice(0), ["ann", "bob"]);
    granting.grant = { username: "bob" };
    await client.send(auth(0x19, says));
    await client.expectDisconnect(0x87);
  });
}

{
  const granting = new Granting();
  granting.broker.authorizer = below("a");
  specTest("what was granted and what the broker allows must agree", granting, async (t) => {
    granting.grant = { authorizer: below("a/b") };
    const will = { topic: "a/c", payload: "" };
    await (await t.dial({ level: 5, clientId: "w", will })).expectRefusal(0x87);
    const client = await t.connect({ level: 5, properties: says });
    await client.send(subscribe({ "a/b": 0, "a/c": 0, "b": 0 }));
    await client.expect("90 06 0001 00 00 87 87");
    await client.send(publish("a/c", "no"), publish("a/b", "yes"));
    await client.expectPublish("a/b", "yes");
    assertEquals(t.broker.stats.dropped["not-authorized"], 1);
    // A re-authentication replaces what was granted.
    granting.grant = {};
    await client.send(auth(0x19, says));
    assertEquals((await client.readAuth()).reasonCode, 0);
    await client.send(subscribe({ "a/c": 0, "b": 0 }));
    await client.expect("90 05 0001 00 00 87");
  });
}
