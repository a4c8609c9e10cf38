/**
 * Measures what readers of the admin listener cost the clients: round trips of a client through the
 * broker, alone and beside readers of `/metrics` and of the list of clients.
 *
 *     deno run --allow-all bench/admin_readers.ts --sessions 100000 --readers 50 --seconds 8
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { listenAdmin } from "../admin/mod.ts";
import { Broker } from "../mod.ts";
import { InstantPipe } from "../tests/harness/instant_pipe.ts";
import * as packets from "../tests/harness/packets.ts";
import { RawClient } from "../tests/harness/raw_client.ts";

/** Sessions that are made before others have their turn. */
const SESSIONS_PER_TURN = 200;

const self = new URL(import.meta.url).pathname;

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** The broker: prints its ports when all sessions are there. */
async function serve(sessions: number): Promise<void> {
  const broker = new Broker({
    limits: { sessionsMax: sessions + 1000, memoryBytesMax: 2 ** 31, loopLagMs: 60_000 },
  });
  for (let i = 0; i < sessions; i++) {
    const pipe = new InstantPipe(Infinity, () => {});
    broker.accept(pipe, { address: "127.0.0.1:1" });
    pipe.feed(packets.connect({ clientId: `session-${i}`, clean: false }));
    pipe.feed(packets.subscribe({ [`never/${i}`]: 1 }));
    pipe.feed(packets.disconnect());
    if (i % SESSIONS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  while (broker.stats.connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const { port } = await broker.listen({ port: 0 });
  const admin = await listenAdmin(broker, { port: 0, allowAnonymous: true });
  print(JSON.stringify({ port, adminPort: admin.port, sessions: broker.stats.sessions }));
}

/** Readers of `/metrics`, and one of the whole list of clients; prints what they have got. */
async function read(adminPort: number, readers: number, seconds: number): Promise<void> {
  const url = `http://127.0.0.1:${adminPort}`;
  const endMs = performance.now() + seconds * 1000;
  const counts = { metrics: 0, pages: 0, lists: 0, busy: 0 };
  const isOver = () => performance.now() >= endMs;
  const metrics = async () => {
    while (!isOver()) {
      const response = await fetch(`${url}/metrics`);
      await response.text();
      if (response.ok) counts.metrics++;
      else counts.busy++;
    }
  };
  const list = async () => {
    for (let cursor = ""; !isOver();) {
      const response = await fetch(`${url}/api/v1/clients?limit=1000${cursor}`);
      const { meta } = await response.json();
      if (!response.ok) counts.busy++;
      else {
        counts.pages++;
        if (meta.next === null) counts.lists++;
        cursor = meta.next === null ? "" : `&cursor=${meta.next}`;
      }
    }
  };
  await Promise.all([list(), ...Array.from({ length: readers }, metrics)]);
  print(JSON.stringify(counts));
}

/** Round trips of one client, in milliseconds. */
async function roundTrips(port: number, seconds: number): Promise<number[]> {
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "ping" }));
  await client.readFrame();
  await client.send(packets.subscribe({ ping: 0 }));
  await client.readFrame();
  const message = packets.publish("ping", "x");
  const times: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await client.send(message);
    await client.expect(message);
    times.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.close();
  return times.sort((a, b) => a - b);
}

function summary(times: readonly number[]): string {
  const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(2);
  return `${times.length} trips, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms`;
}

function start(...args: string[]): Deno.ChildProcess {
  const flags = ["run", "--allow-all", "--no-check", self, ...args];
  return new Deno.Command(Deno.execPath(), { args: flags, stdout: "piped" }).spawn();
}

/** The first line that a process prints, as JSON. */
async function firstLine(process: Deno.ChildProcess): Promise<Record<string, number>> {
  let text = "";
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return JSON.parse(text);
}

if (import.meta.main) {
  const { role, sessions, readers, seconds, port } = parseArgs(Deno.args, {
    string: ["role", "sessions", "readers", "seconds", "port"],
    default: { role: "", sessions: "100000", readers: "50", seconds: "8", port: "0" },
  });
  if (role === "serve") await serve(Number(sessions));
  else if (role === "read") await read(Number(port), Number(readers), Number(seconds));
  else {
    const server = start("--role", "serve", "--sessions", `${sessions}`);
    const ports = await firstLine(server);
    print(`${ports.sessions} sessions`);
    print(`alone:   ${summary(await roundTrips(ports.port!, Number(seconds)))}`);
    const flags = ["--port", `${ports.adminPort}`, "--readers", `${readers}`];
    const others = start("--role", "read", ...flags, "--seconds", `${Number(seconds) + 1}`);
    print(`readers: ${summary(await roundTrips(ports.port!, Number(seconds)))}`);
    const { metrics, pages, lists, busy } = await firstLine(others);
    print(`${metrics} of /metrics, ${pages} pages, ${lists} whole lists, ${busy} told 429`);
    server.kill("SIGTERM");
    await server.status;
    await others.status;
  }
}
