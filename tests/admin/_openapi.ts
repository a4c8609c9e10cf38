import { AdminApi } from "../../admin/api/api.ts";
import { openApiOf } from "../../admin/api/openapi.ts";
import { Broker } from "../../mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** The description of the API, as docs/openapi.json has it. */
export function openApiText(): string {
  const api = new AdminApi(new Broker({ clock: new VirtualClock() }), {});
  try {
    return `${JSON.stringify(openApiOf(api.routes.routes, "1.0.0"), null, 2)}\n`;
  } finally {
    api.close();
  }
}
