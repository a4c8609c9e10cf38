/** Finds the dispatch of a group. */
import type { StreamGroup } from "../../stream/stream_group.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { DispatchHost } from "./dispatch_host.ts";
import { GroupDispatch } from "./group_dispatch.ts";

/** The dispatch of a group. It is created when it is first needed. */
export function dispatchOf(host: DispatchHost, log: StreamLog, group: StreamGroup): GroupDispatch {
  group.distributor ??= new GroupDispatch(host, log, group);
  return group.distributor as GroupDispatch;
}

/** Creates the dispatch of each group of a stream, so that a group without members is removed. */
export function watchGroups(host: DispatchHost, log: StreamLog): void {
  for (const group of log.groups.values()) dispatchOf(host, log, group);
}
