// A chart over time: <Chart label="..." names=${[...]} times=${[ms]} values=${[[...], ...]} />. uPlot is loaded with the first one.

import { bus, complain } from "./api.js";
import { html, number, useEffect, useRef } from "./parts.js";

const HEIGHT = 170;
let loading;

function load() {
  if (!loading) {
    document.head.append(
      Object.assign(document.createElement("link"), { rel: "stylesheet", href: "vendor/uplot.css" }),
    );
    loading = import("./vendor/uplot.js").then((module) => module.default);
  }
  return loading;
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** The colour that a custom property means just now: canvas knows no light-dark(). */
function colour(name) {
  const probe = document.body.appendChild(Object.assign(document.createElement("i"), { hidden: true }));
  probe.style.color = token(name);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

function options(names, width) {
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui",
  };
  return {
    width,
    height: HEIGHT,
    cursor: { y: false },
    series: [
      { value: (_, s) => (s ? clock(s) : "–") },
      ...names.map((label, i) => ({
        label,
        stroke: colour(`--line-${(i % 6) + 1}`),
        width: 1.5,
        value: (_, v) => number(v),
      })),
    ],
    axes: [
      { ...axis, space: 76, values: (_, ticks) => ticks.map((s) => clock(s)) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => number(tick)) },
    ],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high) * 1.05] } },
  };
}

export function Chart({ label, names, times, values }) {
  const box = useRef(null);
  const plot = useRef(null);
  const data = [times.map((ms) => ms / 1000), ...values];
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    let gone = false;
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: box.current.clientWidth - 18, height: HEIGHT }),
    );
    const draw = () =>
      load().then((UPlot) => {
        if (gone) return;
        plot.current?.destroy();
        plot.current = new UPlot(options(names, box.current.clientWidth - 18), latest.current, box.current);
      }, complain);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    draw();
    watch.observe(box.current);
    bus.addEventListener("theme", draw);
    dark.addEventListener("change", draw);
    return () => {
      gone = true;
      watch.disconnect();
      bus.removeEventListener("theme", draw);
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names.join("\n")]);
  useEffect(() => plot.current?.setData(data));
  const last = values.map((line) => line.at(-1) ?? 0);
  return html`<div class="plot" ref=${box} role="img"
    aria-label="${label}: ${names.map((name, i) => `${name} ${number(last[i])}`).join(", ")}"></div>`;
}
