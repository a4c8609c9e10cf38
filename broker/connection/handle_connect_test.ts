import { assertEquals } from "@std/assert";
import type { ConnectRequest, Decision } from "../../auth/authenticator.ts";
import { connect } from "../../tests/harness/packets.ts";
import type { Pipe, PipeReceiver } from "../../transport/pipe.ts";
import type { Transport } from "../../transport/transport.ts";
import { Broker } from "../broker.ts";

const text = new TextDecoder();

/** A transport that reads for everybody into one buffer, which it overwrites after each read. */
class SharingTransport implements Transport {
  readonly #shared = new Uint8Array(1024);
  #receiver!: PipeReceiver;

  push(bytes: Uint8Array): void {
    this.#receiver.target(this.#shared).set(bytes);
    this.#receiver.onReceived(bytes.length);
    this.#shared.fill(0x21);
  }

  end(): void {
    this.#receiver.onEnded(null);
  }

  pipe(receiver: PipeReceiver): Pipe {
    this.#receiver = receiver;
    const ignore = () => {};
    const close = () => queueMicrotask(() => this.end());
    const write = (source: Uint8Array) => source.length;
    return {
      write,
      start: ignore,
      pause: ignore,
      resume: ignore,
      closeWrite: ignore,
      close,
    };
  }

  read(): Promise<never> {
    return Promise.reject(new Error("It pushes"));
  }

  write(): Promise<never> {
    return this.read();
  }

  close(): void {}
}

const CONNECT = connect({
  username: "user",
  password: "secret",
  will: { topic: "will", payload: "gone" },
});

Deno.test("a client is accepted in the call that reads its CONNECT if the authenticator answers at once", async () => {
  for (const isLate of [false, true]) {
    let connected = 0;
    await using broker = new Broker({
      authenticator: {
        authenticate: () => isLate ? Promise.resolve({ reasonCode: 0 }) : { reasonCode: 0 },
      },
      hooks: { connected: () => void connected++ },
    });
    const transport = new SharingTransport();
    broker.accept(transport, { address: "test" });
    transport.push(CONNECT);
    assertEquals(connected, isLate ? 0 : 1);
    transport.end();
  }
});

Deno.test("an authenticator that takes its time, and a will, keep what CONNECT has brought", async () => {
  for (const isLate of [false, true]) {
    const decision = Promise.withResolvers<Decision>();
    const connected = Promise.withResolvers<void>();
    let asked: ConnectRequest;
    await using broker = new Broker({
      authenticator: {
        authenticate(request) {
          asked = request;
          return isLate ? decision.promise : { reasonCode: 0 };
        },
      },
      hooks: { connected: () => connected.resolve() },
    });
    await using wills = broker.subscribe("will");
    const transport = new SharingTransport();
    broker.accept(transport, { address: "test" });
    transport.push(CONNECT);
    assertEquals(text.decode(asked!.password!), "secret");
    decision.resolve({ reasonCode: 0 });
    await connected.promise;
    transport.end();
    const { value } = await wills.next();
    assertEquals(text.decode(value!.payload), "gone");
  }
});
