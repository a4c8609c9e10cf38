import type { PublishPacket } from "../../codec/mod.ts";
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import type { Random } from "../harness/random.ts";
import type { Reading, ReadMessage } from "./reading.ts";
import { type Answer, gapOf, Readings } from "./readings.ts";
import { StreamClient, type Visit } from "./stream_client.ts";
import type { ReaderPlan, StreamPlan } from "./stream_plan.ts";
import type { World } from "./world.ts";

/**
 * A client that reads the stream: it comes and goes, subscribes at any position in any way, and
 * writes down what it gets, which is looked at in the end.
 */
export class StreamReader extends StreamClient {
  readonly readings: Readings;

  constructor(world: World, stream: StreamPlan, plan: ReaderPlan, random: Random) {
    super(world, plan, random);
    this.readings = new Readings(world, stream, plan, random.fork());
  }

  protected override act({ wire }: Visit): void {
    if (!this.random.chance(0.4)) return;
    const packet = this.readings.ask();
    if (packet === null) return;
    wire.send(packet);
    this.note(() => `> ${JSON.stringify(packet)}`);
  }

  protected override answered(packet: Answer): void {
    this.readings.answered(packet);
  }

  protected override detached(): void {
    this.readings.detach();
  }

  protected override received(visit: Visit, packet: PublishPacket): void {
    const reading = this.readings.of(packet);
    const { topic, qos, dup, retain, packetId } = packet;
    const marks = new Map(packet.properties.userProperties);
    this.note(() =>
      `< publish ${packetId}${dup ? " dup" : ""} #${
        parseInt(new TextDecoder().decode(packet.payload))
      } ${topic} q${qos} ${JSON.stringify([...marks, packet.properties.subscriptionIdentifiers])}`
    );
    if (reading === undefined) return this.fault(`got ${topic}, which no subscription is for`);
    const isRepeated = qos === 2 && !this.takes(packetId);
    if (isRepeated && !dup) this.fault(`got ${packetId}, which was not released, without DUP`);
    const message = isRepeated
      ? { confirmedMs: Infinity }
      : this.#readMessage(visit, packet, reading, marks);
    if (retain) this.fault(`got ${topic} with RETAIN`);
    if (!reading.qos.has(qos) && !dup) this.fault(`got ${topic} with QoS ${qos}`);
    if (qos === 0 || message === null) return;
    this.holds(visit, packetId);
    this.acknowledge(visit, packetId, 0, message, () => {}, qos === 2 ? "pubrec" : "puback");
  }

  #readMessage(
    visit: Visit,
    { topic, payload, qos, dup }: PublishPacket,
    reading: Reading,
    marks: ReadonlyMap<string, string>,
  ): ReadMessage | null {
    const { ledger } = this.world;
    const book = this.world.book!;
    const publication = ledger.publicationOf(payload);
    const isBelow = topic === reading.prefix + publication?.topic;
    if (publication === undefined || !isBelow) {
      this.fault(`got bytes to ${topic} that nobody has published there`);
      return null;
    }
    if (!slowlyMatches(reading.filter, publication.topic)) {
      this.fault(`got ${topic}, which ${reading.filter} does not match`);
    }
    book.begins(this.world.ends.first);
    const seq = Number(marks.get("stream-seq") ?? 0);
    const timeMs = Date.parse(marks.get("stream-time") ?? "");
    if (reading.version === 4 ? marks.size > 0 : !(seq > 0 && timeMs > 0)) {
      this.fault(`got ${topic} with the marks ${JSON.stringify([...marks])}`);
    }
    if (seq > 0) book.observe(this.plan.clientId, seq, publication, timeMs);
    const message: ReadMessage = {
      ...{ publication, seq, qos, dup, gap: gapOf(marks.get("stream-gap")) },
      ...{ connection: visit.number, crashes: ledger.crashes, firstMost: book.firstMost },
      confirmedMs: Infinity,
    };
    reading.messages.push(message);
    return message;
  }
}
