/** The last two hours of what is measured, as the charts draw it. */

/** How many seconds are kept. */
export const SECONDS_KEPT = 7200;

/** The names of the lines. */
const NAMES = [
  "messagesIn",
  "messagesOut",
  "bytesIn",
  "bytesOut",
  "clients",
  "dropped",
  "loopLag",
  "commit",
  "resident",
  "heap",
];

/** Values by time: arrays of the same length, times in seconds. */
export class Series {
  /** @type {number[]} */
  times = [];
  /** @type {Record<string, (number | null)[]>} */
  lines = Object.fromEntries(NAMES.map((name) => [name, []]));
  /** The snapshot before. @type {any} */
  #last = null;

  /** Takes a snapshot. Rates are of the time since the one before. */
  add(snapshot) {
    const last = this.#last;
    this.#last = snapshot;
    if (last === null) return;
    const seconds = (snapshot.time - last.time) / 1000;
    const isRestarted = snapshot.counters.bytesIn < last.counters.bytesIn;
    if (seconds <= 0 || isRestarted) return;
    // A gap in the time is a gap in the lines.
    if (seconds > 5) this.#push(last.time / 1000 + 1, {});
    const rate = (name) => (snapshot.counters[name] - last.counters[name]) / seconds;
    const commits = snapshot.counters.commits - last.counters.commits;
    const commitMs = (snapshot.counters.commitSeconds - last.counters.commitSeconds) * 1000;
    this.#push(snapshot.time / 1000, {
      messagesIn: rate("messagesIn"),
      messagesOut: rate("messagesOut"),
      bytesIn: rate("bytesIn"),
      bytesOut: rate("bytesOut"),
      clients: snapshot.sizes.clients,
      dropped: (sum(snapshot.dropped) - sum(last.dropped)) / seconds,
      loopLag: snapshot.loopLagMs,
      commit: commits > 0 ? commitMs / commits : null,
      resident: snapshot.memory.residentBytes,
      heap: snapshot.memory.heapBytes,
    });
  }

  /** The last value of a line. */
  latest(name) {
    return this.lines[name].at(-1) ?? null;
  }

  /** The times and some lines, as uPlot takes them: of the last so many seconds. */
  window(names, seconds) {
    const end = this.times.at(-1) ?? 0;
    let start = Math.max(0, this.times.length - seconds);
    while (start < this.times.length && this.times[start] < end - seconds) start++;
    return [this.times.slice(start), ...names.map((name) => this.lines[name].slice(start))];
  }

  #push(time, values) {
    this.times.push(time);
    for (const name of NAMES) this.lines[name].push(values[name] ?? null);
    if (this.times.length <= SECONDS_KEPT) return;
    this.times.shift();
    for (const name of NAMES) this.lines[name].shift();
  }
}

function sum(counts) {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}
