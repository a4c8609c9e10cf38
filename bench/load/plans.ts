import { runName } from "./target.ts";

/** Publishers, subscribers and their topics. A stream is the index of its topic. */
export interface Plan {
  readonly name: string;
  readonly topics: readonly string[];
  readonly listeners: readonly Listener[];
}

/** A subscriber. */
export interface Listener {
  readonly filter: string;
  readonly streams: readonly number[];
}

/** Each publisher has its own subscriber. */
export function pairs(count: number): Plan {
  const name = runName();
  const topics = numbers(count).map((i) => `load/${name}/${i}`);
  return { name, topics, listeners: topics.map((filter, i) => ({ filter, streams: [i] })) };
}

/** One publisher, many subscribers: some to the exact topic, some by a wildcard. */
export function fanOut(exact: number, wild: number): Plan {
  const name = runName();
  const topic = `fan/${name}/x`;
  const listener = (filter: string) => ({ filter, streams: [0] });
  return {
    name,
    topics: [topic],
    listeners: [
      ...numbers(exact).map(() => listener(topic)),
      ...numbers(wild).map((i) => listener(i % 2 === 0 ? `fan/${name}/+` : `fan/${name}/#`)),
    ],
  };
}

/** Many publishers, one subscriber. */
export function fanIn(publishers: number): Plan {
  const name = runName();
  const streams = numbers(publishers);
  return {
    name,
    topics: streams.map((i) => `in/${name}/${i}`),
    listeners: [{ filter: `in/${name}/+`, streams }],
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
