/** The worker of one node, as its supervisor sees it. */
import type { SysCounts } from "../../admin/sys_counts.ts";
import type { SysStreams } from "../../admin/sys_topics.ts";
import type { SharedLimitBuffers } from "../../broker/limits/shared_limits.ts";
import { NodeStartError } from "../start_error.ts";
import type {
  FromNode,
  NodeAdminSettings,
  NodeAdminView,
  NodeListener,
  NodeSettings,
  PeerWay,
  ToNode,
} from "./node_messages.ts";
import type { SecurityMessage } from "./security_messages.ts";

/** How long a worker has for an answer, in milliseconds. Opening its store may take any time. */
const ANSWER_MS_MAX = 60_000;

type Answer<T extends FromNode["type"]> = Extract<FromNode, { type: T }>;

/** A running worker. It answers one request after the other. */
export class NodeHandle {
  readonly #worker: Worker;
  /** Settles with the answer to the last request. */
  #before: Promise<void> = Promise.resolve();
  /** Resolves with the next message, and rejects when the worker has died. */
  #next: PromiseWithResolvers<FromNode> = Promise.withResolvers();
  /** Resolves with the error of a worker that has died. */
  readonly died: Promise<Error>;
  readonly #fail: (error: Error) => void;
  /** Is told the state of the node, again and again. Set by `supervisor.ts`. */
  onCounts: (counts: SysCounts, streams: SysStreams) => void = () => {};
  /** Is told when its API is asked to reload. Set by `supervisor.ts`. */
  onReloadWanted: () => void = () => {};
  /** Is told what it tells another node about accounts. Set by `supervisor.ts`. */
  onSecurity: (to: number, message: SecurityMessage) => void = () => {};
  /** Is told that its link to another node has ended, and why. Set by `supervisor.ts`. */
  onLinkLost: (peer: number, why: string) => void = () => {};

  readonly #answerMsMax: number;

  /**
   * Starts a worker.
   *
   * @param script What it runs.
   * @param answerMsMax How long it has for an answer, in milliseconds. Then it is ended.
   */
  constructor(
    script: URL = new URL("./node_worker.ts", import.meta.url),
    answerMsMax: number = ANSWER_MS_MAX,
  ) {
    this.#answerMsMax = answerMsMax;
    this.#worker = new Worker(script, { type: "module" });
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.died = promise;
    this.#fail = (error) => {
      this.#next.reject(error);
      resolve(error);
    };
    this.#worker.onmessage = ({ data }: MessageEvent<FromNode>) => {
      if (data.type === "counts") return this.onCounts(data.counts, data.streams);
      if (data.type === "reload-wanted") return this.onReloadWanted();
      if (data.type === "security") return this.onSecurity(data.to, data.message);
      if (data.type === "link-lost") return this.onLinkLost(data.peer, data.why);
      const next = this.#next;
      this.#next = Promise.withResolvers();
      this.#hear();
      next.resolve(data);
    };
    this.#worker.onerror = (event) => {
      // Otherwise the error ends the whole process.
      event.preventDefault();
      this.#fail(new Error(event.message));
    };
    this.#hear();
  }

  /** Has it open its store and its broker. */
  open(
    settings: NodeSettings,
    owners: SharedArrayBuffer,
    limits: SharedLimitBuffers,
  ): Promise<Answer<"opened">> {
    return this.#ask({ type: "start", settings, owners, limits }, "opened", [], Infinity);
  }

  /** Gives it a way to another node. */
  async link(way: PeerWay): Promise<void> {
    await this.#ask({ type: "link", way }, "linked", [way.port]);
  }

  /** Resolves when it knows what all nodes know to which there is a way. */
  async join(): Promise<void> {
    await this.#ask({ type: "join" }, "joined");
  }

  /** Has it forget the way to another node. When this resolves, it hands nothing over to it. */
  async part(peer: number): Promise<void> {
    await this.#ask({ type: "part", peer }, "parted");
  }

  /** Has it open its listeners. */
  listen(listeners: readonly NodeListener[]): Promise<Answer<"listening">> {
    return this.#ask({ type: "listen", listeners }, "listening");
  }

  /** Has it read its configuration again. Returns what is wrong with it, a line each. */
  async reload(): Promise<readonly string[]> {
    return (await this.#ask({ type: "reload" }, "reloaded")).faults;
  }

  /** Has it open its admin listener. Returns its port. */
  async administer(settings: NodeAdminSettings): Promise<number> {
    return (await this.#ask({ type: "administer", settings }, "administered")).port;
  }

  /** Tells it the state of the other nodes, and that of their streams. */
  tellOthers(counts: SysCounts, streams: SysStreams): void {
    this.#worker.postMessage({ type: "others", counts, streams } satisfies ToNode);
  }

  /** Tells it that all nodes have read their configuration again, and what is wrong with it. */
  tellReloaded(faults: readonly string[]): void {
    this.#worker.postMessage({ type: "reload-done", faults } satisfies ToNode);
  }

  /** Tells it where the admin listeners of all nodes are. */
  tellAdmins(view: NodeAdminView): void {
    this.#worker.postMessage({ type: "admins", view } satisfies ToNode);
  }

  /** Passes on what another node tells it about accounts. */
  tellSecurity(from: number, message: SecurityMessage): void {
    this.#worker.postMessage({ type: "security", from, message } satisfies ToNode);
  }

  /** Tells it that another node does not run, and has not heard what it was told. */
  tellGone(node: number): void {
    this.#worker.postMessage({ type: "gone", node } satisfies ToNode);
  }

  /** Has it stop. It resolves when everything is stored and closed. */
  async stop(graceMs: number): Promise<void> {
    await this.#ask({ type: "stop", graceMs }, "stopped", [], graceMs + this.#answerMsMax);
  }

  /** Ends the worker at once, whatever it does. */
  kill(why: Error): void {
    this.#worker.terminate();
    this.#fail(why);
  }

  #hear(): void {
    this.#next.promise.catch(() => {
      // Whoever waits for an answer hears of it, too. Nobody may be waiting.
    });
  }

  #ask<T extends FromNode["type"]>(
    message: ToNode,
    wanted: T,
    transfer: Transferable[] = [],
    waitMs = this.#answerMsMax,
  ): Promise<Answer<T>> {
    const answer = this.#before.then(() => this.#askNow(message, wanted, transfer, waitMs));
    this.#before = answer.then(() => {}, () => {});
    return answer;
  }

  async #askNow<T extends FromNode["type"]>(
    message: ToNode,
    wanted: T,
    transfer: Transferable[],
    waitMs: number,
  ): Promise<Answer<T>> {
    const { promise } = this.#next;
    this.#worker.postMessage(message, transfer);
    const late = () => this.kill(new Error(`it has not answered within ${waitMs} ms`));
    const timer = waitMs === Infinity ? undefined : setTimeout(late, waitMs);
    const answer = await promise.finally(() => clearTimeout(timer));
    if (answer.type === "failed") throw new NodeStartError(answer);
    if (answer.type !== wanted) throw new Error(`Unexpected answer ${answer.type} to ${wanted}`);
    return answer as Answer<T>;
  }
}
