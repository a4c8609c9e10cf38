/** The worker of one node: it does what the supervisor tells it. */
import { SharedLimits } from "../../broker/limits/shared_limits.ts";
import { startFailure } from "../start_error.ts";
import { DescriptorOwners } from "./descriptor_owners.ts";
import type { FromNode, ToNode } from "./node_messages.ts";
import type { SecurityMessage } from "./security_messages.ts";
import type { WorkerNode } from "./worker_node.ts";

/** The global scope of a worker, as far as it is used here. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToNode>) => void) | null;
  postMessage(message: FromNode): void;
  close(): void;
};

let node: WorkerNode | null = null;
/** How often a node tells its state for `$SYS`, in milliseconds. */
const COUNTS_MS = 1000;
let telling: ReturnType<typeof setInterval> | undefined;
/** Who waits until all nodes have read the configuration again. */
const reloads: ((faults: readonly string[]) => void)[] = [];
/** One message is handled after the other. */
let before: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  // A node waits for accounts while it does something else that the supervisor has told it.
  if (data.type === "security") return node?.takeSecurity(data.from, data.message);
  if (data.type === "gone") return node?.takeGone(data.node);
  before = before.then(() => handle(data)).catch((error) => {
    scope.postMessage({ type: "failed", ...startFailure(error) });
  });
};

async function handle(message: Exclude<ToNode, { type: "security" | "gone" }>): Promise<void> {
  switch (message.type) {
    case "start": {
      const lines: string[] = [];
      const { settings } = message;
      const shared = {
        owners: new DescriptorOwners(message.owners),
        limits: new SharedLimits(settings.nodes, settings.node, message.limits),
      };
      // Each worker loads the source anew, and needs only one of the two.
      if (settings.config === null) {
        const { ServerNode } = await import("./server_node.ts");
        node = await ServerNode.open(settings, shared, (line) => lines.push(line));
      } else {
        const { ConfiguredNode } = await import("./configured_node.ts");
        node = await ConfiguredNode.open(settings, settings.config, shared, { reloadAll, post });
      }
      node.links.onLost = (peer, why) => scope.postMessage({ type: "link-lost", peer, why });
      tellCounts(node);
      return scope.postMessage({ type: "opened", lines, forgotten: node.forgotten });
    }
    case "link":
      node!.links.link(message.way);
      return scope.postMessage({ type: "linked" });
    case "join":
      await node!.links.whenJoined();
      return scope.postMessage({ type: "joined" });
    case "part":
      node!.links.part(message.peer);
      return scope.postMessage({ type: "parted" });
    case "listen":
      return scope.postMessage({ type: "listening", ...await node!.listen(message.listeners) });
    case "reload":
      return scope.postMessage({ type: "reloaded", faults: await node!.reload() });
    case "administer": {
      const port = await node!.administer(message.settings);
      return scope.postMessage({ type: "administered", port });
    }
    case "reload-done":
      return reloads.shift()?.(message.faults);
    case "admins":
      return node?.takeAdmins(message.view);
    case "others":
      return node?.takeOthers(message.counts, message.streams);
    case "stop":
      clearInterval(telling);
      await node?.stop(message.graceMs);
      scope.postMessage({ type: "stopped" });
      scope.close();
  }
}

/** Tells another node something about accounts. */
function post(to: number, message: SecurityMessage): void {
  scope.postMessage({ type: "security", to, message });
}

/** Has all nodes read the configuration again. Returns what is wrong with it, a line each. */
function reloadAll(): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  reloads.push(resolve);
  scope.postMessage({ type: "reload-wanted" });
  return promise;
}

/** Tells the supervisor the state of a node from now on. */
function tellCounts(node: WorkerNode): void {
  telling = setInterval(() => {
    const { counts, streams } = node;
    if (counts !== null) scope.postMessage({ type: "counts", counts, streams });
  }, COUNTS_MS);
}
