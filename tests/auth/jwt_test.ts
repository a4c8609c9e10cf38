/**
 * JSON Web Tokens through a whole broker, with Fairway's client and with MQTT.js.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as jose from "npm:jose@6.2.17";
import { Broker } from "../../mod.ts";
import {
  type ClientAuthentication,
  connect,
  ConnectError,
  PublishError,
} from "../../client/mod.ts";
import { jwtAuthenticator } from "../../auth/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import { within } from "../harness/deadline.ts";
import { JsClient } from "../harness/mqttjs_client.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

const SECRET = crypto.getRandomValues(new Uint8Array(32));
/** The time of day when a test begins; then it goes with its clock. */
const NOON_MS = 1_700_000_000_000;

/** A token that lasts so long, in milliseconds. */
function tokenFor(ms: number, claims: Record<string, unknown> = {}): Promise<string> {
  const exp = (NOON_MS + ms) / 1000;
  return new jose.SignJWT({ sub: "ann", exp, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(SECRET);
}

/** Shows one token after the other, the last of them again and again. */
function showing(...tokens: string[]): ClientAuthentication {
  return {
    method: "JWT",
    begin: () => new TextEncoder().encode(tokens.length > 1 ? tokens.shift() : tokens[0]),
    next() {
      throw new Error("The server asks for more than a token");
    },
  };
}

/** What a test sees of its broker. */
interface Stage {
  readonly broker: Broker;
  readonly clock: VirtualClock;
  /** The reason for which the first client was ended. */
  readonly gone: Promise<number>;
}

async function withBroker(
  test: (port: number, stage: Stage) => Promise<void>,
): Promise<void> {
  const gone = Promise.withResolvers<number>();
  const clock = new VirtualClock();
  const wallClock = () => NOON_MS + clock.now();
  await using broker = new Broker({
    authenticator: await jwtAuthenticator({
      secret: SECRET,
      clockToleranceSeconds: 0,
      aclClaim: "acl",
      wallClock,
    }),
    clock,
    wallClock,
    hooks: { disconnected: (_, { reasonCode }) => gone.resolve(reasonCode) },
  });
  const { port } = await broker.listen({ port: 0 });
  await test(port, { broker, clock, gone: gone.promise });
}

for (const protocolVersion of [4, 5] as const) {
  Deno.test(`MQTT.js over MQTT ${protocolVersion} comes in with a token, and is ended with it`, () =>
    withBroker(async (port, { broker, clock, gone }) => {
      const password = await tokenFor(30_000, { acl: { publish: ["lamp/%u"] } });
      await using client = await JsClient.connect(port, {
        protocolVersion,
        username: "anybody",
        password,
      });
      await client.mqtt.publishAsync("lamp/ann", "on", { qos: 1 });
      await clock.advance(29_999);
      assertEquals(broker.stats.authenticationsExpired, 0);
      await clock.advance(1);
      assertEquals(await within("the end of the token", gone), ReasonCode.NotAuthorized);
      assertEquals(broker.stats.authenticationsExpired, 1);
    }));
}

Deno.test("a token that has expired, or was made by somebody else, lets nobody in", () =>
  withBroker(async (port) => {
    const url = `mqtt://127.0.0.1:${port}`;
    const forged = (await tokenFor(60_000)).replace(/.{3}$/, "AAA");
    const cases = [[await tokenFor(0), 0x87], [forged, 0x86], ["secret", 0x86]] as const;
    for (const [password, reasonCode] of cases) {
      const error = await assertRejects(
        () => connect(url, { username: "ann", password, reconnect: false }),
        ConnectError,
      );
      assertEquals(error.reasonCode, reasonCode);
      assert(!error.message.includes(password));
    }
  }));

Deno.test("who shows a new token in time stays, and may do what that one says", () =>
  withBroker(async (port, { broker, clock, gone }) => {
    const first = await tokenFor(20_000, { acl: { publish: ["a"], subscribe: ["#"] } });
    const second = await tokenFor(60_000, { acl: { publish: ["b"] } });
    const authentication = showing(first, second);
    await using client = await connect(`mqtt://127.0.0.1:${port}`, { authentication });
    await client.publish("a", "x", { qos: 1 });
    await assertRejects(() => client.publish("b", "x", { qos: 1 }).completed, PublishError);
    await client.reauthenticate();
    await client.publish("b", "x", { qos: 1 });
    await assertRejects(() => client.publish("a", "x", { qos: 1 }).completed, PublishError);
    // Another client, whose token ends later than the first one here, has been ended meanwhile.
    await using _ended = await JsClient.connect(port, {
      username: "x",
      password: await tokenFor(30_000, { sub: "bob" }),
    });
    await clock.advance(30_000);
    await within("the end of another token", gone);
    assertEquals(client.state.kind, "connected");
    assertEquals(broker.stats.authenticationsExpired, 1);
  }));

Deno.test("who shows a token of somebody else is ended", () =>
  withBroker(async (port, { gone }) => {
    const tokens = [await tokenFor(60_000), await tokenFor(60_000, { sub: "bob" })];
    const options = { authentication: showing(...tokens), reconnect: false } as const;
    await using client = await connect(`mqtt://127.0.0.1:${port}`, options);
    await assertRejects(() => client.reauthenticate());
    assertEquals(await gone, ReasonCode.NotAuthorized);
  }));
