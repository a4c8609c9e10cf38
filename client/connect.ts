import { Client } from "./client.ts";
import type { ConnectOptions } from "./options.ts";

/**
 * Connects to an MQTT server.
 *
 * The URL says how: `mqtt://host[:1883]` over TCP, `mqtts://host[:8883]` over
 * TLS, `unix:/path` over a socket of this machine, `ws://` and `wss://` over
 * WebSocket. It may hold a user name and a password.
 *
 * @returns The client, once the server has let it in. From then on it connects
 * again on its own when the connection is lost; only the first attempt is the
 * caller's to repeat.
 * @throws {ConnectError} If the server cannot be reached, or refuses the client.
 * @throws {TimeoutError} If that takes longer than `connectTimeoutMs`.
 * @throws {TypeError | RangeError} If the URL or an option is not valid.
 *
 * @example Publish and subscribe
 * ```ts
 * import { Broker, connect } from "@fairway/mqtt";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * const { port } = await broker.listen({ port: 0 });
 *
 * await using client = await connect(`mqtt://127.0.0.1:${port}`);
 * const greetings = client.subscribe("greetings/#");
 * await greetings.ready;
 * await client.publish("greetings/world", "hello", { qos: 1 });
 * for await (const { topic, payload } of greetings) {
 *   assertEquals(topic, "greetings/world");
 *   assertEquals(new TextDecoder().decode(payload), "hello");
 *   break; // Unsubscribes.
 * }
 * ```
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const client = new Client(url, options);
  await client.open();
  return client;
}
