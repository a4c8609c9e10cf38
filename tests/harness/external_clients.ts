/**
 * Runs MQTT clients that are programs of their own: those of mosquitto, and Python scripts.
 *
 * @module
 */
import { Child, type Outcome } from "./child.ts";
import { within } from "./deadline.ts";
import { PYTHON } from "./tools.ts";

/** Time for a client to do its work, on a machine that has other things to do. */
const CLIENT_DEADLINE_MS = 10_000;

/** A message as mosquitto_sub reports it. */
export interface Received {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  /** MQTT 5 only; the names are mosquitto's, as in `user-properties`. */
  properties?: Record<string, unknown>;
}

/** A mosquitto_sub at work. */
export class Subscriber implements AsyncDisposable {
  readonly #child: Child;

  /** Starts a mosquitto_sub with further `args`. */
  constructor(port: number, ...args: string[]) {
    // Its debug lines tell when it has subscribed, the messages come as JSON between them; and
    // stdbuf has each line come at once, not with the end of the program.
    const command = ["-oL", "mosquitto_sub", "-p", `${port}`, "-d", "-F", "%j"];
    this.#child = new Child("stdbuf", [...command, ...args]);
  }

  /** Starts a mosquitto_sub and waits until the broker has granted its subscriptions. */
  static async ready(port: number, ...args: string[]): Promise<Subscriber> {
    const subscriber = new Subscriber(port, ...args);
    try {
      await subscriber.#child.waitFor(/received SUBACK/, "stdout", CLIENT_DEADLINE_MS);
      return subscriber;
    } catch (error) {
      await subscriber.kill();
      throw error;
    }
  }

  /** What it has received so far. */
  get messages(): Received[] {
    const wholeLines = this.#child.stdout.split("\n").slice(0, -1);
    return wholeLines.filter((line) => line.startsWith("{")).map(toReceived);
  }

  /** Waits until it ends, having received what `-C` asked for; tells what it received. */
  async outcome(): Promise<Received[]> {
    checkSuccess(await this.#child.outcome(CLIENT_DEADLINE_MS));
    return this.messages;
  }

  /** Waits until some subscribers have received `count` messages between them. */
  static async together(subscribers: Subscriber[], count: number): Promise<Received[]> {
    const received = () => subscribers.flatMap(({ messages }) => messages);
    const all = async () => {
      while (received().length < count) {
        await Promise.race(subscribers.map((subscriber) => subscriber.#child.grown));
      }
    };
    const story = () => `${count} messages, got ${JSON.stringify(received())}`;
    await within(story, all(), CLIENT_DEADLINE_MS);
    return received();
  }

  /** Kills it: its connection ends without a DISCONNECT. */
  kill(): Promise<void> {
    return this.#child.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Has a mosquitto_sub subscribe, for its session to remember, and leave. */
export async function subscribe(port: number, ...args: string[]): Promise<void> {
  await using subscriber = new Subscriber(port, "-E", ...args);
  await subscriber.outcome();
}

/** Subscribes with mosquitto_sub, waits until it has received `count` messages and ends it. */
export async function receive(port: number, count: number, ...args: string[]): Promise<Received[]> {
  await using subscriber = new Subscriber(port, "-C", `${count}`, ...args);
  return await subscriber.outcome();
}

/** Runs mosquitto_pub to its end; `input` is for its flags `-s` and `-l`. */
export async function publish(port: number, args: string[], input?: string): Promise<void> {
  const options = input === undefined ? {} : { input };
  await using child = new Child("mosquitto_pub", ["-p", `${port}`, ...args], options);
  checkSuccess(await child.outcome(CLIENT_DEADLINE_MS));
}

/** Runs a Python script of `tests/clients/` to its end; tells what it printed. */
export async function runPython(script: string, ...args: string[]): Promise<string> {
  const path = new URL(`../clients/${script}`, import.meta.url).pathname;
  await using child = new Child(PYTHON, [path, ...args]);
  return checkSuccess(await child.outcome(CLIENT_DEADLINE_MS)).stdout;
}

function toReceived(line: string): Received {
  const { topic, payload, qos, retain, properties } = JSON.parse(line);
  const received = { topic, payload, qos, retain: retain === 1 };
  return properties === undefined ? received : { ...received, properties };
}

function checkSuccess(outcome: Outcome): Outcome {
  if (outcome.code !== 0) {
    throw new Error(`Exit code ${outcome.code}: ${outcome.stderr}${outcome.stdout}`);
  }
  return outcome;
}
