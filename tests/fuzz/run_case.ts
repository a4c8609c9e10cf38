import { encodePacket, PacketReader, type ProtocolVersion } from "../../codec/mod.ts";
import type { Connection } from "../../broker/connection/connection.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { Features } from "./features.ts";
import { CLIENTS, type FuzzCase, type Step } from "./fuzz_case.ts";
import type { InstantPipe } from "../harness/instant_pipe.ts";
import { Target } from "./target.ts";

/** Longer than any stall, lingering and handshake. */
const RECOVERY_MS = 7000;
/** Longer than any session outlives its connection. */
const EXPIRY_MS = 25_000;
/** What one message and one write may be over a limit in bytes. */
const SLACK_BYTES = 120_000;
/** Deadlines that a broker may have of its own. */
const OWN_DEADLINES = 12;
/** How long others may wait for a turn to end, in milliseconds. */
const TURN_MS_MAX = 50;
/** How often a case is run that has taken longer: the machine may have had other things to do. */
const RUNS_MAX = 5;
const ASIDE = "aside";

/** What came of a case. */
export interface Outcome {
  /** What is wrong; empty if nothing is. */
  readonly faults: readonly string[];
  /** What the case has shown of the broker. */
  readonly features: ReadonlySet<string>;
}

/**
 * Runs a case against a broker of its own and looks for faults. One of them is a turn that takes
 * too long, each time the case is run.
 */
export async function runCase(fuzzCase: FuzzCase): Promise<Outcome> {
  const run = await runOnce(fuzzCase);
  let longestMs = run.longestTurnMs;
  for (let runs = 1; longestMs > TURN_MS_MAX && runs < RUNS_MAX; runs++) {
    longestMs = Math.min(longestMs, (await runOnce(fuzzCase)).longestTurnMs);
  }
  const isLong = longestMs > TURN_MS_MAX;
  const faults = isLong ? [...run.faults, longTurn(longestMs)] : run.faults;
  return { faults, features: run.features.seen };
}

function longTurn(ms: number): string {
  return `milliseconds of one turn: ${Math.ceil(ms)} of at most ${TURN_MS_MAX}`;
}

async function runOnce(fuzzCase: FuzzCase): Promise<CaseRun> {
  const run = new CaseRun(fuzzCase.settings);
  await run.start();
  for (const step of fuzzCase.steps) await run.step(step);
  await run.finish();
  return run;
}

class CaseRun {
  readonly faults: string[] = [];
  readonly features: Features = new Features();
  /** The longest turn, where turns are as short as they can be, in milliseconds. */
  longestTurnMs = 0;
  readonly #clock = new VirtualClock();
  readonly #target: Target;
  readonly #clients: (InstantPipe | null)[] = Array(CLIENTS).fill(null);
  readonly #opened: InstantPipe[] = [];
  #publisher: InstantPipe | null = null;
  #received = "";
  #sent = 0;

  constructor(settings: number) {
    const hooks = this.features.hooks((error) => this.#fault(`failed: ${stackOf(error)}`));
    this.#target = new Target(settings, this.#clock, hooks);
    // On virtual time no longer turn would ever be over.
    if (this.#target.limits.turnMsMax > 0) return;
    this.#clock.turned = (ms) => this.longestTurnMs = Math.max(this.longestTurnMs, ms);
  }

  /** Has two clients join that have nothing to do with the others. */
  async start(): Promise<void> {
    await this.#target.start();
    const open = (clientId: string, sink: (bytes: Uint8Array) => void) => {
      const pipe = this.#target.openAside(sink);
      pipe.feed(connectOf(clientId));
      return pipe;
    };
    this.#publisher = open("bystander-who-publishes", () => {});
    const decoder = new TextDecoder();
    const subscriber = open("bystander-who-listens", (bytes) => {
      this.#received += decoder.decode(bytes);
    });
    subscriber.feed(encodePacket({
      type: "subscribe",
      packetId: 1,
      properties: {},
      subscriptions: [
        { filter: ASIDE, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 2 },
      ],
    }, 4));
    await this.#clock.advance(0);
  }

  async step(step: Step): Promise<void> {
    if (step.do === "wait") return await this.#clock.advance(step.ms);
    const pipe = this.#clients[step.client]!;
    if (step.do === "open") this.#open(step.client);
    else if (pipe === null) return;
    else if (step.do === "send") pipe.feed(repeated(step.bytes, step.times));
    else if (step.do === "end") pipe.end();
    else if (step.do === "cut") pipe.cut();
    else pipe.stall(step.do === "stall");
    await this.#clock.advance(0);
  }

  /** Looks at the broker, sees everyone off, and looks at what is left. */
  async finish(): Promise<void> {
    this.#checkLimits();
    await this.#checkBystanders("beside the others");
    this.#checkLimits();
    for (const pipe of this.#opened) pipe.cut();
    await this.#clock.advance(RECOVERY_MS + EXPIRY_MS);
    await this.#checkBystanders("in the end");
    this.#checkRest();
    this.features.count(this.#target.parts.context.stats);
    await this.#target.stop();
  }

  #open(client: number): void {
    const before = new Set(this.#target.parts.connections);
    let connection: Connection | null = null;
    let reader: PacketReader | null = null;
    let first = new Uint8Array(0);
    const pipe = this.#target.open((bytes) => {
      if (reader === null && first.length + bytes.length < 2) {
        // The first byte alone does not tell the version.
        first = bytes.slice();
        return;
      }
      if (first.length > 0) bytes = Uint8Array.of(...first, ...bytes);
      first = first.subarray(0, 0);
      reader ??= new PacketReader({ version: this.#versionOf(connection, bytes) });
      this.#read(reader, bytes);
    });
    for (const one of this.#target.parts.connections) if (!before.has(one)) connection = one;
    this.#clients[client] = pipe;
    this.#opened.push(pipe);
  }

  /** What the broker speaks; whom it refuses at the door has no connection. */
  #versionOf(connection: Connection | null, bytes: Uint8Array): ProtocolVersion {
    return connection?.version ?? (bytes[1] === 3 ? 5 : 4);
  }

  /** Whatever the broker sends must be packets that a client may get. */
  #read(reader: PacketReader, bytes: Uint8Array): void {
    try {
      reader.push(bytes);
      for (let packet; (packet = reader.read()) !== null;) {
        const code = "reasonCode" in packet ? packet.reasonCode : "";
        const codes = "reasonCodes" in packet ? packet.reasonCodes[0] : "";
        this.features.add(`out ${reader.version} ${packet.type} ${code}${codes}`);
        if (["connect", "subscribe", "unsubscribe", "pingreq"].includes(packet.type)) {
          this.#fault(`sends ${packet.type}`);
        }
      }
    } catch (error) {
      this.#fault(`sends what is no packet: ${stackOf(error)}`);
    }
  }

  #checkLimits(): void {
    const { parts, limits } = this.#target;
    const { connections, sessions, retained, context: { scheduler, stats } } = parts;
    this.#atMost("connections", connections.size, limits.connectionsMax);
    this.#atMost("sessions", sessions.size, limits.sessionsMax);
    this.#atMost("handshakes", parts.limiters.addresses.handshakes, connections.size);
    this.#atMost("retained messages", retained.size, limits.retainedMessagesMax);
    if (stats.connections !== connections.size) {
      this.#fault(`counts ${stats.connections} connections of ${connections.size}`);
    }
    const deadlines = OWN_DEADLINES + 3 * connections.size + 3 * sessions.size + retained.size;
    this.#atMost("deadlines", scheduler.size, deadlines);
    for (const { outbox } of connections) {
      this.#atMost("bytes behind", outbox.lag, limits.lagBytesMax + SLACK_BYTES);
      this.#atMost("control bytes", outbox.control.bytes, limits.controlBytesMax + SLACK_BYTES);
    }
    for (const session of sessions.values()) {
      const { messages, bytes } = session.queue;
      this.#atMost("messages waiting", messages, limits.backlogMessagesMax + 1);
      this.#atMost("bytes waiting", bytes, limits.backlogBytesMax + limits.packetBytesMax + 1000);
      this.#atMost("in flight", session.inflight, Math.max(limits.inflightMax, 65_535));
      this.#atMost("subscriptions", session.subscriptions.size, limits.subscriptionsMax);
      if (session.hasEnded) this.#fault("keeps a session that has ended");
    }
  }

  /** Whatever the others do, a message goes from one bystander to the other. */
  async #checkBystanders(when: string): Promise<void> {
    const payload = `message ${this.#sent++}!`;
    this.#publisher!.feed(encodePacket({
      type: "publish",
      topic: ASIDE,
      payload: new TextEncoder().encode(payload),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: {},
    }, 4));
    await this.#clock.advance(RECOVERY_MS);
    if (!this.#received.includes(payload)) this.#fault(`bystanders are cut off ${when}`);
    this.#received = "";
  }

  /** Nobody but the bystanders is there any more. */
  #checkRest(): void {
    const { parts } = this.#target;
    const { retained } = parts;
    const left = {
      connections: parts.connections.size,
      sessions: parts.sessions.size,
      handshakes: parts.limiters.addresses.handshakes + 2,
      deadlines: Math.max(2, parts.context.scheduler.size - OWN_DEADLINES - retained.size),
    };
    for (const [what, count] of Object.entries(left)) {
      if (count !== 2) this.#fault(`in the end there are ${what}: ${count}`);
    }
    for (const pipe of this.#opened) if (!pipe.isClosed) this.#fault("leaves a pipe open");
  }

  #atMost(what: string, count: number, max: number): void {
    if (count > max) this.#fault(`${what}: ${count} of at most ${max}`);
  }

  #fault(text: string): void {
    if (this.faults.length < 5) this.faults.push(text);
  }
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const whole = new Uint8Array(bytes.length * times);
  for (let at = 0; at < whole.length; at += bytes.length) whole.set(bytes, at);
  return whole;
}

function connectOf(clientId: string): Uint8Array {
  return encodePacket({
    type: "connect",
    protocolVersion: 4,
    cleanStart: true,
    keepAlive: 0,
    clientId,
    properties: {},
    will: null,
    username: null,
    password: null,
  }, 4);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
