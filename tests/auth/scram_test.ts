/**
 * SCRAM-SHA-256 through a whole broker, with Fairway's client and with MQTT.js.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { createHash, createHmac, pbkdf2Sync, randomUUID } from "node:crypto";
import { Broker, type BrokerOptions } from "../../mod.ts";
import { connect, ConnectError, scramSha256 } from "../../client/mod.ts";
import { type Authenticator, scramAuthenticator, scramCredential } from "../../auth/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import { JsClient } from "../harness/mqttjs_client.ts";

const encoder = new TextEncoder();
const ann = await scramCredential("pencil");
const store = { find: (name: string) => name === "ann" ? ann : null };

async function withBroker(
  options: BrokerOptions,
  test: (port: number, broker: Broker, names: (string | null)[]) => Promise<void>,
): Promise<void> {
  const names: (string | null)[] = [];
  await using broker = new Broker({
    authenticator: scramAuthenticator({ store }),
    hooks: { connected: ({ username }) => names.push(username) },
    ...options,
  });
  const { port } = await broker.listen({ port: 0 });
  await test(port, broker, names);
}

Deno.test("SCRAM lets a client in under its name, and again later [MQTT-4.12.1-1]", () =>
  withBroker({}, async (port, _, names) => {
    const authentication = scramSha256("ann", "pencil");
    await using client = await connect(`mqtt://127.0.0.1:${port}`, { authentication });
    assertEquals(names, ["ann"]);
    await client.reauthenticate();
    await client.publish("a", "still here", { qos: 1 });
  }));

Deno.test("SCRAM refuses a wrong password and an unknown user alike", () =>
  withBroker({}, async (port, _, names) => {
    const reasons: unknown[] = [];
    for (const name of ["ann", "bob"]) {
      const options = { authentication: scramSha256(name, "pen"), reconnect: false } as const;
      const opening = connect(`mqtt://127.0.0.1:${port}`, options);
      const error = await assertRejects(() => opening, ConnectError);
      reasons.push([error.reasonCode, error.reasonString]);
    }
    const wanted = [ReasonCode.NotAuthorized, "User name or password is wrong"];
    assertEquals(reasons, [wanted, wanted]);
    assertEquals(names, []);
  }));

Deno.test("a client leaves a server that only pretends to know its password", async () => {
  const pretending: Authenticator = {
    authenticate: () => ({ reasonCode: 0 }),
    begin: () => ({ next: () => ({ kind: "success" }) }),
  };
  await withBroker({ authenticator: pretending }, async (port) => {
    const options = { authentication: scramSha256("ann", "pencil"), reconnect: false } as const;
    const opening = connect(`mqtt://127.0.0.1:${port}`, options);
    await assertRejects(() => opening, ConnectError, "cannot prove");
  });
});

/** SCRAM as a client of MQTT.js does it, written apart from Fairway's. */
class PlainScram {
  readonly first = `n=ann,r=${randomUUID()}`;
  readonly #mac = (key: Uint8Array, text: string) =>
    createHmac("sha256", key).update(text).digest();

  answer(serverFirst: string): string {
    const [nonce, salt, count] = serverFirst.split(",").map((part) => part.slice(2));
    const salted = pbkdf2Sync("pencil", Uint8Array.fromBase64(salt!), Number(count), 32, "sha256");
    const key = this.#mac(salted, "Client Key");
    const bare = `c=biws,r=${nonce}`;
    const stored = createHash("sha256").update(key).digest();
    const signature = this.#mac(stored, `${this.first},${serverFirst},${bare}`);
    const proof = key.map((byte, at) => byte ^ signature[at]!);
    return `${bare},p=${proof.toBase64()}`;
  }
}

Deno.test("SCRAM lets MQTT.js in", () =>
  withBroker({}, async (port, _, names) => {
    const scram = new PlainScram();
    const authenticationMethod = "SCRAM-SHA-256";
    await using client = await JsClient.connect(port, {
      protocolVersion: 5,
      properties: {
        authenticationMethod,
        authenticationData: encoder.encode(`n,,${scram.first}`),
      },
      answerAuth: (data) => encoder.encode(scram.answer(new TextDecoder().decode(data))),
    });
    await client.mqtt.publishAsync("a", "x", { qos: 1 });
    assertEquals(names, ["ann"]);
  }));
