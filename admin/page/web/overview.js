/** The overview: what is wrong, how much there is, and charts of the last two hours. */
import { Chart } from "./chart.js";
import { bytes, count, milliseconds, short } from "./format.js";
import { useLive } from "./live.js";
import { html, useState } from "./preact.js";
import { Badge, Card, Empty, Icon, Tabs, View } from "./ui.js";

const WINDOWS = [["300", "5 min"], ["1800", "30 min"], ["7200", "2 h"]];

const perSecond = (value) => `${short(value)}/s`;
const bytesPerSecond = (value) => `${bytes(value)}/s`;

const CHARTS = [
  {
    title: "Messages",
    format: perSecond,
    lines: [["messagesIn", "in", "blue"], ["messagesOut", "out", "green"]],
  },
  {
    title: "Traffic",
    format: bytesPerSecond,
    lines: [["bytesIn", "in", "blue"], ["bytesOut", "out", "green"]],
  },
  { title: "Clients", format: short, lines: [["clients", "connected", "violet"]], isWhole: true },
  { title: "Dropped", format: perSecond, lines: [["dropped", "messages", "red"]] },
  { title: "Event loop", format: milliseconds, lines: [["loopLag", "late by", "orange"]] },
  { title: "Commits", format: milliseconds, lines: [["commit", "take", "teal"]], spanGaps: true },
  {
    title: "Memory",
    format: bytes,
    lines: [["resident", "process", "blue"], ["heap", "heap", "violet"]],
  },
];

/** The view. */
export function Overview() {
  const { snapshot, series } = useLive();
  const [seconds, setSeconds] = useState("300");
  const actions = html`
    <${Tabs} label="How much of the past" tabs=${WINDOWS} chosen=${seconds}
      onChoose=${setSeconds} />
  `;
  if (snapshot === null) {
    return html`
      <${View} title="Overview">
        <${Empty}>Waiting for the first snapshot …<//><//>
    `;
  }
  return html`
    <${View} title="Overview" actions=${actions}>
      <${Troubles} troubles=${snapshot.troubles} />
      <${Tiles} snapshot=${snapshot} series=${series} />
      <div class="charts">
        ${CHARTS.map(({ title, format, lines, spanGaps, isWhole }) =>
          html`
            <${Chart} key=${title} title=${title} format=${format} seconds=${Number(seconds)}
              lines=${lines.map(([, name, color]) => ({ name, color, spanGaps, isWhole }))}
              data=${series.window(lines.map(([line]) => line), Number(seconds))} />
          `
        )}
        <${Drops} dropped=${snapshot.dropped} />
      </div>
      <//>
  `;
}

/** What is wrong right now, in words. */
function Troubles({ troubles }) {
  if (troubles.length === 0) {
    return html`
      <p class="all-well" role="status"><${Icon} name="ok" />Everything is fine.</p>
    `;
  }
  return html`
    <section class="troubles" aria-label="What is wrong right now">
      <ul>
        ${troubles.map(({ level, text, clientId }) =>
          html`
            <li class=${level} key=${text}>
              <${Icon} name="bad" />
              <span><span class="sr">${level === "bad"
                ? "Error: "
                : "Warning: "}</span>${text}</span>
              ${clientId && html`<a href=${`#/clients/${encodeURIComponent(clientId)}`}>Look</a>`}
            </li>
          `
        )}
      </ul>
    </section>
  `;
}

function Tiles({ snapshot, series }) {
  const { sizes, totals } = snapshot;
  const tiles = [
    ["Clients", count(sizes.clients), `most ${count(sizes.clientsMost)}`],
    [
      "Messages in",
      perSecond(series.latest("messagesIn")),
      `${short(snapshot.counters.messagesIn)} in all`,
    ],
    [
      "Messages out",
      perSecond(series.latest("messagesOut")),
      `${short(snapshot.counters.messagesOut)} in all`,
    ],
    ["Sessions", count(sizes.sessions), `${count(totals.offline)} away`],
    ["Subscriptions", count(sizes.subscriptions), ""],
    ["Retained", count(sizes.retained), bytes(sizes.retainedBytes)],
    [
      "Waiting",
      count(totals.backlogMessages),
      `${bytes(totals.backlogBytes + totals.lagBytes)} for clients`,
    ],
  ];
  return html`
    <dl class="tiles">
      ${tiles.map(([name, value, more]) =>
        html`
          <div class="tile" key=${name}>
            <dt>${name}</dt>
            <dd><b>${value}</b><span>${more}</span></dd>
          </div>
        `
      )}
    </dl>
  `;
}

function Drops({ dropped }) {
  const rows = Object.entries(dropped).sort(([, a], [, b]) => b - a);
  return html`
    <${Card} title="Dropped since the start" kind="drops">
      ${rows.length === 0 ? html`<${Empty}>Nothing was dropped.<//>` : html`
        <ul class="rows">
          ${rows.map(([reason, n]) =>
            html`
              <li key=${reason}>
                <${Badge}>${reason}<//><b>${count(n)}</b></li>
            `
          )}
        </ul>
      `}
    <//>
  `;
}
