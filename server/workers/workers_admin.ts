/** The admin listener of a server with workers: it asks the listeners of the nodes. */
import { Access } from "../../admin/access/access.ts";
import { HttpListener } from "../../admin/http/http_listener.ts";
import { LoopbackServer } from "../../admin/http/loopback_server.ts";
import { RequestError } from "../../admin/http/request_error.ts";
import { RequestHandler } from "../../admin/http/request_handler.ts";
import { RequestPace, REQUESTS } from "../../admin/http/request_pace.ts";
import { RouteTable } from "../../admin/http/routes.ts";
import { adminInstruments } from "../../admin/metrics/admin_instruments.ts";
import { prometheusText } from "../../admin/metrics/prometheus.ts";
import { MQTT_PATH } from "../../admin/page/mqtt_door.ts";
import { openPage } from "../../admin/page/page.ts";
import { TimeSlices } from "../../admin/time_slices.ts";
import { systemClock } from "../../broker/base/clock.ts";
import { complain, say } from "../../cli/terminal.ts";
import type { Transport } from "../../transport/transport.ts";
import { onlyToken } from "./admin_token.ts";
import { mergedRoutes } from "./merged_routes.ts";
import { NodeAdmins } from "./node_admins.ts";
import { relay } from "./relay.ts";

/** An admin listener for all nodes, on this machine only. */
export class WorkersAdmin {
  readonly hostname = "127.0.0.1";
  readonly #admins: NodeAdmins;
  readonly #listener: HttpListener;
  readonly #server: LoopbackServer;
  readonly #pace: RequestPace;
  readonly #slices: TimeSlices;

  /**
   * Opens it.
   *
   * @param port The port, or 0 for any that is free.
   * @param hash The hash of its token.
   * @param ports Where each node listens; `null` while it does not run.
   * @throws If the port cannot be bound.
   */
  constructor(port: number, hash: string, ports: readonly (number | null)[]) {
    const { hostname } = this;
    const clock = systemClock;
    const admins = this.#admins = new NodeAdmins(ports);
    this.#pace = new RequestPace(clock, REQUESTS);
    this.#slices = new TimeSlices({ clock, nextTurn: () => new Promise((go) => setTimeout(go)) });
    const reportError = (error: unknown) => complain(`The admin listener has failed: ${error}`);
    const instruments = adminInstruments({
      answered: () => handler.answered,
      skippedLines: () => null,
    });
    const page = openPage(this.#slices, reportError);
    const handler = new RequestHandler({
      routes: new RouteTable(
        mergedRoutes(
          admins,
          () => textOf(prometheusText(instruments)),
          instruments.map(({ name }) => name),
        ),
      ),
      access: new Access(
        { tokens: onlyToken(hash), accounts: null, rules: null, allowAnonymous: false },
        clock,
      ),
      pace: this.#pace,
      names: [hostname],
      page: (request, url) => page.answer(request, url),
      other: null,
      audit: say,
      reportError,
    });
    this.#server = new LoopbackServer(handler.answer);
    const door = { path: MQTT_PATH, enter: (pipe: Transport) => this.#enter(pipe) };
    this.#listener = new HttpListener({ hostname, port, door }, this.#server, clock);
  }

  /** The port that was bound. */
  get port(): number {
    return this.#listener.port;
  }

  /** Closes everything. */
  async close(): Promise<void> {
    this.#pace.close();
    this.#slices.close();
    await this.#listener.close();
    await this.#server.close();
    this.#admins.close();
  }

  /** MQTT over WebSocket for the page: a node serves it, and checks its token. */
  async #enter(pipe: Transport): Promise<void> {
    const port = this.#admins.anyPort;
    if (port === null) throw new RequestError(503, "No worker runs now");
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    let isClosed = false;
    void relay(pipe, {
      read: (target) => conn.read(target),
      write: (source) => conn.write(source),
      closeWrite: () => conn.closeWrite(),
      close: () => {
        if (!isClosed) conn.close();
        isClosed = true;
      },
    });
  }
}

function textOf(steps: Generator<void, string, void>): string {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
