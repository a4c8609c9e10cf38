import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { Certificates } from "../tests/harness/certificates.ts";
import { within } from "../tests/harness/deadline.ts";
import { testWith } from "../tests/harness/tools.ts";
import { TlsContext, type TlsServerOptions } from "./tls_options.ts";
import { TlsTransport } from "./tls_transport.ts";
import type { Transport } from "./transport.ts";

/** As much as a single read or write holds, and what TLS adds to it. */
const PIECE_BYTES = 64 * 1024;
const OVERHEAD_BYTES = 4096;

/** A pipe that counts, and takes nothing while it is held. */
class CountingPipe implements Transport {
  readonly #conn: Deno.TcpConn;
  bytesRead = 0;
  bytesWritten = 0;
  held: PromiseWithResolvers<void> | null = null;
  isClosed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  async read(target: Uint8Array): Promise<number | null> {
    const count = await this.#conn.read(target);
    this.bytesRead += count ?? 0;
    return count;
  }

  async write(source: Uint8Array): Promise<number> {
    await this.held?.promise;
    const count = await this.#conn.write(source);
    this.bytesWritten += count;
    return count;
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.isClosed = true;
    this.held?.resolve();
    this.#conn.close();
  }
}

interface Pair extends AsyncDisposable {
  readonly pipe: CountingPipe;
  readonly transport: TlsTransport;
  readonly client: Deno.TlsConn;
}

/** Both ends of a connection. */
async function connected(certificates: Certificates): Promise<Pair> {
  const context = new TlsContext(await certificates.identity("server"), ["mqtt"]);
  const caCerts = [await certificates.pem("ca")];
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const dialling = Deno.connectTls({ hostname: "localhost", port, caCerts });
  const pipe = new CountingPipe(await listener.accept());
  const client = await dialling;
  const [{ transport }] = await Promise.all([
    within("a handshake", TlsTransport.accept(pipe, context)),
    client.handshake(),
  ]);
  return {
    pipe,
    transport,
    client,
    [Symbol.asyncDispose]: () => {
      if (!pipe.isClosed) transport.close();
      client.close();
      return Promise.resolve();
    },
  };
}

function tlsTest(name: string, fn: (certificates: Certificates) => Promise<void>): void {
  testWith(["openssl"], name, async () => {
    await using certificates = await Certificates.make();
    await fn(certificates);
  });
}

tlsTest("TlsTransport.read() reads no further ahead than one read", async (certificates) => {
  await using pair = await connected(certificates);
  const { pipe, transport, client } = pair;
  const before = pipe.bytesRead;
  const chunk = new Uint8Array(256 * 1024).map((_, index) => index * 7);
  const flooding = (async () => {
    for (;;) {
      for (let at = 0; at < chunk.length;) at += await client.write(chunk.subarray(at));
    }
  })().catch(() => "over");
  const target = new Uint8Array(1000);
  let taken = 0;
  while (taken < 4 * chunk.length) {
    const count = await within("something to read", transport.read(target));
    for (let i = 0; i < count!; i += 97) {
      assertEquals(target[i], chunk[(taken + i) % chunk.length], `byte ${taken + i}`);
    }
    taken += count!;
    assertLessOrEqual(pipe.bytesRead - before - taken, 2 * PIECE_BYTES + OVERHEAD_BYTES);
  }
  // Nobody reads: what comes is left where it is.
  const { bytesRead } = pipe;
  await transport.write(Uint8Array.of(1));
  await client.read(new Uint8Array(1));
  assertLessOrEqual(pipe.bytesRead - bytesRead, PIECE_BYTES);
  transport.close();
  assertEquals(await flooding, "over");
});

tlsTest(
  "TlsTransport.write() takes one piece, and is done when the pipe has it",
  async (certificates) => {
    await using pair = await connected(certificates);
    const { pipe, transport, client } = pair;
    const before = pipe.bytesWritten;
    pipe.held = Promise.withResolvers();
    let isWritten = false;
    const writing = transport.write(new Uint8Array(1024 * 1024)).then((count) => {
      isWritten = true;
      return count;
    });
    // What the client sends is still read meanwhile.
    await client.write(Uint8Array.of(7));
    const target = new Uint8Array(10);
    assertEquals(await within("a byte", transport.read(target)), 1);
    assertEquals([isWritten, pipe.bytesWritten], [false, before]);
    pipe.held.resolve();
    const reading = readExactly(client, PIECE_BYTES);
    assertEquals(await within("the piece has left", writing), PIECE_BYTES);
    assertLessOrEqual(PIECE_BYTES, pipe.bytesWritten - before);
    assertLessOrEqual(pipe.bytesWritten - before, PIECE_BYTES + OVERHEAD_BYTES);
    await reading;
  },
);

tlsTest("TlsTransport.close() ends a write that waits, and a read", async (certificates) => {
  await using pair = await connected(certificates);
  const { pipe, transport } = pair;
  pipe.held = Promise.withResolvers();
  const writing = transport.write(new Uint8Array(10)).catch(() => "ended");
  const reading = transport.read(new Uint8Array(10)).catch(() => "ended");
  transport.close();
  assertEquals(await within("both end", Promise.all([writing, reading])), ["ended", "ended"]);
  await assertRejects(() => transport.write(new Uint8Array(1)));
  await assertRejects(() => transport.read(new Uint8Array(1)));
});

tlsTest("TlsTransport.closeWrite() ends one direction only", async (certificates) => {
  await using pair = await connected(certificates);
  const { transport, client } = pair;
  await transport.write(Uint8Array.of(1));
  await within("no more is written", transport.closeWrite());
  assertEquals(await client.read(new Uint8Array(2)), 1);
  assertEquals(await within("the end", client.read(new Uint8Array(2))), null);
  await client.write(Uint8Array.of(2, 3));
  assertEquals(await within("what comes still", transport.read(new Uint8Array(9))), 2);
  await client.closeWrite();
  assertEquals(await within("the end", transport.read(new Uint8Array(9))), null);
});

tlsTest(
  "TlsTransport.accept() rejects what is no TLS, and leaves the pipe open",
  async (certificates) => {
    const context = new TlsContext(await certificates.identity("server"), []);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (
      const bytes of [
        "10 0d 0004 4d515454 04 02 003c 0001 61",
        "474554202f20485454502f312e310d0a0d0a",
        "",
      ]
    ) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
      const pipe = new CountingPipe(await listener.accept());
      await conn.write(Uint8Array.fromHex(bytes.replaceAll(" ", "")));
      await conn.closeWrite();
      await assertRejects(() => within("a refusal", TlsTransport.accept(pipe, context)), Error);
      assert(!pipe.isClosed);
      pipe.close();
    }
  },
);

tlsTest(
  "TlsContext() refuses what cannot be used, or would have no effect",
  async (certificates) => {
    await certificates.client("alice");
    const server = await certificates.identity("server");
    const clientAuthorities = await certificates.pem("ca");
    const revoked = await certificates.revoke([]);
    await certificates.authority("other");
    const other = await certificates.pem("other");
    const cases: [options: Partial<TlsServerOptions>, words: string][] = [
      [{ cert: "nonsense" }, "the certificate: it holds no certificate"],
      [{ key: "nonsense" }, "the private key"],
      [{ key: (await certificates.identity("alice")).key }, "not that of the certificate"],
      [{ serverNames: { a: { ...server, key: "x" } } }, 'the private key of server name "a"'],
      [{ clientAuthorities }, "not asked for a certificate"],
      [{ revoked }, "not asked for a certificate"],
      [{ clientCertificate: "require" }, "whose are good"],
      [{ clientCertificate: "require", clientAuthorities: "x" }, "the authorities of clients"],
      [{ clientCertificate: "require", clientAuthorities, revoked: "x" }, "holds no X509 CRL"],
      [
        { clientCertificate: "require", clientAuthorities: other, revoked },
        "none of the authorities",
      ],
      [{ minVersion: "1.1" as "1.2" }, 'version "1.1"'],
      [{ clientCertificate: "yes" as "none" }, 'clientCertificate "yes"'],
    ];
    for (const [options, words] of cases) {
      try {
        new TlsContext({ ...server, ...options }, []);
      } catch (error) {
        assert(error instanceof TypeError && error.message.includes(words), `${words}: ${error}`);
        continue;
      }
      throw new Error(`Not refused: ${words}`);
    }
  },
);

async function readExactly(conn: Deno.TlsConn, length: number): Promise<void> {
  const chunk = new Uint8Array(PIECE_BYTES);
  for (let left = length; left > 0;) left -= (await conn.read(chunk)) ?? left;
}
