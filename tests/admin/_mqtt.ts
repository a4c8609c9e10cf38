import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import type { AdminStage } from "./_admin.ts";

/** Opens a listener for MQTT. */
export async function listen(stage: AdminStage, name = "lan"): Promise<number> {
  return (await stage.broker.listen({ port: 0, policy: { name } })).port;
}

/** Waits until the broker knows that all clients have gone. */
export async function allGone({ broker }: AdminStage): Promise<void> {
  await eventually("all clients are gone", () => broker.stats.connections === 0);
}

/** Connects a client of 5.0, whose session stays. */
export async function join(
  port: number,
  clientId: string,
  fields: packets.ConnectFields = {},
): Promise<RawClient> {
  const client = await RawClient.dial(port);
  const properties = "11 00 00 0e 10";
  await client.send(packets.connect({ level: 5, clientId, properties, ...fields }));
  await client.readFrame();
  return client;
}
