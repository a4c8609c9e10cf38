import { assertEquals } from "@std/assert";
import {
  decodePacket,
  encodePacket,
  FixedHeader,
  type Packet,
  PacketError,
  PacketReader,
  type ProtocolVersion,
  PublishView,
} from "./mod.ts";
import { Random, randomPacket } from "./testdata/random.ts";

const ROUND_TRIPS = 100_000;
const ATTACKS = 1_000_000;
const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

Deno.test("encodePacket() and decodePacket() are inverse for 100,000 random packets", () => {
  withSeed((random) => {
    const header = new FixedHeader();
    for (let count = 0; count < ROUND_TRIPS; count++) {
      const version = random.pick(VERSIONS);
      const packet = randomPacket(random, version);
      const bytes = encodePacket(packet, version);
      header.read(bytes, 0, bytes.length);
      assertEquals(header.end, bytes.length);
      const decoded = decodePacket(version, header.first, bytes.subarray(header.bodyStart));
      if (count % 10 === 0) assertEquals(decoded, packet);
      // Comparing bytes is quick enough to do it every time.
      const again = encodePacket(decoded, version);
      if (!sameBytes(again, bytes)) assertEquals(again, bytes);
    }
  });
});

Deno.test("PacketReader.read() gives the same packets however the bytes are cut", () => {
  withSeed((random) => {
    for (let count = 0; count < 2_000; count++) {
      const version = random.pick(VERSIONS);
      const packets = random.list(1, 5, () => randomPacket(random, version))
        .filter((packet) => packet.type !== "connect");
      const bytes = new Uint8Array(packets.flatMap((each) => [...encodePacket(each, version)]));
      const reader = new PacketReader({ version, initialBytes: 1 + random.below(64) });
      const read: Packet[] = [];
      for (let start = 0; start < bytes.length;) {
        const end = start + 1 + random.below(random.pick([3, 40, 4_000]));
        reader.push(bytes.subarray(start, end));
        start = end;
        for (let packet; (packet = reader.read()) !== null;) read.push(structuredClone(packet));
      }
      assertEquals(read, packets);
      assertEquals(reader.bufferedBytes, 0);
    }
  });
});

Deno.test("decodePacket() gives a packet or a PacketError for 1,000,000 attacks", () => {
  withSeed((random) => {
    const header = new FixedHeader();
    const view = new PublishView();
    let seed = encodePacket({ type: "pingreq" }, 4);
    let version: ProtocolVersion = 4;
    // A stack trace for each of a million errors would take most of the time.
    const traced = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      for (let count = 0; count < ATTACKS; count++) {
        if (count % 16 === 0) {
          version = random.pick(VERSIONS);
          seed = encodePacket(randomPacket(random, version), version);
        }
        attack(header, view, version, attackBytes(random, seed));
      }
    } finally {
      Error.stackTraceLimit = traced;
    }
  });
});

/** Random bytes, or a packet with a few bytes changed, cut off or put in. */
function attackBytes(random: Random, seed: Uint8Array): Uint8Array {
  if (random.once(8)) {
    return Uint8Array.from({ length: random.below(24) }, () => random.below(256));
  }
  const size = Math.min(seed.length, 120);
  const bytes = seed.slice(0, random.once(4) ? random.below(size + 1) : size);
  if (bytes.length > 1 && size < 120 && random.once(2)) bytes[1] = bytes.length - 2;
  for (let changes = random.below(3); changes >= 0 && bytes.length > 0; changes--) {
    bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  return bytes;
}

/** What decodes must also encode; what does not must say so in the proper way. */
function attack(
  header: FixedHeader,
  view: PublishView,
  version: ProtocolVersion,
  bytes: Uint8Array,
): void {
  try {
    if (!header.read(bytes, 0, bytes.length) || header.end > bytes.length) return;
    const body = bytes.subarray(header.bodyStart, header.end);
    const packet = decodePacket(version, header.first, body);
    encodePacket(packet, version);
    if (packet.type === "publish" && packet.properties.subscriptionIdentifiers === undefined) {
      view.read(version, header.first, bytes, header.bodyStart, header.end);
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    if (!(error.offset >= 0 && error.offset <= bytes.length)) throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/**
 * Runs a test from a new seed, and names the seed if it fails. To see the same
 * failure again, put that number in place of the clock.
 */
function withSeed(test: (random: Random) => void): void {
  const seed = Date.now() >>> 0;
  try {
    test(new Random(seed));
  } catch (cause) {
    throw new Error(`Failed with seed ${seed}`, { cause });
  }
}
