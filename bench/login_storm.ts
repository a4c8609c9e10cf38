/**
 * The effect of a login storm on connected clients: the round trips of one pair of clients, without
 * load and while 500 other clients log in with passwords repeatedly. Broker, storm and pair are
 * separate processes.
 *
 *     deno run --allow-all bench/login_storm.ts [iterations [clients]]
 *
 * 101 iterations by default, like mosquitto_passwd, and 500 clients. With 0 iterations no passwords
 * are checked, which shows their share of the cost. The exit code is 1 if the 99th percentile
 * during the storm is more than three times as high.
 *
 * @module
 */
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { formatPasswordHash, hashPassword } from "../auth/password_hash.ts";
import { allowAll } from "../auth/authenticator.ts";
import { encodePacket } from "../codec/mod.ts";
import { Broker } from "../mod.ts";
import { PasswordFile } from "../auth/mod.ts";
import { Child } from "../tests/harness/child.ts";
import { Link } from "./load/link.ts";
import { Samples, summarize, type Summary } from "./load/samples.ts";
import type { Target } from "./load/target.ts";

/** Users in the file; the last two are the pair. */
const USERS = 502;
/** The duration of each phase, in milliseconds. */
const PHASE_MS = 5000;
/**
 * The number of phases of each kind. They alternate, because other programs may disturb the machine
 * for a while.
 */
const ROUNDS = 3;
const FACTOR_MAX = 3;

async function measure(iterations: number, clients: number): Promise<void> {
  await using broker = start("broker", iterations);
  const port = Number((await broker.waitFor(/port (\d+)/, "stdout", 120_000))[1]);
  using pair = await Pair.join(port);
  await pair.play(PHASE_MS);
  const factors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const calm = await pair.play(PHASE_MS);
    const storm = start("storm", port, clients);
    const stormy = await pair.play(PHASE_MS);
    await storm.waitFor(/\n/, "stdout", 120_000);
    say(`calm    ${describe(calm)}`);
    say(`storm   ${describe(stormy)}; ${storm.stdout.trim()}`);
    factors.push(stormy.p99 / calm.p99);
    await storm.kill();
  }
  factors.sort((a, b) => a - b);
  const factor = factors[factors.length >> 1]!;
  say(`p99 grows ${factor.toFixed(2)}-fold with ${iterations} iterations (at most ${FACTOR_MAX})`);
  if (factor > FACTOR_MAX) Deno.exitCode = 1;
}

function start(role: string, ...numbers: number[]): Child {
  const file = new URL(import.meta.url).pathname;
  return new Child(Deno.execPath(), ["run", "--allow-all", file, role, ...numbers.map(String)]);
}

async function runBroker(iterations: number): Promise<void> {
  const password = new TextEncoder().encode("secret");
  const rounds = Math.max(1, iterations);
  const hash = formatPasswordHash(await hashPassword(password, "sha512-pbkdf2", rounds));
  const lines = Array.from({ length: USERS }, (_, n) => `user ${n}:${hash}`);
  const users = PasswordFile.parse(lines.join("\n"));
  const broker = new Broker({ authenticator: iterations === 0 ? allowAll : users });
  const { port } = await broker.listen({ port: 0 });
  say(`port ${port}`);
}

/** All clients log in at the same time, repeatedly, during a phase. */
async function runStorm(port: number, clients: number): Promise<void> {
  const endMs = performance.now() + PHASE_MS;
  let logins = 0;
  let failures = 0;
  do {
    const numbers = Array.from({ length: clients }, (_, n) => n);
    await Promise.all(numbers.map(async (n) => {
      try {
        (await Link.open(targetOf(port, n % (USERS - 2)), `storm ${n}`, 256)).close();
        logins++;
      } catch {
        failures++;
      }
    }));
  } while (performance.now() < endMs);
  say(`${logins} logins, ${failures} refused`);
}

/** Two clients; one answers the messages of the other. */
class Pair implements Disposable {
  readonly #one: Link;
  readonly #other: Link;

  private constructor(one: Link, other: Link) {
    this.#one = one;
    this.#other = other;
  }

  static async join(port: number): Promise<Pair> {
    const one = await Link.open(targetOf(port, USERS - 1), "one", 256);
    const other = await Link.open(targetOf(port, USERS - 2), "other", 256);
    await one.subscribe(["pong"], 0);
    await other.subscribe(["ping"], 0);
    const pong = encodePacket(publication("pong"), 4);
    let isDue = false;
    other.start({
      frame: () => void (isDue = true),
      take() {
        if (!isDue) return null;
        isDue = false;
        return pong;
      },
      lost(error) {
        throw error;
      },
    });
    return new Pair(one, other);
  }

  /** Round trips, one after the other, in microseconds. */
  async play(ms: number): Promise<Summary> {
    const times = new Samples();
    const endMs = performance.now() + ms;
    for (let now = performance.now(); now < endMs;) {
      const sent = now;
      await this.#one.ask(publication("ping"));
      now = performance.now();
      times.add((now - sent) * 1000);
    }
    return summarize(times.sorted())!;
  }

  [Symbol.dispose](): void {
    this.#one.close();
    this.#other.close();
  }
}

function publication(topic: string) {
  return {
    type: "publish",
    topic,
    payload: new Uint8Array(16),
    qos: 0,
    retain: false,
    dup: false,
    packetId: 0,
    properties: {},
  } as const;
}

function targetOf(port: number, user: number): Target {
  const username = `user ${user}`;
  return { hostname: "127.0.0.1", port, username, password: "secret", protocol: 4 };
}

function describe({ count, p50, p99, max }: Summary): string {
  const ms = (us: number) => `${(us / 1000).toFixed(2)} ms`;
  return `${count} round trips: p50 ${ms(p50)}, p99 ${ms(p99)}, longest ${ms(max)}`;
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

if (import.meta.main) {
  const [role, ...rest] = readCommandLine(Deno.args, { wordsMax: 3 })._;
  const numbers = role === "broker" || role === "storm" ? rest : [role ?? "101", ...rest];
  const wrong = numbers.find((word) => !/^\d+$/.test(word));
  if (wrong !== undefined) refuse(`ITERATIONS and CLIENTS are whole numbers, not "${wrong}"`);
  if (role === "broker") await runBroker(Number(rest[0]));
  else if (role === "storm") await runStorm(Number(rest[0]), Number(rest[1]));
  else await measure(Number(role ?? 101), Number(rest[0] ?? 500));
}
