/** Tells systemd that the server is ready, and that it is alive. */

/** How many messages systemd gets in the time of its watchdog. */
const PINGS = 2;

/**
 * Tells systemd that the server is ready. If the unit has `WatchdogSec`, it also tells systemd that
 * the event loop still runs. It starts the program `systemd-notify`, so the unit needs
 * `NotifyAccess=all`.
 */
export class SystemdNotifier {
  readonly #socket: string;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sending: Promise<void> = Promise.resolve();

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /**
   * Says that the server is ready.
   *
   * @returns `null` if nobody wants to know: `NOTIFY_SOCKET` is not set, or may not be read.
   */
  static start(): SystemdNotifier | null {
    const socket = variable("NOTIFY_SOCKET");
    if (socket === null) return null;
    const notifier = new SystemdNotifier(socket);
    notifier.#send(`READY=1\nMAINPID=${Deno.pid}`);
    const watchdogMs = Number(variable("WATCHDOG_USEC") ?? 0) / 1000;
    if (watchdogMs > 0) {
      notifier.#timer = setInterval(() => notifier.#send("WATCHDOG=1"), watchdogMs / PINGS);
    }
    return notifier;
  }

  /** Says that the server stops. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#send("STOPPING=1");
    await this.#sending;
  }

  /** Sends a message after the earlier ones. If that fails, systemd notices it by the silence. */
  #send(message: string): void {
    this.#sending = this.#sending.then(async () => {
      const args = message.split("\n");
      const env = { NOTIFY_SOCKET: this.#socket };
      try {
        await new Deno.Command("systemd-notify", { args, env, stdin: "null" }).output();
      } catch {
        // There is no such program, or it may not be run.
      }
    });
  }
}

/** A variable of the environment; `null` if it is not set, or may not be read. */
function variable(name: string): string | null {
  try {
    return Deno.env.get(name) || null;
  } catch {
    return null;
  }
}
