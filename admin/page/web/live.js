/** What the live view tells, kept for all parts of the page. */
import { watch } from "./api.js";
import { useEffect, useState } from "./preact.js";
import { Series } from "./series.js";
import { TopicModel } from "./topic_model.js";

/** The live view of this page. */
class Live {
  /** What the server has told last; `null` at first. @type {any} */
  snapshot = null;
  /** `"connecting"`, `"live"` or `"lost"`. */
  state = "connecting";
  series = new Series();
  topics = new TopicModel();
  #listeners = new Set();
  /** @type {AbortController | null} */
  #abort = null;
  #watchesTopics = false;

  /** Begins to watch. */
  start() {
    this.stop();
    this.#connect();
  }

  /** Watches no more. */
  stop() {
    this.#abort?.abort();
    this.#abort = null;
  }

  /** Has topics told, or not any more. */
  watchTopics(isOn) {
    if (isOn === this.#watchesTopics) return;
    this.#watchesTopics = isOn;
    if (this.#abort !== null) this.start();
  }

  /** Calls back after each change; returns what ends that. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #connect() {
    const abort = this.#abort = new AbortController();
    watch({
      topics: this.#watchesTopics,
      signal: abort.signal,
      onEvent: (event) => this.#take(event),
      onState: (state) => {
        if (abort.signal.aborted) return;
        this.state = state;
        this.#tell();
      },
    });
  }

  #take(event) {
    if (event.event === "topics-begin") return this.topics.clear();
    if (event.event === "topics") this.topics.take(event.nodes);
    if (event.event === "snapshot") {
      this.snapshot = event;
      this.series.add(event);
      this.topics.settle();
    }
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** The one live view. */
export const live = new Live();

/** Has a component drawn again after each change. */
export function useLive() {
  const [, change] = useState(0);
  useEffect(() => live.listen(() => change((n) => n + 1)), []);
  return live;
}
