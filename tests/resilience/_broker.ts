/**
 * A broker with limits of the test's choosing in a process of its own: its options come as JSON.
 * Whoever publishes to `ask` gets what it has counted, under `answer`.
 *
 * @module
 */
import { brokers } from "../harness/brokers.ts";

const hooks = {
  failed(error: unknown) {
    // deno-lint-ignore no-console
    console.error(error);
  },
};
const broker = brokers.make({ ...JSON.parse(Deno.args[0] ?? "{}"), hooks });
const listener = await broker.listen({ port: 0 });
// deno-lint-ignore no-console
console.log(`listening on 127.0.0.1:${listener.port}`);
for await (const _ of broker.subscribe("ask")) {
  broker.publish("answer", JSON.stringify(broker.stats));
}
