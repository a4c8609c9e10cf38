import { concat } from "@std/bytes";
import { type ConnectFields, pubcomp, pubrec, subscribe, uint16 } from "../harness/packets.ts";
import { DURABLE } from "./client.ts";
import { Follower } from "./follower.ts";
import { markedPublish } from "./marked_publish.ts";
import { type Frame, uint16At, type Wire } from "./wire.ts";

const PUBLISH = 3;
const PUBREL = 6;
const SUBACK = 9;
/** QoS 2, and the same with DUP, in the flags of PUBLISH. */
const QOS_2 = 4;
const QOS_2_DUP = 12;

/**
 * Reads a whole stream with QoS 2, in a session that lasts: it subscribes once, remembers no
 * sequence, and has to get each message once, in order, whatever happens to the broker.
 */
export class OnceReader extends Follower {
  /** The identifiers of messages that were not released. */
  readonly #unreleased = new Set<number>();
  #isSubscribed = false;
  /** Those that a second session, which has begun anew, may use again: see docs/cluster.md. */
  #again = new Set<number>();

  protected override connect(): ConnectFields {
    const receiveMaximum = concat([
      Uint8Array.of(0x21),
      uint16(this.random.pick([1, 20, 1000])),
    ]);
    return { clean: false, properties: concat([DURABLE, receiveMaximum]) };
  }

  protected override connected(wire: Wire, isPresent: boolean): void {
    if (!isPresent) this.#unreleased.clear();
    if (this.#isSubscribed) return;
    if (!this.world.isWithStreams(this.clientId)) this.#again = new Set(this.#unreleased);
    const { stream, filter } = this.followed;
    // It goes on if the broker knows of the last SUBSCRIBE.
    wire.send(subscribe({ [`$replay/${stream}/resume,earliest/${filter}`]: 2 }, { level: 5 }));
  }

  protected override take(wire: Wire, { type, flags, body }: Frame): void {
    if (type === SUBACK) {
      this.#isSubscribed ||= this.isGranted(wire, body.at(-1), 2);
    } else if (type === PUBREL) {
      const packetId = uint16At(body, 0);
      this.#unreleased.delete(packetId);
      wire.send(pubcomp(packetId));
    } else if (type === PUBLISH && (flags === QOS_2 || flags === QOS_2_DUP)) {
      const message = markedPublish(body);
      const { packetId } = message;
      const isKnown = this.#unreleased.has(packetId);
      if (isKnown && flags === QOS_2 && !this.#again.has(packetId)) {
        this.world.fault(`${this.clientId}: ${packetId} came again without DUP`);
      }
      this.#unreleased.add(packetId);
      wire.send(pubrec(packetId));
      if (!isKnown) this.accept(message);
    } else this.world.fault(`${this.clientId}: a packet ${type} with ${flags}`);
  }
}
