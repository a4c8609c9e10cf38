/**
 * A broker inside a program: it watches who comes and goes, listens to what clients publish, and
 * publishes itself. Nothing is written to the disk.
 *
 *     deno run --allow-net examples/embedding.ts
 *     mosquitto_pub -t thermometers/kitchen -m 31
 *     mosquitto_sub -t alarms/# -v
 *
 * @module
 */
import { Broker } from "@fairway/mqtt";

/** Degrees from which on it is too hot. */
const TOO_HOT = 30;

/** A broker that raises an alarm when a thermometer tells too much; `tell` gets a line for each event. */
export function hotelBroker(tell: (line: string) => void): Broker {
  const broker = new Broker({
    limits: { connectionsMax: 1000 },
    hooks: {
      connected: ({ clientId }) => tell(`${JSON.stringify(clientId)} is here`),
      disconnected: ({ clientId }) => tell(`${JSON.stringify(clientId)} has gone`),
      failed: (error) => tell(`${error}`),
    },
  });
  watch(broker).catch((error) => tell(`${error}`));
  return broker;
}

/** Goes on until the broker closes. */
async function watch(broker: Broker): Promise<void> {
  for await (const { topic, payload } of broker.subscribe("thermometers/+")) {
    const degrees = Number(new TextDecoder().decode(payload));
    const room = topic.split("/")[1]!;
    // Retained, so that whoever comes later hears of it as well; an empty one takes it back.
    const alarm = degrees >= TOO_HOT ? `${degrees} degrees` : "";
    broker.publish(`alarms/${room}`, alarm, { qos: 1, retain: true });
  }
}

if (import.meta.main) {
  // deno-lint-ignore no-console
  const broker = hotelBroker(console.log);
  const { port } = await broker.listen({ hostname: "127.0.0.1" });
  // deno-lint-ignore no-console
  console.log(`mqtt://127.0.0.1:${port}`);
}
