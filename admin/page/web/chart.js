/** A chart over time, drawn by uPlot in the colours of the page. */
import { clock } from "./format.js";
import { html, useEffect, useRef, useState } from "./preact.js";

/** Redraws every chart when the colours of the page change. */
const redraws = new Set();

/** Called when the colours have changed. */
export function redrawCharts() {
  for (const redraw of redraws) redraw();
}

const HEIGHT = 150;
/** Distances of lines of a scale that has whole numbers only. */
const WHOLE = [1, 10, 100, 1000, 1e4, 1e5, 1e6].flatMap((n) => [n, 2 * n, 5 * n]);
/** All charts show the same moment under the pointer. */
const SYNC_KEY = "fairway";

/**
 * A chart. `data` is the times and the lines as uPlot takes them, `lines` their names and colours,
 * `format` makes text of a value.
 */
export function Chart({ title, data, lines, format, seconds }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  const latest = useRef({ data, format, seconds });
  latest.current = { data, format, seconds };
  useEffect(() => {
    const make = () => {
      plot.current?.destroy();
      plot.current = new globalThis.uPlot(
        optionsOf(place.current, lines, latest, setAt),
        latest.current.data,
        place.current,
      );
    };
    make();
    redraws.add(make);
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width > 0 && width !== plot.current.width) {
        plot.current.setSize({ width, height: HEIGHT });
      }
    });
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      redraws.delete(make);
      plot.current.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current.setData(data);
  }, [data]);
  const index = at ?? data[0].length - 1;
  const values = lines.map(({ name, color }, i) => {
    const value = data[i + 1][index];
    return { name, color, text: value === null || value === undefined ? "–" : format(value) };
  });
  const told = values.map(({ name, text }) => `${name} ${text}`).join(", ");
  return html`
    <section class="card chart">
      <header class="card-head">
        <h2>${title}</h2>
        <ul class="legend">
          ${values.map(({ name, color, text }) =>
            html`<li key=${name}><i class="line ${color}"></i>${name} <b>${text}</b></li>`
          )}
        </ul>
      </header>
      <div class="plot" ref=${place} role="img" aria-label=${`${title} over time; now ${told}`}></div>
    </section>
  `;
}

function optionsOf(place, lines, latest, setAt) {
  const style = getComputedStyle(place);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const font = `11px ${style.fontFamily}`;
  const axis = { stroke: color("muted"), font, gap: 8, ticks: { show: false } };
  return {
    width: Math.max(200, Math.floor(place.clientWidth)),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, sync: { key: SYNC_KEY }, drag: { setScale: false, x: false } },
    scales: {
      x: {
        range: (_, min, max) => {
          const end = max ?? Date.now() / 1000;
          return [Math.max(min ?? 0, end - latest.current.seconds), Math.max(end, (min ?? 0) + 10)];
        },
      },
      y: { range: (_, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 80, values: (_, splits) => times(splits) },
      {
        ...axis,
        size: 62,
        space: 36,
        ...lines[0].isWhole ? { incrs: WHOLE } : {},
        grid: { stroke: color("grid"), width: 1 },
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: color(line.color),
        width: 1.6,
        fill: lines.length === 1 ? `${color(line.color)}22` : undefined,
        points: { show: false },
        spanGaps: line.spanGaps === true,
      })),
    ],
    hooks: {
      setCursor: [({ cursor: { idx, left } }) => setAt(left < 0 ? null : idx ?? null)],
    },
  };
}

/** Times of the day, with seconds where they matter. */
function times(splits) {
  const isClose = splits.length > 1 && splits[1] - splits[0] < 60;
  return splits.map((time) => clock(time * 1000).slice(0, isClose ? 8 : 5));
}
