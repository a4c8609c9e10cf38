/** The admin listener of a server with workers: it asks the listeners of the nodes. */
import { Access } from "../../admin/access/access.ts";
import { HttpListener } from "../../admin/http/http_listener.ts";
import { LoopbackServer } from "../../admin/http/loopback_server.ts";
import { RequestError } from "../../admin/http/request_error.ts";
import { RequestHandler } from "../../admin/http/request_handler.ts";
import { MQTT_PATH } from "../../admin/page/mqtt_door.ts";
import { openPage } from "../../admin/page/page.ts";
import { systemClock } from "../../broker/base/clock.ts";
import { complain, say } from "../../cli/terminal.ts";
import type { Transport } from "../../transport/transport.ts";
import { onlyToken } from "./admin_token.ts";
import { MergedApi } from "./merged_api.ts";
import { NodeAdmins } from "./node_admins.ts";
import { relay } from "./relay.ts";

/** An admin listener for all nodes, on this machine only. */
export class WorkersAdmin {
  readonly hostname = "127.0.0.1";
  readonly #admins: NodeAdmins;
  readonly #listener: HttpListener;
  readonly #server: LoopbackServer;
  readonly #api: MergedApi;

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
    this.#admins = new NodeAdmins(ports, null);
    const api = this.#api = new MergedApi(this.#admins, null);
    const reportError = (error: unknown) => complain(`The admin listener has failed: ${error}`);
    const page = openPage(api.slices, reportError);
    const handler = new RequestHandler({
      routes: api.routes,
      access: new Access(
        { tokens: onlyToken(hash), accounts: null, rules: null, allowAnonymous: false },
        clock,
      ),
      pace: api.pace,
      names: [hostname],
      page: (request, url) => page.answer(request, url),
      other: null,
      audit: say,
      reportError,
    });
    api.countAnswers(handler.answered);
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
    this.#api.close();
    await this.#listener.close();
    await this.#server.close();
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
