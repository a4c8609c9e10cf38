/**
 * An HTTP server and a broker in one process: what is posted is published, and what was published
 * last can be fetched.
 *
 *     deno run --allow-net examples/http_and_mqtt.ts
 *     mosquitto_sub -t rooms/# -v &
 *     curl -d 21.5 http://127.0.0.1:8000/rooms/kitchen
 *     curl http://127.0.0.1:8000/rooms/kitchen
 *
 * @module
 */
import { Broker } from "@fairway/mqtt";

/** How many topics it remembers; more are answered with 404. */
const TOPICS_MAX = 10_000;

/** The last payloads that were published, by topic. */
export class LastValues {
  readonly #values = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Remembers what is published below `rooms/`, until the broker closes. */
  async follow(broker: Broker): Promise<void> {
    for await (const { topic, payload } of broker.subscribe("rooms/#")) {
      if (this.#values.size < TOPICS_MAX || this.#values.has(topic)) {
        this.#values.set(topic, new Uint8Array(payload));
      }
    }
  }

  /** The last payload of a topic, if there was one. */
  get(topic: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#values.get(topic);
  }
}

/** Answers a request about the topic that is its path. */
export async function answer(
  broker: Broker,
  values: LastValues,
  request: Request,
): Promise<Response> {
  const topic = topicOf(request);
  if (topic === null) return new Response("the path is not percent-encoded\n", { status: 400 });
  if (request.method === "POST") {
    try {
      // It resolves when every subscriber that outlives its connection has it in its session.
      await broker.publish(topic, await request.bytes(), { qos: 1, retain: true });
      return new Response(null, { status: 204 });
    } catch (error) {
      // A topic that is none, such as one with a wildcard.
      if (!(error instanceof TypeError)) throw error;
      return new Response(`${error.message}\n`, { status: 400 });
    }
  }
  const value = values.get(topic);
  return value === undefined ? new Response("nothing yet\n", { status: 404 }) : new Response(value);
}

/** The topic in the path of a request; `null` if it cannot be decoded. */
function topicOf(request: Request): string | null {
  try {
    return decodeURIComponent(new URL(request.url).pathname.slice(1));
  } catch {
    // A `%` that no two hex digits follow, or bytes that are not UTF-8.
    return null;
  }
}

if (import.meta.main) {
  const broker = new Broker();
  await broker.listen({ hostname: "127.0.0.1" });
  const values = new LastValues();
  values.follow(broker);
  Deno.serve({ hostname: "127.0.0.1", port: 8000 }, (request) => answer(broker, values, request));
}
