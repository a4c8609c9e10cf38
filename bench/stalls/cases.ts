import type { Packet } from "../../codec/mod.ts";
import { type Case, sequence } from "./case.ts";
import { Peer, publishOf, subscribeOf } from "./peer.ts";

/** Filters per SUBSCRIBE. */
const FILTERS_MAX = 4096;

/** Retains `count` messages. */
async function retain(port: number, count: number, topic: (i: number) => string, bytes = 16) {
  const peer = await Peer.connect(port);
  for (let at = 0; at < count; at += 1000) {
    const part = sequence(Math.min(1000, count - at));
    await peer.send(...part.map((i) => publishOf(topic(at + i), { retain: true, bytes })));
  }
  await peer.settle();
  return peer;
}

/** Subscribes to `count` filters, some thousand at a time. */
async function subscribeAll(peer: Peer, count: number, filter: (i: number) => string) {
  for (let at = 0; at < count; at += FILTERS_MAX) {
    const size = Math.min(FILTERS_MAX, count - at);
    await peer.subscribe(sequence(size).map((i) => filter(at + i)));
  }
}

/** Levels that are `a` or a wildcard, in a different pattern for each `i`. */
function patchy(levels: number, i: number): string {
  const isPlus = (at: number) => (Math.imul(i + 1, 2_654_435_761) >>> (at % 31)) & 1;
  return sequence(levels).map((at) => isPlus(at) ? "+" : "a").join("/");
}

/** A client that disconnects, and had 100,000 subscriptions. */
function leaving(name: string, had: string, filter: (i: number) => string): Case {
  return {
    name,
    what: `a client disconnects that had ${had}`,
    async prepare(port) {
      const peer = await Peer.connect(port);
      await subscribeAll(peer, 100_000, filter);
      return async () => await peer.send({ type: "disconnect", reasonCode: 0, properties: {} });
    },
  };
}

/** Subscribing and retained messages. */
export const SUBSCRIBE_CASES: readonly Case[] = [
  {
    name: "subscribe-over-retained",
    what: "one SUBSCRIBE of 4,096 filters with wildcards over 3.9 MB of retained messages",
    async prepare(port) {
      const peer = await retain(port, 40_000, (i) => `r/${i % 20}/${i % 400}/${i}`, 80);
      const filters = sequence(FILTERS_MAX).map((i) => `+/+/+/n${i}`);
      return async () => await peer.subscribe(filters);
    },
  },
  {
    name: "subscribe-none-match",
    what: "one SUBSCRIBE of 256 filters such as a/+/b over 100,000 retained, none matching",
    async prepare(port) {
      const peer = await retain(port, 100_000, (i) => `a/${i}/c`);
      const filters = sequence(256).map((i) => `a/+/b${i}`);
      return async () => await peer.subscribe(filters);
    },
  },
  {
    name: "subscribe-deep-retained",
    what: "5,000 retained topics of 60 levels, and a wildcard subscription to them",
    async prepare(port) {
      const deep = "l/".repeat(58);
      const peer = await retain(port, 5000, (i) => `d/${i}/${deep}e`);
      return async () => {
        await peer.subscribe(["d/+/#"]);
        await peer.settle();
      };
    },
  },
  {
    name: "subscribe-4096",
    what: "one SUBSCRIBE of 4,096 filters of 12 levels, and its UNSUBSCRIBE",
    async prepare(port) {
      const peer = await Peer.connect(port);
      const filters = sequence(FILTERS_MAX).map((i) => `s/+/${i}/a/b/c/d/e/f/g/h/#`);
      return async () => {
        await peer.subscribe(filters);
        const answer = peer.answer("unsuback");
        await peer.send({ type: "unsubscribe", packetId: 2, filters, properties: {} });
        await answer;
      };
    },
  },
  {
    name: "subscribe-1-mb",
    what: "one SUBSCRIBE of 1 MB: 4,096 filters of 240 bytes",
    async prepare(port) {
      const peer = await Peer.connect(port);
      const long = "x".repeat(236);
      const bytes = peer.encode(
        subscribeOf(sequence(FILTERS_MAX).map((i) => `${i}/${long}`)),
      );
      return async () => {
        const answer = peer.answer("suback");
        await peer.sendBytes(bytes);
        await answer;
      };
    },
  },
  leaving("leave-100000-filters", "100,000 wildcard subscriptions", (i) => `own/${i % 100}/+/${i}`),
  leaving("leave-one-level", "100,000 wildcard subscriptions, side by side", (i) => `own/+/${i}`),
  leaving("leave-deep", "100,000 wildcard subscriptions of 8 levels", (i) => {
    return `own/+/${i % 10}/a/${i % 100}/${i}/b/#`;
  }),
  leaving("leave-plain", "100,000 subscriptions without wildcards", (i) => `own/${i % 100}/${i}`),
];

/** Publishing. */
export const PUBLISH_CASES: readonly Case[] = [
  {
    name: "publish-plus-filters",
    what: "44 KB of PUBLISHes to deep topics while there are 5 MB of filters with +",
    async prepare(port) {
      const peer = await Peer.connect(port);
      await subscribeAll(peer, 40_000, (i) => `${patchy(58, i)}/${i}`);
      const packets = sequence(300).map((i) => publishOf(`${"a/".repeat(58)}p${i}`));
      const bytes = peer.encode(...packets);
      return async () => await peer.sendBytes(bytes);
    },
  },
  {
    name: "publish-deep",
    what: "ten publishes to a topic of 60 levels while there are 10,000 filters of 60 levels",
    async prepare(port) {
      const peer = await Peer.connect(port);
      await subscribeAll(peer, 10_000, (i) => `${patchy(58, i)}/${i}`);
      const packets = sequence(10).map((i) => publishOf(`${"a/".repeat(58)}p${i}`));
      return async () => await peer.send(...packets);
    },
  },
  {
    name: "publish-user-properties",
    what: "50 messages with 1,000 user properties each to 100 subscribers of 5.0, QoS 1",
    async prepare(port) {
      const peers = await Peer.crowd(port, 100, () => ({ version: 5 }));
      await Promise.all(peers.map((peer, i) => peer.subscribe(["many"], 1, i + 1)));
      const peer = await Peer.connect(port, { version: 5 });
      const properties = {
        userProperties: sequence(1000).map((i): [string, string] => [`k${i}`, `v${i}`]),
        topicAlias: 1,
      };
      const bytes = peer.encode(
        ...sequence(50).map((i) => publishOf("many", { qos: 1, packetId: i + 1, properties })),
      );
      return async () => {
        await peer.sendBytes(bytes);
        await until(() => peers.every(({ received }) => received >= 50));
      };
    },
  },
  {
    name: "publish-flood",
    what: "20 clients publish without a pause to a topic that nobody wants, and to one that 7 want",
    async prepare(port) {
      const peers = await Peer.crowd(port, 20, () => ({}));
      const listeners = await Peer.crowd(port, 7, () => ({}));
      await Promise.all(listeners.map((one) => one.subscribe(["wanted/#"])));
      const bytes = peers.map((peer, i) =>
        peer.encode(...sequence(2000).map((j) => publishOf(j % 2 ? `wanted/${i}` : `no/${i}/${j}`)))
      );
      return async () => {
        await Promise.all(peers.map(async (peer, i) => {
          for (let round = 0; round < 20; round++) await peer.sendBytes(bytes[i]!);
          await peer.settle();
        }));
      };
    },
  },
  {
    name: "publish-16-mb",
    what: "five messages of 16 MB to three subscribers",
    async prepare(port) {
      const peer = await Peer.connect(port);
      const listeners = await Peer.crowd(port, 3, () => ({}));
      await Promise.all(listeners.map((one) => one.subscribe(["large"])));
      const bytes = peer.encode(publishOf("large", { bytes: 16 * 1024 * 1024 - 100 }));
      return async () => {
        for (let i = 0; i < 5; i++) await peer.sendBytes(bytes);
        await peer.settle();
      };
    },
  },
  ...([[100, 16 * 1024, "16 MB"], [2000, 63, "63 KB"]] as const).map(([count, kb, size]): Case => ({
    name: `publish-${size.replace(" ", "-").toLowerCase()}-to-${count}`,
    what: `a message of ${size} to ${count} subscribers of 5.0, each with an identifier of its own`,
    async prepare(port) {
      const peers = await Peer.crowd(port, count, () => ({ version: 5 }));
      await Promise.all(peers.map((peer, i) => peer.subscribe(["large"], 0, i + 1)));
      const peer = await Peer.connect(port);
      const bytes = peer.encode(publishOf("large", { bytes: kb * 1024 - 100 }));
      return async () => await peer.sendBytes(bytes);
    },
  })),
  ...([0, 1] as const).map((qos): Case => ({
    name: `publish-to-4000-qos-${qos}`,
    what: `20 messages with QoS ${qos} to 4,000 subscribers of one topic`,
    async prepare(port) {
      const peers = await Peer.crowd(port, 4000, () => ({}));
      await Promise.all(peers.map((peer) => peer.subscribe(["all"], qos)));
      const peer = await Peer.connect(port);
      const packets = sequence(20).map((i) => publishOf("all", { qos, packetId: qos * (i + 1) }));
      return async () => {
        await peer.send(...packets);
        await until(() => peers.every(({ received }) => received >= 20));
      };
    },
  })),
  {
    name: "publish-to-own-identifiers",
    what: "20 messages to 2,000 subscribers of 5.0, each with an identifier of its own",
    async prepare(port) {
      const peers = await Peer.crowd(port, 2000, () => ({ version: 5 }));
      await Promise.all(peers.map((peer, i) => peer.subscribe(["all"], 1, i + 1)));
      const peer = await Peer.connect(port);
      const packets = sequence(20).map((i) => publishOf("all", { qos: 1, packetId: i + 1 }));
      return async () => {
        await peer.send(...packets);
        await until(() => peers.every(({ received }) => received >= 20));
      };
    },
  },
];

/** Connecting, disconnecting and what sessions leave. */
export const SESSION_CASES: readonly Case[] = [
  {
    name: "wills",
    what: "3,000 clients with wills lose their connections at once",
    async prepare(port) {
      const peers = await Peer.crowd(port, 3000, (i) => ({ will: `wills/${i}` }));
      return () => {
        for (const peer of peers) peer.close();
        return Promise.resolve();
      };
    },
  },
  {
    name: "take-overs",
    what: "1,000 clients connect whose sessions are in use",
    async prepare(port) {
      await Peer.crowd(port, 1000, (i) => ({ clientId: `taken${i}`, will: `wills/${i}` }));
      return async () => void await Peer.crowd(port, 1000, (i) => ({ clientId: `taken${i}` }));
    },
  },
  {
    name: "sessions-expire",
    what: "3,000 sessions with 20 subscriptions each end in the same second",
    async prepare(port) {
      const of = (i: number) => ({ version: 5 as const, clientId: `gone${i}`, expirySeconds: 1 });
      const peers = await Peer.crowd(port, 3000, of);
      await Promise.all(
        peers.map((peer, i) => peer.subscribe(sequence(20).map((j) => `gone/${i}/${j}/+`))),
      );
      return () => {
        for (const peer of peers) peer.close();
        return Promise.resolve();
      };
    },
  },
  {
    name: "retained-expire",
    what: "100,000 retained messages expire in the same second",
    async prepare(port) {
      const peer = await Peer.connect(port, { version: 5 });
      const properties = { messageExpiryInterval: 4 };
      const bytes = sequence(100).map((round) =>
        peer.encode(
          ...sequence(1000).map((i) => publishOf(`x/${round}/${i}`, { retain: true, properties })),
        )
      );
      return async () => {
        for (const part of bytes) await peer.sendBytes(part);
        await peer.settle();
        await new Promise((resolve) => setTimeout(resolve, 4500));
      };
    },
  },
  {
    name: "backlog-returns",
    what: "a client returns for whom 90,000 messages wait, and takes them",
    async prepare(port) {
      const options = { clientId: "away", cleanStart: false };
      const away = await Peer.connect(port, options);
      await away.subscribe(["backlog"], 1);
      away.close();
      await publishMany(port, "backlog", 90_000);
      return async () => {
        const back = await Peer.connect(port, options);
        await until(() => back.received >= 90_000);
      };
    },
  },
  {
    name: "shared-backlog-handed-over",
    what: "a member of a shared group leaves 90,000 messages behind, which another gets",
    async prepare(port) {
      const gone = { version: 5 as const, clientId: "gone", expirySeconds: 600 };
      const away = await Peer.connect(port, gone);
      await away.subscribe(["$share/g/shared"], 1);
      away.close();
      await publishMany(port, "shared", 90_000);
      const heir = await Peer.connect(port);
      await heir.subscribe(["$share/g/shared"], 1);
      return async () => void await Peer.connect(port, { version: 5, clientId: "gone" });
    },
  },
  {
    name: "acknowledgements",
    what: "floods of PINGREQ, PUBACK and PUBREL",
    async prepare(port) {
      const peer = await Peer.connect(port);
      const packets = sequence(2000).flatMap((i): Packet[] => {
        const ids = { packetId: i + 1, reasonCode: 0, properties: {} };
        return [{ type: "puback", ...ids }, { type: "pubrel", ...ids }, { type: "pingreq" }];
      });
      const bytes = peer.encode(...packets);
      return async () => {
        for (let i = 0; i < 50; i++) await peer.sendBytes(bytes);
      };
    },
  },
];

async function publishMany(port: number, topic: string, count: number): Promise<void> {
  const peer = await Peer.connect(port, { version: 5 });
  for (let at = 0; at < count; at += 500) {
    const packets = sequence(Math.min(500, count - at)).map((i) =>
      publishOf(topic, { qos: 1, packetId: i + 1 })
    );
    await peer.send(...packets);
    await peer.settle();
  }
}

async function until(isThere: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!isThere()) {
    if (performance.now() > endMs) throw new Error("What was published has not come in a minute");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
