/** A bridge: connects to another broker, again and again, and says how it is. */
import { type Endpoint, endpointText } from "../client/endpoint.ts";
import { Receipt } from "../log/receipt.ts";
import type { Transport } from "../transport/transport.ts";
import { Addresses } from "./addresses.ts";
import { attempt } from "./attempt.ts";
import { AwayRetained } from "./away_retained.ts";
import { type BridgeCounters, newCounters } from "./counters.ts";
import { orAborted } from "./dial.ts";
import type { BridgeHost, BridgeSurroundings } from "./host.ts";
import { Link, type LinkContext } from "./link.ts";
import { LocalClient, localPolicy } from "./local_leg.ts";
import type { BridgeSettings } from "./options.ts";
import { learn } from "./reservations.ts";
import { LostSessions } from "./packet_ids.ts";
import { RestartDelay } from "./restart_delay.ts";
import { StateTopics } from "./state_topics.ts";
import type { BridgeState, BridgeStatus } from "./status.ts";
import { topicMapOf } from "./topic_map.ts";

/** How often a lazy bridge looks at what waits and at when the last message passed, in milliseconds. */
const LAZY_LOOK_MS = 1000;
/** How often the preferred address is tried while another one is in use, in milliseconds. */
const PREFERRED_MS = 5000;
/** How often the state is published anew if it has changed, in milliseconds. */
const STATE_MS = 10_000;
/** Warnings that are remembered, so that each is given once. */
const WARNINGS_MAX = 100;

/** What a bridge has for one set of options. */
interface Plan extends LinkContext {
  readonly addresses: Addresses;
  readonly delay: RestartDelay;
}

/** A bridge. */
export class Bridge {
  readonly #host: BridgeHost;
  readonly #surroundings: BridgeSurroundings;
  readonly #counters: BridgeCounters = newCounters();
  readonly #subscribed = new Map<string, number>();
  readonly #lost = new LostSessions();
  readonly #warned = new Set<string>();
  readonly #topics: StateTopics;
  readonly #stop = new AbortController();
  #plan: Plan;
  /** Options that apply from the next connection on. */
  #next: BridgeSettings | null = null;
  #state: BridgeState = "connecting";
  #sinceMs: number;
  #lastError: string | null = null;
  /** Since when something waits, of the clock; `null` if nothing does. */
  #waitsSinceMs: number | null = null;
  #link: Link | null = null;
  #isFirst = true;
  /** Whether the last attempt has failed for something that the next one leaves out. */
  #isLearned = false;
  /** Whether the connection is to last; false if the bridge itself ends it. */
  #isWanted = true;
  /** Closes to end a wait. */
  #wake: Receipt = new Receipt();
  readonly #ended: Promise<void>;
  #cancelTick: () => void = () => {};

  /**
   * Starts to connect.
   *
   * @throws {TypeError | RangeError} If an address or a topic cannot be used.
   */
  constructor(host: BridgeHost, surroundings: BridgeSurroundings, settings: BridgeSettings) {
    this.#host = host;
    this.#surroundings = surroundings;
    this.#sinceMs = host.clock.now();
    this.#plan = this.#planOf(settings);
    this.#topics = new StateTopics(host, settings);
    this.#topics.tell(false, this.status);
    this.#tick();
    this.#ended = this.#run();
  }

  /** The options in effect, or those that will be from the next connection on. */
  get settings(): BridgeSettings {
    return this.#next ?? this.#plan.settings;
  }

  /** The bridge as of now. */
  get status(): BridgeStatus {
    const { settings, addresses, local } = this.#plan;
    const { clock } = this.#host;
    const { messages, bytes } = local.backlog;
    const waitsMs = this.#waitsSinceMs === null ? 0 : clock.now() - this.#waitsSinceMs;
    return {
      name: settings.name,
      state: this.#state,
      since: this.#host.inspection.timeOf(this.#sinceMs),
      address: endpointText(addresses.current),
      remoteClientId: settings.remoteClientId,
      localClientId: settings.localClientId,
      lastError: this.#lastError,
      backlog: messages,
      backlogBytes: bytes,
      lagSeconds: messages === 0 ? 0 : Math.round(waitsMs / 1000),
      counters: this.#counters,
    };
  }

  /**
   * Changes the options, from the next connection on, or at once.
   *
   * @throws {TypeError | RangeError} If an address or a topic cannot be used. Then nothing changes.
   */
  change(settings: BridgeSettings): void {
    this.#planOf(settings);
    this.#next = settings;
    if (settings.reloadType !== "immediate" && this.#link !== null) return;
    this.#wakeUp();
    if (this.#link !== null) this.#leave(this.#link);
  }

  /** Disconnects, and does no more. What waits stays. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("The bridge was stopped"));
    this.#cancelTick();
    this.#wakeUp();
    await this.#link?.close();
    await this.#ended;
    this.#plan.away.stop();
    this.#enter("stopped");
  }

  /** Stops, and forgets what waits. */
  async remove(): Promise<void> {
    await this.stop();
    this.#host.inspection.endSession(this.#plan.settings.localClientId);
    this.#topics.remove();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.#apply();
        await this.#connect();
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
      if (this.#state === "waiting" && !signal.aborted && this.#next === null) await this.#pause();
    }
  }

  /** Waits before the next attempt. A bridge that starts once waits for other options. */
  async #pause(): Promise<void> {
    const { settings, delay } = this.#plan;
    if (settings.startType !== "once" || this.#isLearned) return await this.#sleep(delay.next());
    this.#enter("stopped");
    await (this.#wake = new Receipt());
  }

  /** Takes options that have changed. */
  #apply(): void {
    const next = this.#next;
    if (next === null) return;
    this.#next = null;
    const { settings, away } = this.#plan;
    away.stop();
    this.#plan = this.#planOf(next);
    this.#topics.change(next);
    if (settings.localClientId !== next.localClientId) {
      this.#host.inspection.endSession(settings.localClientId);
    }
  }

  /** One connection, from the attempt to its end. */
  async #connect(): Promise<void> {
    const { local, away, addresses, delay, settings } = this.#plan;
    away.start();
    await local.prepare(this.#stop.signal);
    if (settings.startType === "lazy") await this.#untilNeeded();
    if (this.#stop.signal.aborted || this.#next !== null) return;
    this.#enter("connecting");
    const link = await this.#open();
    this.#link = link;
    this.#isFirst = false;
    this.#counters.connects++;
    this.#enter("connected");
    const address = endpointText(addresses.current);
    this.#tell("notice", `connected to ${address}`);
    const sinceMs = this.#host.clock.now();
    const stopLooking = this.#lookAfter(link);
    // Nobody could close it before it was there.
    if (this.#next !== null || this.#stop.signal.aborted) this.#leave(link);
    await link.ended;
    stopLooking();
    this.#link = null;
    delay.reset(this.#host.clock.now() - sinceMs);
    if (this.#stop.signal.aborted) return;
    if (!this.#isWanted) return this.#enter(settings.startType === "lazy" ? "idle" : "connecting");
    this.#isLearned = false;
    addresses.lost();
    this.#noteFailure(link.error);
    this.#enter("waiting");
    this.#tell("warning", `the connection to ${address} is lost: ${this.#lastError}`);
  }

  #open(): Promise<Link> {
    this.#isWanted = true;
    const { clock } = this.#host;
    return attempt(clock, this.#stop.signal, async (signal) => {
      const transport = await this.#dial(this.#plan.addresses.current, signal);
      return await Link.open(this.#plan, transport, this.#isFirst, signal);
    });
  }

  #dial(endpoint: Endpoint, signal: AbortSignal): Promise<Transport> {
    return orAborted(this.#surroundings.dial(endpoint, this.#plan.settings, signal), signal);
  }

  /** Ends a connection that the bridge itself does not want any more. */
  #leave(link: Link): void {
    this.#isWanted = false;
    void link.close();
  }

  #failed(error: unknown): void {
    const { addresses, reservations } = this.#plan;
    const address = endpointText(addresses.current);
    const before = this.#lastError;
    this.#noteFailure(error);
    this.#enter("waiting");
    this.#isLearned = learn(reservations, error);
    if (!this.#isLearned) addresses.failed();
    // The same failure again and again is one line.
    if (before !== this.#lastError) {
      this.#tell("warning", `cannot connect to ${address}: ${this.#lastError}`);
    }
  }

  #noteFailure(error: unknown): void {
    this.#counters.failures++;
    this.#lastError = error instanceof Error ? error.message : String(error);
  }

  /** Disconnects when a lazy bridge is idle, or when the preferred address can be reached again. */
  #lookAfter(link: Link): () => void {
    const { settings, addresses } = this.#plan;
    const { clock } = this.#host;
    const isLazy = settings.startType === "lazy";
    if (!isLazy && addresses.preferred === null) return () => {};
    let cancel = () => {};
    const look = async () => {
      const idleMs = clock.now() - link.lastTrafficMs;
      if (isLazy && idleMs >= settings.idleTimeoutSeconds * 1000) return this.#leave(link);
      const { preferred } = addresses;
      const isReached = preferred !== null && await this.#isReached(preferred);
      // Meanwhile the connection may have ended, and another address may be in use.
      if (this.#link !== link) return;
      if (!isReached) return arrange();
      addresses.lost();
      this.#leave(link);
    };
    const everyMs = isLazy ? LAZY_LOOK_MS : PREFERRED_MS;
    const arrange = () => cancel = clock.schedule(clock.now() + everyMs, () => void look());
    arrange();
    return () => cancel();
  }

  /** Whether an address takes connections. */
  async #isReached(endpoint: Endpoint): Promise<boolean> {
    try {
      const { clock } = this.#host;
      const dial = (signal: AbortSignal) => this.#dial(endpoint, signal);
      (await attempt(clock, this.#stop.signal, dial)).close();
      return true;
    } catch {
      return false;
    }
  }

  async #untilNeeded(): Promise<void> {
    const { local, settings } = this.#plan;
    if (local.backlog.messages >= settings.threshold) return;
    this.#enter("idle");
    while (
      !this.#stop.signal.aborted && this.#next === null &&
      local.backlog.messages < settings.threshold
    ) await this.#sleep(LAZY_LOOK_MS);
  }

  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#host;
    const wake = this.#wake = new Receipt();
    const cancel = clock.schedule(clock.now() + ms, () => wake.close());
    await wake;
    cancel();
  }

  #wakeUp(): void {
    this.#wake.close();
  }

  #enter(state: BridgeState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sinceMs = this.#host.clock.now();
    this.#topics.tell(state === "connected", this.status);
  }

  /** Publishes the state anew from time to time. */
  #tick(): void {
    const { clock } = this.#host;
    const { messages } = this.#plan.local.backlog;
    if (messages === 0) this.#waitsSinceMs = null;
    else this.#waitsSinceMs ??= clock.now();
    this.#topics.tell(this.#state === "connected", this.status);
    this.#cancelTick = clock.schedule(clock.now() + STATE_MS, () => this.#tick());
  }

  #tell(type: "notice" | "warning", text: string): void {
    this.#surroundings.log(type, `Bridge ${this.#plan.settings.name}: ${text}`);
  }

  #planOf(settings: BridgeSettings): Plan {
    const host = this.#host;
    const map = topicMapOf(settings.topics);
    return {
      host,
      settings,
      map,
      local: new LocalClient(host, settings, map, localPolicy(host, settings)),
      counters: this.#counters,
      away: new AwayRetained(host, settings, map, this.#counters),
      lost: this.#lost,
      reservations: { isPrivate: true, retains: true, willQoS: 1 },
      subscribed: this.#subscribed,
      warn: (text) => this.#warnOnce(text),
      addresses: new Addresses(settings),
      delay: new RestartDelay(settings.restart, this.#surroundings.random),
    };
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= WARNINGS_MAX) return;
    this.#warned.add(text);
    this.#tell("warning", text);
  }
}
