import { assertEquals, assertRejects } from "@std/assert";
import type {
  AuthenticationStep,
  Authenticator,
  ClientInfo,
  ConnectRequest,
} from "../../auth/authenticator.ts";
import { type AuthPacket, ProtocolError, ReasonCode } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import { Subscription, subscriptionOptions } from "../../router/subscription.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientAccess } from "../session/client_access.ts";
import { SubscriptionTable } from "../session/subscription_table.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { EXPIRED, reauthenticate } from "./handle_auth.ts";

const METHOD = "test";
const CLIENT: ClientInfo = {
  clientId: "a",
  username: "ann",
  address: "192.0.2.1:5",
  protocolVersion: 5,
};
const PLAIN = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  identifier: 0,
} as const;
const REQUEST: ConnectRequest = { ...CLIENT, password: null, userProperties: [] };
const { ContinueAuthentication, NotAuthorized, ReAuthenticate } = ReasonCode;

/** A session as the handler sees it; it tells what it did. */
class TestSession {
  readonly subscriptions = new SubscriptionTable();
  readonly queue = {
    markSubscriptionChanged: (filter: string) => void this.events.push(`changed ${filter}`),
  };
  readonly replays = null;
  readonly hasEnded = false;
  readonly events: string[] = [];
  access: ClientAccess | null = null;

  permit(access: ClientAccess | null): void {
    this.access = access;
    this.events.push(access === null ? "permit all" : "permit");
  }

  touch(): void {
    this.events.push("touch");
  }
}

/** A client that has authenticated with a method, and the steps of another authentication. */
function world(...steps: (AuthenticationStep | Promise<AuthenticationStep>)[]) {
  const asked: (Uint8Array | null)[] = [];
  const begun: string[] = [];
  const authenticator: Authenticator = {
    authenticate: () => ({ reasonCode: 0 }),
    begin(method) {
      begun.push(method);
      if (steps.length === 0) return null;
      return {
        next(data) {
          asked.push(data);
          return steps.shift()!;
        },
      };
    },
  };
  const router = new Router<Receiver>();
  const session = new TestSession();
  const connection = new TestConnection({
    broker: { wallClock: () => 1_000 },
    rules: { authenticator },
    session,
    host: { router },
  });
  Object.assign(connection.host, { context: connection.context });
  connection.auth = { method: METHOD, exchange: null };
  connection.client = CLIENT;
  const receive = (reasonCode: number, data?: Uint8Array, method = METHOD) => {
    return reauthenticate(connection.asClient, REQUEST, auth(reasonCode, data, method));
  };
  return { connection, session, router, asked, begun, receive };
}

function auth(reasonCode: number, authenticationData?: Uint8Array, method = METHOD): AuthPacket {
  const properties = { authenticationMethod: method };
  const all = authenticationData === undefined ? properties : { ...properties, authenticationData };
  return { type: "auth", reasonCode, properties: all };
}

Deno.test("reauthenticate() goes through the steps of the method, and ends with Success [MQTT-4.12.0-3]", async () => {
  const { connection, asked, begun, receive } = world(
    { kind: "continue", data: Uint8Array.of(1) },
    { kind: "success", data: Uint8Array.of(2) },
  );
  await receive(ReAuthenticate, Uint8Array.of(7));
  assertEquals(connection.sent(), [auth(ContinueAuthentication, Uint8Array.of(1))]);
  await receive(ContinueAuthentication, Uint8Array.of(8));
  assertEquals(connection.sent(), [auth(ReasonCode.Success, Uint8Array.of(2))]);
  assertEquals([begun, asked], [[METHOD], [Uint8Array.of(7), Uint8Array.of(8)]]);
  assertEquals([connection.isOpen, connection.auth!.exchange], [true, null]);
});

Deno.test("reauthenticate() begins with 0x19 and goes on with 0x18, and takes no other code [MQTT-4.12.0-3]", async () => {
  const { receive } = world({ kind: "continue" }, { kind: "continue" });
  await assertRejects(() => receive(ContinueAuthentication), ProtocolError, "reason code 24");
  await receive(ReAuthenticate);
  await assertRejects(() => receive(ReAuthenticate), ProtocolError, "reason code 25");
});

Deno.test("reauthenticate() takes no other method than that of CONNECT [MQTT-4.12.0-5]", async () => {
  const { receive, begun } = world({ kind: "success" });
  const other = receive(ReAuthenticate, undefined, "other");
  await assertRejects(() => other, ProtocolError, "another method");
  assertEquals(begun, []);
});

Deno.test("reauthenticate() disconnects a client whose method is not supported any more [MQTT-4.12.0-1]", async () => {
  const { connection, receive } = world();
  await receive(ReAuthenticate);
  assertEquals(connection.events, [`disconnect ${ReasonCode.BadAuthenticationMethod}`]);
});

Deno.test("reauthenticate() disconnects a client that has failed, with the reason (§4.12.1)", async () => {
  const step = { kind: "failure", reasonCode: NotAuthorized, reasonString: "Wrong" } as const;
  const { connection, receive } = world(step);
  await receive(ReAuthenticate);
  assertEquals(connection.events, [`disconnect ${NotAuthorized} Wrong`]);
  assertEquals(connection.sent(), []);
});

Deno.test("reauthenticate() takes no other user name than before", async () => {
  const same = world({ kind: "success", username: "ann" });
  await same.receive(ReAuthenticate);
  assertEquals(same.connection.events, []);
  const other = world({ kind: "success", username: "bob" });
  await other.receive(ReAuthenticate);
  assertEquals(other.connection.events, [`disconnect ${NotAuthorized} Another user name`]);
});

Deno.test("reauthenticate() takes no grant that has expired, or whose end is no number", async () => {
  for (const expiresAtMs of [999, 1_000, NaN]) {
    const { connection, receive } = world({ kind: "success", expiresAtMs });
    await receive(ReAuthenticate);
    assertEquals(connection.events, [`disconnect ${NotAuthorized} ${EXPIRED}`]);
  }
  const { connection, receive } = world({ kind: "success", expiresAtMs: 1_001 });
  await receive(ReAuthenticate);
  assertEquals(connection.events, []);
});

Deno.test("reauthenticate() sends nothing to a client that is gone when the step is there", async () => {
  const step = Promise.withResolvers<AuthenticationStep>();
  const { connection, session, receive } = world(step.promise);
  const done = receive(ReAuthenticate);
  connection.isOpen = false;
  step.resolve({ kind: "success" });
  await done;
  assertEquals([connection.sent(), connection.events, session.events], [[], [], []]);
});

Deno.test("reauthenticate() ends subscriptions that the new permissions do not allow", async () => {
  const authorizer = {
    mayPublish: () => true,
    maySubscribe: (_client: ClientInfo, { filter }: { filter: string }) => filter !== "secret",
  };
  const { connection, session, router, receive } = world({ kind: "success", authorizer });
  for (const filter of ["open", "secret"]) {
    const options = subscriptionOptions(PLAIN);
    const subscription = new Subscription<Receiver>(session as never, filter, options);
    session.subscriptions.set(subscription);
    router.subscribe(subscription);
  }
  await receive(ReAuthenticate);
  assertEquals([...session.subscriptions.filters()], ["open"]);
  assertEquals([router.subscriptions, connection.context.stats.subscriptionsRevoked], [1, 1]);
  assertEquals(session.events, ["permit", "touch", "changed secret"]);
  assertEquals(connection.sent(), [auth(ReasonCode.Success)]);
});
