/** How long live messages take while a stream is read from its beginning. */
import { encodePacket } from "../../codec/mod.ts";
import { BrokerProcess } from "../../tests/harness/broker_process.ts";
import { Child } from "../../tests/harness/child.ts";
import { Peer, publishOf } from "../stalls/peer.ts";

const MESSAGES = 1_000_000;
const BATCH = 1000;
const ALONE_MS = 5000;
const PAUSE_MS = 1;

/**
 * Times messages from a client to itself, alone and while mosquitto_sub reads the stream. It reads
 * with the lowest priority: it stands for a client on another machine, and there it takes no
 * processor from the broker.
 */
export async function ping(): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    await using broker = await BrokerProcess.start("--data", directory, "--stream", "day=t/#");
    const peer = await Peer.connect(broker.port);
    const batch = Array.from({ length: BATCH }, () => publishOf("t/1", { bytes: 100 }));
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      await peer.send(...batch);
      if (sent % (20 * BATCH) === 0) await peer.settle();
    }
    await peer.settle();
    peer.close();
    const end = performance.now() + ALONE_MS;
    const alone = await times(broker, () => performance.now() > end);
    const began = performance.now();
    const flags = ["-p", `${broker.port}`, "-t", "$replay/day/earliest/t/#", "-C", `${MESSAGES}`];
    const reads = [
      "-c",
      `nice -n 19 mosquitto_sub ${flags.map((flag) => `'${flag}'`).join(" ")} >/dev/null`,
    ];
    await using reader = new Child("bash", reads);
    let isRead = false;
    let seconds = 0;
    const reading = reader.outcome(120_000).then(() => {
      isRead = true;
      seconds = (performance.now() - began) / 1000;
    });
    const during = await times(broker, () => isRead);
    await reading;
    return [
      `live messages alone: ${told(alone)}`,
      `live messages while ${MESSAGES} are read in ${seconds.toFixed(1)} s: ${told(during)}`,
    ];
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Milliseconds of many messages. */
interface Times {
  /** From a client over the broker back to it, by the clock. */
  readonly waits: number[];
  /** The same without the time in which one of the two could not run, because others did. */
  readonly undelayed: number[];
}

async function times(broker: BrokerProcess, isOver: () => boolean): Promise<Times> {
  // The second number: for how long the main thread has waited for a processor, in nanoseconds.
  const delayed = () =>
    [broker.pid, Deno.pid].reduce((sum, pid) => {
      return sum +
        Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ")[1]);
    }, 0) / 1e6;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: broker.port });
  conn.setNoDelay(true);
  const buffer = new Uint8Array(256);
  const clientId = "ping";
  const connect = { type: "connect", protocolVersion: 4, clientId, cleanStart: true } as const;
  const none = { keepAlive: 0, properties: {}, will: null, username: null, password: null };
  await conn.write(encodePacket({ ...connect, ...none }, 4));
  await conn.read(buffer);
  const how = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const subscriptions = [{ filter: "live/#", ...how }];
  await conn.write(
    encodePacket({ type: "subscribe", packetId: 1, properties: {}, subscriptions }, 4),
  );
  await conn.read(buffer);
  // What is published comes back byte by byte.
  const message = encodePacket({
    ...{ type: "publish", topic: "live/1", payload: new Uint8Array(16), qos: 0, retain: false },
    ...{ dup: false, packetId: 0, properties: {} },
  }, 4);
  const waits: number[] = [];
  const undelayed: number[] = [];
  while (!isOver()) {
    const before = delayed();
    const start = performance.now();
    await conn.write(message);
    for (let left = message.length; left > 0;) {
      const count = await conn.read(buffer);
      if (count === null) throw new Error("The broker has closed the connection");
      left -= count;
    }
    waits.push(performance.now() - start);
    undelayed.push(waits.at(-1)! - (delayed() - before));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { waits: waits.sort((a, b) => a - b), undelayed: undelayed.sort((a, b) => a - b) };
}

function told({ waits, undelayed }: Times): string {
  const at = (sorted: readonly number[], share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2)} ms`;
  return `median ${at(waits, 0.5)}, p99 ${at(waits, 0.99)}, longest ${at(waits, 1)}; without ` +
    `waiting for a processor: p99 ${at(undelayed, 0.99)} (${waits.length} messages)`;
}
