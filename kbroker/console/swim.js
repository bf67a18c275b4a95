// Lanes with what happens in them, from top to bottom: sequence diagrams and timelines, drawn as SVG.
//
//   lanes   [{id, title}]          steps   [{from, to?, text, detail?, kind?, at?, href?, gap?}]
//   a step with `to` is an arrow between two lanes, one without a dot in its lane; without `from` a line of words

import { html } from "./parts.js";

const STEP = 26;
const TOP = 46;
const TIME = 92; // px for the time on the left
const WIDE = 8.2; // px a letter of the words beside a dot, at most

export function Swim({ label, lanes, steps, gap = 190, words = 420 }) {
  const x = new Map(lanes.map((lane, index) => [lane.id, TIME + 30 + index * gap]));
  const width = TIME + 60 + (lanes.length - 1) * gap + words;
  const height = TOP + steps.length * STEP + 14;
  return html`<div class="swim" tabindex="0" role="group" aria-label=${label}><svg width=${width} height=${height} role="img" aria-label=${label}>
    <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker></defs>
    ${lanes.map((lane) => html`<g class="lane" key=${lane.id}><text x=${x.get(lane.id)} y="18" text-anchor="middle">${lane.title}</text>
      ${lane.under && html`<text class="under" x=${x.get(lane.id)} y="33" text-anchor="middle">${lane.under}</text>`}
      <line x1=${x.get(lane.id)} y1=${TOP - 8} x2=${x.get(lane.id)} y2=${height - 6} /></g>`)}
    ${steps.map((step, index) => html`<${Step} key=${index} step=${step} y=${TOP + index * STEP + 12} x=${x} end=${TIME + 60 + (lanes.length - 1) * gap} />`)}
  </svg></div>`;
}

function Step({ step, y, x, end }) {
  const name = `${step.at ?? ""} ${step.text} ${step.detail ?? ""}`.trim();
  const drawn = html`<g class="step ${step.kind ?? ""}"><title>${name}</title>
    <text class="at" x="4" y=${y + 4}>${step.at}</text>${step.to !== undefined ? arrow(step, y, x) : step.from !== undefined ? dot(step, y, x, end) : line(step, y, end)}</g>`;
  return step.href ? html`<a href=${step.href} aria-label=${name}>${drawn}</a>` : drawn;
}

function arrow(step, y, x) {
  const [from, to] = [x.get(step.from), x.get(step.to)];
  const room = Math.abs(to - from) - 20;
  const left = Math.min(from, to) + 10;
  return html`<line class="arrow" x1=${from} y1=${y + 3} x2=${to} y2=${y + 3} marker-end="url(#head)" marker-start=${step.both ? "url(#head)" : undefined} />
    <text class="says" x=${left} y=${y - 2}><tspan class="what">${step.text}</tspan><tspan class="detail" dx="6">${fit(step.detail, room - step.text.length * WIDE)}</tspan></text>`;
}

function dot(step, y, x, end) {
  return html`<circle cx=${x.get(step.from)} cy=${y} r="5" /><text class="says" x=${end} y=${y + 4}><tspan class="what">${step.text}</tspan><tspan class="detail" dx="6">${step.detail}</tspan></text>`;
}

function line(step, y, end) {
  return html`<rect x=${TIME} y=${y - 10} width=${end - TIME} height="19" rx="4" /><text class="says" x=${TIME + 10} y=${y + 4}><tspan class="what">${step.text}</tspan><tspan class="detail" dx="6">${step.detail}</tspan></text>`;
}

function fit(words, room) {
  const most = Math.max(0, Math.floor(room / 6.4));
  return !words || words.length <= most ? words : most > 3 ? `${words.slice(0, most - 1)}…` : "";
}
