/** The bans of all nodes as one list: a ban holds on each of them. */
import { json, noContent } from "../../admin/http/http_responses.ts";
import { RequestError } from "../../admin/http/request_error.ts";
import type { NodeAdmins, NodeRequest } from "./node_admins.ts";

/** A ban, as a node tells it. */
interface BanView {
  readonly id: number;
  readonly kind: string;
  readonly value: string;
}

/** Entries of a page that a node is asked for. */
const PAGE_MAX = 1000;

/** Lists, adds and deletes bans. Its numbers are those of the nodes, and the node. */
export class MergedBans {
  readonly #admins: NodeAdmins;

  constructor(admins: NodeAdmins) {
    this.#admins = admins;
  }

  /** Answers with a page: each ban once, wherever it is in effect. */
  async list(request: NodeRequest): Promise<Response> {
    const limit = Number(request.query.get("limit") ?? 100);
    const from = Number(request.query.get("cursor") ?? 0);
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
      throw new RequestError(400, `"limit" expects 1 to ${PAGE_MAX}`, "limit");
    }
    if (!Number.isInteger(from) || from < 0) {
      throw new RequestError(400, '"cursor" expects the meta.next of another page', "cursor");
    }
    const all = [...(await this.#all(request)).values()].map(([first]) => first!)
      .sort((a, b) => b.id - a.id);
    const next = from + limit < all.length ? String(from + limit) : null;
    return json({ data: all.slice(from, from + limit), meta: { limit, next } });
  }

  /** Adds a ban at every node. */
  async add(request: NodeRequest): Promise<Response> {
    const responses = await this.#admins.allOk(() => request);
    if (responses instanceof Response) return responses;
    const [first, ...others] = responses;
    const { data } = await first!.json();
    for (const { body } of others) await body?.cancel();
    return json({ data: { ...data, id: this.#idOf(data.id, 0) } }, 201);
  }

  /** Deletes a ban at every node. */
  async delete(request: NodeRequest, id: string): Promise<Response> {
    const list = { ...request, method: "GET", path: "/api/v1/bans", body: null };
    for (const bans of (await this.#all(list)).values()) {
      if (!bans.some((ban) => String(ban.id) === id)) continue;
      for (const ban of bans) {
        const node = ban.id % this.#admins.count;
        const path = `/api/v1/bans/${Math.floor(ban.id / this.#admins.count)}`;
        const response = await this.#admins.ask(node, { ...request, path });
        if (!response.ok && response.status !== 404) return response;
        await response.body?.cancel();
      }
      return noContent();
    }
    throw new RequestError(404, `There is no ban ${id.slice(0, 100)}`, "id");
  }

  #idOf(id: number, node: number): number {
    return id * this.#admins.count + node;
  }

  /** All bans: by what they are about, the one of each node. */
  async #all(request: NodeRequest): Promise<Map<string, BanView[]>> {
    const found = new Map<string, BanView[]>();
    for (let node = 0; node < this.#admins.count; node++) {
      let cursor: string | null = null;
      do {
        const query = new URLSearchParams({ limit: String(PAGE_MAX) });
        if (cursor !== null) query.set("cursor", cursor);
        const response = await this.#admins.ask(node, { ...request, query });
        const { data, meta }: { data: BanView[]; meta: { next: string | null } } = await response
          .json();
        for (const ban of data) {
          const key = `${ban.kind} ${ban.value}`;
          found.set(key, [...found.get(key) ?? [], { ...ban, id: this.#idOf(ban.id, node) }]);
        }
        cursor = meta.next;
      } while (cursor !== null);
    }
    return found;
  }
}
