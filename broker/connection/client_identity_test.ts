import { assert, assertEquals } from "@std/assert";
import type { ConnectPacket, Properties } from "../../codec/mod.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { identify, type Identity, settle } from "./client_identity.ts";
import { ConnectRefusal } from "./connect_refusal.ts";

interface World {
  rules?: ListenerRules;
  certificate?: { subject: string; commonName: string | null } | null;
  /** Identifiers that sessions have. */
  taken?: string[];
  banned?: string;
}

/** A connection whose CONNECT has not been accepted. */
function connectionOf({ rules = {}, certificate = null, taken = [], banned = "" }: World) {
  let random = 0;
  const connection = new TestConnection({
    rules,
    broker: { random: () => random++ < 20 ? 0 : 0.99 },
    host: {
      sessions: { get: (id: string) => taken.includes(id) ? {} : undefined },
      limiters: { bans: { isBanned: ({ clientId }: Identity) => clientId === banned } },
    },
  });
  // The identifier is assigned with what the broker has, too.
  Object.assign(connection.host, { context: connection.context });
  const peer = { address: "192.0.2.1:5", certificate };
  return Object.assign(connection, { peer }).asClient;
}

function connect(clientId: string, username: string | null, properties: Properties = {}) {
  return { clientId, username, properties } as ConnectPacket;
}

/** The names of a client, or why it is refused. */
function told(identity: Identity | ConnectRefusal): string {
  if (!(identity instanceof ConnectRefusal)) return `${identity.clientId} ${identity.username}`;
  return `0x${identity.reasonCode.toString(16)} ${identity.reasonString}`;
}

function names(world: World, ...packet: Parameters<typeof connect>): string {
  return told(identify(connectionOf(world), connect(...packet)));
}

Deno.test("identify() takes the names of CONNECT", () => {
  assertEquals(names({}, "a", "ann"), "a ann");
  assertEquals(names({}, "a", null), "a null");
});

Deno.test("identify() assigns an identifier that no session has [MQTT-3.1.3-6]", () => {
  const rules = { autoIdPrefix: "auto-" };
  const first = `auto-${"0".repeat(20)}`;
  assertEquals(names({ rules }, "", null), `${first} null`);
  assertEquals(names({ rules, taken: [first] }, "", null), `auto-${"z".repeat(20)} null`);
  assertEquals(
    names({ rules: { allowZeroLengthClientId: false } }, "", null),
    "0x85 Client identifier is empty",
  );
});

Deno.test("identify() refuses a client without a user name where one is needed", () => {
  const rules = { allowAnonymous: false };
  assertEquals(names({ rules }, "a", null), "0x87 User name is missing");
  assertEquals(names({ rules }, "a", "ann"), "a ann");
  assertEquals(names({ rules }, "a", null, { authenticationMethod: "SCRAM" }), "a null");
});

Deno.test("identify() takes the user name of a certificate", () => {
  const certificate = { subject: "CN=pump 7,O=Works", commonName: "pump 7" };
  const identity = { identityAsUsername: true };
  assertEquals(names({ rules: identity, certificate }, "a", "ann"), "a pump 7");
  assertEquals(
    names({ rules: { subjectAsUsername: true }, certificate }, "a", null),
    "a CN=pump 7,O=Works",
  );
  const unnamed = { ...certificate, commonName: null };
  for (const without of [null, unnamed]) {
    assertEquals(
      names({ rules: identity, certificate: without }, "a", "ann"),
      "0x86 There is no name in a certificate",
    );
  }
});

Deno.test("identify() lets in only the prefixes of the listener", () => {
  const rules = { clientIdPrefixes: ["pump-", "auto-"], autoIdPrefix: "auto-" };
  assertEquals(names({ rules }, "pump-7", null), "pump-7 null");
  assert(names({ rules }, "lamp", null).startsWith("0x87 "));
  assert(names({ rules }, "", null).startsWith("auto-"));
});

Deno.test("settle() makes the granted user name the identifier, where the listener wants that", () => {
  const rules = { usernameAsClientId: true, clientIdPrefixes: ["a"] };
  const connection = connectionOf({ rules });
  // The prefix is checked when the user name is certain.
  const known = identify(connection, connect("x", "x")) as Identity;
  const grantOf = (username?: string) => ({ ...(username === undefined ? {} : { username }) });
  assertEquals(told(settle(connection, known, grantOf("ann"))), "ann ann");
  assert(told(settle(connection, known, grantOf())).startsWith("0x87 Client identifier"));
  const nameless = { clientId: "x", username: null };
  assertEquals(told(settle(connection, nameless, grantOf())), "0x87 User name is missing");
});

Deno.test("settle() keeps the identifier otherwise, and refuses banned clients", () => {
  const known = { clientId: "a", username: "ann" };
  assertEquals(told(settle(connectionOf({}), known, { username: "bob" })), "a bob");
  assertEquals(told(settle(connectionOf({ banned: "a" }), known, {})), "0x8a Banned");
});
