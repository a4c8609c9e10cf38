/** Connects a client to a server. */
import { Client } from "./client.ts";
import type { ConnectOptions } from "./options.ts";

/**
 * Connects to an MQTT server.
 *
 * The scheme of the URL chooses the transport: `mqtt://host[:1883]` for TCP, `mqtts://host[:8883]`
 * for TLS, `unix:/path` for a Unix socket, `ws://` and `wss://` for WebSocket. The URL may have a
 * user name and a password.
 *
 * @returns The client, once the server has accepted it. From then on, it reconnects by itself when
 * the connection is lost. It does not repeat the first attempt.
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
