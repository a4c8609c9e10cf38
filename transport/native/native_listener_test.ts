import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Transport } from "../transport.ts";
import { NativeListener, type NativeOptions } from "./native_listener.ts";
import { NativeWorld } from "./testdata/native_world.ts";

/** A listener, and the connections that it has accepted. */
class ListenerWorld extends NativeWorld {
  readonly accepted: { transport: Transport; address: string }[] = [];
  /** What the next accept has to wait for. */
  wait: Promise<void> | null = null;

  listen(options: NativeOptions = {}): NativeListener {
    return NativeListener.inet({ hostname: "127.0.0.1", port: 0 }, options, {
      loop: this.loop,
      clock: this.clock,
      mayAccept: () => this.wait,
      onAccepted: (transport, from) => {
        this.accepted.push({ transport, address: `${from!.hostname}:${from!.port}` });
      },
      reportError: (error) => this.errors.push(error),
    });
  }

  /** Closes everything. */
  async end(listener: NativeListener): Promise<void> {
    listener.close();
    for (const { transport } of this.accepted) transport.close();
    await this.close();
  }
}

Deno.test("NativeListener accepts all that wait, with their addresses", async () => {
  const world = new ListenerWorld();
  const listener = world.listen();
  assertEquals(listener.address, { hostname: "127.0.0.1", port: 1883 });
  for (let i = 0; i < 150; i++) world.libc.connect("192.0.2.7", 1000 + i);
  await world.settle();
  assertEquals(world.accepted.length, 150);
  assertEquals(world.accepted[149]!.address, "192.0.2.7:1149");
  // Once in three rounds, of 64 at most.
  assert(world.libc.counts.get("accept4")! <= 152);
  await world.end(listener);
});

Deno.test("NativeListener sets what its connections inherit", async () => {
  const world = new ListenerWorld();
  const listener = world.listen({ backlog: 7, reusePort: true, userTimeoutMs: 9000 });
  assertEquals(world.libc.options, ["1 2 1", "1 15 1", "6 1 1", "6 18 9000", "backlog 7"]);
  await world.end(listener);
});

Deno.test("NativeListener accepts nothing until there is room", async () => {
  const world = new ListenerWorld();
  const listener = world.listen();
  const room = Promise.withResolvers<void>();
  world.wait = room.promise;
  world.libc.connect();
  await world.settle();
  assertEquals([world.accepted.length, world.libc.isWaiting], [0, true]);
  world.wait = null;
  room.resolve();
  await world.settle();
  assertEquals(world.accepted.length, 1);
  await world.end(listener);
});

for (const name of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINVAL"] as const) {
  Deno.test(`NativeListener waits longer and longer after ${name} of accept4, and loses nobody`, async () => {
    const world = new ListenerWorld();
    const listener = world.listen();
    world.libc.connect();
    world.libc.fail("accept4", name, name, name);
    const tries: number[] = [];
    for (let ms = 0; ms < 40; ms++) {
      tries.push(world.libc.counts.get("accept4") ?? 0);
      await world.clock.advance(1);
    }
    // At 0, 5, 15 and 35 ms.
    assertEquals([tries[1], tries[4], tries[6], tries[14], tries[16], tries[34]], [
      1,
      1,
      2,
      2,
      3,
      3,
    ]);
    assertEquals([world.accepted.length, world.errors.length], [1, name === "EINVAL" ? 3 : 0]);
    await world.end(listener);
  });
}

const PASSING = [
  ...["EINTR", "ECONNABORTED", "EPROTO", "EPERM", "ENETDOWN", "ENETUNREACH", "EHOSTDOWN"],
  ...["EHOSTUNREACH", "ENONET", "ENOPROTOOPT", "EOPNOTSUPP", "ETIMEDOUT"],
] as ("EINTR" | "ECONNABORTED" | "EPROTO")[];

Deno.test("NativeListener accepts the next after an error of one connection", async () => {
  for (const name of PASSING) {
    const world = new ListenerWorld();
    const listener = world.listen();
    world.libc.fail("accept4", name);
    world.libc.connect();
    await world.settle();
    assertEquals([world.accepted.length, world.errors], [1, []], name);
    await world.end(listener);
  }
});

Deno.test("NativeListener that is closed retries nothing, and accepts nobody", async () => {
  const world = new ListenerWorld();
  const listener = world.listen();
  world.libc.connect();
  world.libc.fail("accept4", "EMFILE");
  await world.settle();
  listener.close();
  listener.close();
  await world.clock.advance(5000);
  assertEquals([world.accepted.length, world.loop.size], [0, 0]);
  await world.close();
});

Deno.test("NativeListener throws the runtime's error for what cannot be bound, and leaves nothing open", async () => {
  const cases = [
    ["bind", "EADDRINUSE", Deno.errors.AddrInUse],
    ["bind", "EADDRNOTAVAIL", Deno.errors.AddrNotAvailable],
    ["bind", "EACCES", Deno.errors.PermissionDenied],
    ["bind", "EINVAL", Error],
    ["listen", "EADDRINUSE", Deno.errors.AddrInUse],
    ["listen", "EOPNOTSUPP", Error],
    ["socket", "EMFILE", Error],
    ["socket", "EAFNOSUPPORT", Error],
    ["epollCtl", "ENOMEM", Error],
  ] as const;
  for (const [call, name, Kind] of cases) {
    const world = new ListenerWorld();
    world.libc.fail(call, name);
    assertThrows(() => world.listen(), Kind, name);
    await world.close();
  }
});
