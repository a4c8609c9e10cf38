/**
 * The files of the page as texts.
 *
 * @module
 */
import type { LoadText } from "./client_sources.ts";

/** The modules of the page, by their paths; `web/app.js` is the first one. */
export const WEB_MODULES: Readonly<Record<string, LoadText>> = {
  "web/api.js": () => import("./web/api.js", { with: { type: "text" } }),
  "web/app.js": () => import("./web/app.js", { with: { type: "text" } }),
  "web/chart.js": () => import("./web/chart.js", { with: { type: "text" } }),
  "web/client_view.js": () => import("./web/client_view.js", { with: { type: "text" } }),
  "web/clients.js": () => import("./web/clients.js", { with: { type: "text" } }),
  "web/format.js": () => import("./web/format.js", { with: { type: "text" } }),
  "web/groups.js": () => import("./web/groups.js", { with: { type: "text" } }),
  "web/live.js": () => import("./web/live.js", { with: { type: "text" } }),
  "web/login.js": () => import("./web/login.js", { with: { type: "text" } }),
  "web/messages.js": () => import("./web/messages.js", { with: { type: "text" } }),
  "web/mqtt_pane.js": () => import("./web/mqtt_pane.js", { with: { type: "text" } }),
  "web/overview.js": () => import("./web/overview.js", { with: { type: "text" } }),
  "web/payload.js": () => import("./web/payload.js", { with: { type: "text" } }),
  "web/retained.js": () => import("./web/retained.js", { with: { type: "text" } }),
  "web/series.js": () => import("./web/series.js", { with: { type: "text" } }),
  "web/streams.js": () => import("./web/streams.js", { with: { type: "text" } }),
  "web/topic_model.js": () => import("./web/topic_model.js", { with: { type: "text" } }),
  "web/topics.js": () => import("./web/topics.js", { with: { type: "text" } }),
  "web/ui.js": () => import("./web/ui.js", { with: { type: "text" } }),
};

/** The page itself. */
export const HTML: LoadText = () => import("./web/index.html", { with: { type: "text" } });

/** The parts of the style sheet, in their order. */
export const STYLES: readonly LoadText[] = [
  () => import("./web/base.css", { with: { type: "text" } }),
  () => import("./web/frame.css", { with: { type: "text" } }),
  () => import("./web/parts.css", { with: { type: "text" } }),
  () => import("./web/views.css", { with: { type: "text" } }),
  () => import("./web/messages.css", { with: { type: "text" } }),
  () => import("./web/overlay.css", { with: { type: "text" } }),
  () => import("./web/narrow.css", { with: { type: "text" } }),
];
