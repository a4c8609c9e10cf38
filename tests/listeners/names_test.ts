/** By which names a listener lets clients in, and as whom. */
import { assert, assertEquals } from "@std/assert";
import { Broker, type ListenerRules } from "../../mod.ts";
import type { ClientInfo, ConnectRequest } from "../../auth/mod.ts";
import type { ConnectFields } from "../harness/packets.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";
import { SpecClient } from "../spec/client.ts";
import { connect, properties } from "../spec/v5/packets.ts";
import { specTest } from "./spec.ts";

/** Clients, and whether they are let in: 0, or the reason in 5.0 and in 3.1.1. */
type Cases = [fields: ConnectFields, v5: number, v311: number][];

const RULES: [name: string, rules: ListenerRules, cases: Cases][] = [
  ["a client needs a user name where nobody may be anonymous [MQTT-3.1.4-2]", {
    allowAnonymous: false,
  }, [
    [{ clientId: "a" }, 0x87, 5],
    [{ clientId: "a", username: "u" }, 0, 0],
  ]],
  ["a listener may insist on a client identifier [MQTT-3.1.3-6]", {
    allowZeroLengthClientId: false,
  }, [
    [{}, 0x85, 2],
    [{ clientId: "a" }, 0, 0],
  ]],
  ["a listener may let in some client identifiers only [MQTT-3.1.3-5]", {
    clientIdPrefixes: ["sec-", "b"],
    autoIdPrefix: "auto-",
  }, [
    [{ clientId: "sec-1" }, 0, 0],
    [{ clientId: "b" }, 0, 0],
    [{ clientId: "sec" }, 0x87, 5],
    [{}, 0x87, 5],
  ]],
  ["a user name that is to be the client identifier must be there", {
    usernameAsClientId: true,
  }, [
    [{ clientId: "a" }, 0x87, 5],
    [{ clientId: "a", username: "" }, 0x87, 5],
    [{ clientId: "a", username: "u" }, 0, 0],
    [{ username: "u" }, 0, 0],
  ]],
  ["a user name that is the client identifier must have the prefix", {
    usernameAsClientId: true,
    clientIdPrefixes: ["sec-"],
  }, [
    [{ clientId: "sec-1", username: "u" }, 0x87, 5],
    [{ clientId: "a", username: "sec-u" }, 0, 0],
  ]],
];

for (const [name, rules, cases] of RULES) {
  specTest(name, { listeners: [rules] }, async (t) => {
    for (const [fields, v5, v311] of cases) {
      for (const [level, reasonCode] of [[5, v5], [4, v311]] as const) {
        if (reasonCode === 0) await t.leave(await t.connect({ level, ...fields }));
        else await (await t.dial({ level, ...fields })).expectRefusal(reasonCode);
      }
    }
  });
}

specTest("an assigned identifier begins as its listener has it [MQTT-3.2.2-16]", {
  listeners: [{ autoIdPrefix: "auto-" }],
}, async (t) => {
  const { connack } = await t.connect();
  const assigned = new Map(connack!.properties).get(0x12) as string;
  assert(/^auto-[0-9a-z]{20}$/.test(assigned), assigned);
});

const clients: ClientInfo[] = [];

specTest("a user name takes the place of the client identifier", {
  broker: { hooks: { connected: (client) => clients.push(client) } },
  listeners: [{ usernameAsClientId: true, name: "by name" }],
}, async (t) => {
  clients.length = 0;
  const first = await t.connect({ clientId: "x", username: "anna" });
  assertEquals(new Map(first.connack!.properties).has(0x12), false);
  const second = await t.connect({ username: "anna" });
  assertEquals(new Map(second.connack!.properties).get(0x12), "anna");
  await first.expectDisconnect(0x8e);
  assertEquals(clients.map(({ clientId, listener }) => [clientId, listener]), [
    ["anna", "by name"],
    ["anna", "by name"],
  ]);
});

specTest("a name that the authenticator grants is the client identifier", {
  broker: {
    authenticator: {
      authenticate: () => ({ reasonCode: 0, username: "granted" }),
      begin: () => ({ next: () => ({ kind: "success", username: "granted" }) }),
    },
  },
  listeners: [{ usernameAsClientId: true, allowAnonymous: false }],
}, async (t) => {
  const method = properties.authenticationMethod("m");
  const first = await t.connect({ clientId: "x", username: "claimed" });
  const second = await t.connect({ properties: method });
  assertEquals(new Map(second.connack!.properties).get(0x12), "granted");
  await first.expectDisconnect(0x8e);
  assertEquals(t.broker.stats.sessions, 1);
});

const CERTIFICATE = { subject: "CN=pump 7,O=Works", commonName: "pump 7", fingerprint256: "00" };

/** Connects a client with a certificate; tells what came of it and what the program was told. */
async function certified(
  rules: ListenerRules,
  certificate: typeof CERTIFICATE | { commonName: null } | null,
): Promise<{ reasonCode: number; names: (string | null)[]; asked: ConnectRequest[] }> {
  const clock = new VirtualClock();
  const names: (string | null)[] = [];
  const asked: ConnectRequest[] = [];
  const broker = new Broker({
    clock,
    hooks: { connected: ({ clientId, username }) => names.push(clientId, username) },
    authenticator: {
      authenticate(request) {
        asked.push(request);
        return { reasonCode: 0 };
      },
    },
  });
  const peer = {
    address: "memory",
    certificate: certificate === null ? null : { ...CERTIFICATE, ...certificate },
  };
  const network = new VirtualNetwork({
    seed: 1,
    clock,
    maxDelayMs: 0,
    windowBytes: 2 ** 16,
    accept: (pipe) => broker.accept(pipe, peer, broker.listenerPolicy(rules)),
  });
  const pipe = network.connect();
  const client = new SpecClient(pipe, 5);
  const sending = client.send(connect({ clientId: "c", username: "claimed" }));
  await clock.advance(0);
  await sending;
  const { reasonCode } = await client.readConnack();
  client.close();
  const closing = broker.close();
  await clock.advance(60_000);
  await closing;
  return { reasonCode, names, asked };
}

Deno.test("the common name of a certificate is the user name, and nobody else is asked", async () => {
  const rules = { identityAsUsername: true, subjectAsUsername: true, allowAnonymous: false };
  const { reasonCode, names, asked } = await certified(rules, CERTIFICATE);
  assertEquals([reasonCode, ...names], [0, "c", "pump 7"]);
  assertEquals(asked, []);
});

Deno.test("the subject of a certificate is the user name, and the client identifier", async () => {
  const rules = { subjectAsUsername: true, usernameAsClientId: true };
  const { names } = await certified(rules, CERTIFICATE);
  assertEquals(names, ["CN=pump 7,O=Works", "CN=pump 7,O=Works"]);
});

Deno.test("a client without a name in a certificate is refused [MQTT-3.1.4-2]", async () => {
  for (const certificate of [null, { commonName: null }]) {
    const { reasonCode, names } = await certified({ identityAsUsername: true }, certificate);
    assertEquals([reasonCode, ...names], [0x86]);
  }
});

Deno.test("an authenticator is shown the certificate, and told the listener", async () => {
  const { asked, names } = await certified({ name: "tls" }, CERTIFICATE);
  assertEquals(names, ["c", "claimed"]);
  assertEquals(asked.map(({ certificate, listener }) => [certificate?.subject, listener]), [
    ["CN=pump 7,O=Works", "tls"],
  ]);
});
