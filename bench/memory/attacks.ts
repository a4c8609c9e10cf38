import { concat } from "@std/bytes";
import * as packets from "../../tests/harness/packets.ts";
import { again, pause, Peer } from "./peer.ts";

/** Makes a broker use as much memory as it allows, until `isOver` returns true. */
export type Attack = (port: number, isOver: () => boolean) => Promise<void>;

/** Packets per batch. */
const BATCH = 50;
/** A Session Expiry Interval of one hour. */
const STAYS = "11 00 00 0e 10";
/** Close to the maximum length of a topic; a suffix makes each one different. */
const LONG = "x".repeat(65_000);

let number = 0;

/** A string that was not used before. */
function fresh(): string {
  return (number++).toString(36);
}

/** Sends batches from `make`; reconnects as another client when it is disconnected. */
function flood(
  fields: () => packets.ConnectFields,
  make: () => Uint8Array,
  batch: number = BATCH,
): Attack {
  return (port, isOver) =>
    again(isOver, async () => {
      const peer = await Peer.join(port, fields());
      while (!isOver() && !peer.isOver) {
        await peer.send(concat(Array.from({ length: batch }, make)));
      }
      peer.close();
      await pause(10);
    });
}

/** Publishes empty QoS 0 messages to new topics of 65 KB. */
const routes = flood(() => ({}), () => packets.publish(`${LONG}${fresh()}`, ""), 10);

/** Retains a byte under a topic of 190 levels. */
const retainedDeep = flood(
  () => ({}),
  () => packets.publish(`${fresh()}${"/a".repeat(63)}`, "1", { retain: true }),
);

/** Retains a byte under a topic of 65 KB. */
const retainedLong = flood(
  () => ({}),
  () => packets.publish(`${fresh()}${LONG}`, "1", { retain: true, qos: 1 }),
  10,
);

/** Joins new shared groups as the only member. */
const groups = flood(
  () => ({ clientId: `g${fresh()}`, clean: false }),
  () => {
    const filters = Array.from({ length: 500 }, () => [`$share/${fresh()}/f/${fresh()}/x`, 1]);
    return packets.subscribe(Object.fromEntries(filters));
  },
  1,
);

/** Subscribes to filters of many levels. */
const subscriptions = flood(
  () => ({ clientId: `s${fresh()}`, clean: false }),
  () => {
    const filters = Array.from({ length: 50 }, () => [`${fresh()}${"/b".repeat(180)}/+`, 1]);
    return packets.subscribe(Object.fromEntries(filters));
  },
  1,
);

/** Leaves sessions, each with a will that is due much later. */
const sessions: Attack = async (port, isOver) => {
  const one = () =>
    again(isOver, async () => {
      const peer = await Peer.join(port, {
        level: 5,
        clientId: `session-${fresh()}`,
        properties: STAYS,
        will: { topic: "w", payload: LONG, properties: "18 00 00 0e 10" },
      });
      await peer.send(packets.subscribe({ "nothing/to/see": 1 }, { level: 5 }));
      await pause(5);
      peer.close();
    });
  await Promise.all(Array.from({ length: 8 }, one));
};

/** Sets every alias of many connections to a topic of 60 KB. */
const aliases: Attack = async (port, isOver) => {
  const peers: Peer[] = [];
  await again(isOver, async () => {
    if (peers.length >= 300) await pause(100);
    if (peers.length >= 300) peers.shift()!.close();
    const peer = await Peer.join(port, { level: 5 });
    peers.push(peer);
    for (let alias = 1; alias <= 64 && !peer.isOver; alias++) {
      const properties = concat([Uint8Array.of(0x23), packets.uint16(alias)]);
      await peer.send(packets.publish(`${fresh()}${LONG}`, "", { level: 5, properties }));
    }
  });
  for (const peer of peers) peer.close();
};

/** Publishes at QoS 1 to sessions whose clients are disconnected. */
const backlogs: Attack = async (port, isOver) => {
  for (let i = 0; i < 50; i++) {
    const peer = await Peer.join(port, { clientId: `away-${i}`, clean: false });
    await peer.send(packets.subscribe({ [`backlog/${i}`]: 1, "backlog/all": 1 }));
    await pause(20);
    peer.close();
  }
  let id = 0;
  const payload = "p".repeat(500);
  const make = () => {
    const to = id % 3 === 0 ? "all" : `${id % 50}`;
    return packets.publish(`backlog/${to}`, payload, { qos: 1, packetId: ++id % 60_000 + 1 });
  };
  await flood(() => ({}), make)(port, isOver);
};

/** Never acknowledges received messages, and never loses its session. */
const inflight: Attack = async (port, isOver) => {
  const peers: Peer[] = [];
  for (let i = 0; i < 50; i++) {
    const peer = await Peer.join(port, { clientId: `mute-${i}`, clean: false });
    await peer.send(packets.subscribe({ [`mute/${i}`]: 1 }));
    peers.push(peer);
  }
  let id = 0;
  const payload = new Uint8Array(100_000);
  await flood(
    () => ({}),
    () => packets.publish(`mute/${id % 50}`, payload, { qos: 1, packetId: ++id % 60_000 + 1 }),
    4,
  )(port, isOver);
  for (const peer of peers) peer.close();
};

/** Does not read QoS 0 messages that are published to it. */
const deaf: Attack = async (port, isOver) => {
  const peers: Peer[] = [];
  for (let i = 0; i < 100; i++) {
    const peer = await Peer.join(port, { clientId: `deaf-${i}` }, true);
    await peer.send(packets.subscribe({ [`deaf/${i}`]: 0 }));
    peers.push(peer);
  }
  let next = 0;
  const payload = new Uint8Array(60_000);
  await flood(() => ({}), () => packets.publish(`deaf/${next++ % 100}`, payload), 4)(port, isOver);
  for (const peer of peers) peer.close();
};

/** Sends all but the end of packets of the maximum size. */
const halves: Attack = async (port, isOver) => {
  const peers: Peer[] = [];
  const payload = new Uint8Array(16_000_000);
  const half = packets.publish("half", payload).subarray(0, -100);
  await again(isOver, async () => {
    if (peers.length >= 100) return await pause(200);
    const peer = await Peer.join(port, {});
    peers.push(peer);
    await peer.send(half);
    for (const one of peers.filter(({ isOver }) => isOver)) peers.splice(peers.indexOf(one), 1);
  });
  for (const peer of peers) peer.close();
};

/** All attacks by their names. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "routes": routes,
  "retained-deep": retainedDeep,
  "retained-long": retainedLong,
  "groups": groups,
  "subscriptions": subscriptions,
  "sessions": sessions,
  "aliases": aliases,
  "backlogs": backlogs,
  "inflight": inflight,
  "deaf": deaf,
  "halves": halves,
  "mixed": async (port, isOver) => {
    const all = [
      ...[routes, retainedDeep, groups, subscriptions, sessions, aliases],
      ...[backlogs, inflight, deaf],
    ];
    await Promise.all(all.map((attack) => attack(port, isOver)));
  },
};
