// Step mode: the clock stands, requests wait, and one goes on at each key press; beside it what it has changed.

import { follow, post, complain } from "../api.js";
import { Empty, Facts, Page, Pill, Table, doing, html, number, useEffect, useRef, useState } from "../parts.js";
import { clock } from "../wire.js";

const WAITING = [
  { title: "", cell: (row) => row.first && html`<${Pill} kind="info">next<//>` },
  { title: "From", cell: (row) => `#${row.connection}` },
  { title: "Client", cell: (row) => row.client_id ?? "–" },
  { title: "API", cell: (row) => html`${row.api} <span class="soft">v${row.version}</span>` },
  { title: "Request", grow: true, cell: (row) => html`<code>${JSON.stringify(row.request)}</code>` },
];

export default function Steps() {
  const [steps, setSteps] = useState(null);
  const [last, setLast] = useState(null);
  const [busy, setBusy] = useState(false);
  const on = useRef(false);
  on.current = Boolean(steps?.on);
  const next = doing(async (id) => {
    if (busy || !steps?.waiting.length) return;
    setBusy(true);
    try {
      const step = await post("/control/step/next", id === undefined ? {} : { id });
      setLast(step);
      setSteps(step.then);
    } finally {
      setBusy(false);
    }
  });
  const begin = doing(async () => (setLast(null), setSteps(await post("/control/step/begin"))));
  const end = doing(async () => setSteps(await post("/control/step/end")));
  useEffect(() => follow("/control/step/follow", (now, type) => type === "message" && setSteps(now), complain), []);
  useEffect(() => {
    const leave = () => on.current && fetch("/control/step/end", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", keepalive: true });
    addEventListener("pagehide", leave);
    return () => (removeEventListener("pagehide", leave), on.current && post("/control/step/end").catch(() => {}));
  }, []);
  useEffect(() => {
    const pressed = (event) => {
      if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "n" && steps?.on) next();
      else if (event.key === "x" && steps?.on) end();
      else if (event.key === "b" && steps && !steps.on) begin();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [steps, busy]);
  const waiting = (steps?.waiting ?? []).map((row, index) => ({ ...row, first: index === 0 }));
  return html`<${Page} title="Step mode" lead="The clock stands, every request waits; one goes on at a time" state=${{ data: steps }}
      actions=${steps?.on
        ? html`<button class="primary" disabled=${!waiting.length || busy} onClick=${() => next()}>Next <kbd>n</kbd></button><button onClick=${end}>Let all go <kbd>x</kbd></button>`
        : html`<button class="primary" onClick=${begin}>Begin <kbd>b</kbd></button>`}>${() => html`
    <${Facts} facts=${[["Step mode", steps.on ? html`<${Pill} kind="warn">on<//>` : "off"], ["Time", html`<span class="mono">${clock(steps.time_ms)}</span>`], ["Gone on", number(steps.done)]]} />
    ${steps.on
      ? html`<${Table} label="Waiting requests" columns=${WAITING} rows=${waiting} keyOf=${(row) => row.id} onOpen=${(row) => next(row.id)} empty="No request waits. Whatever a client asks now stops here." />`
      : html`<${Empty}>Nothing is held. When step mode begins, clients wait at their next request until it is let go: those that are impatient will give up and ask again. It ends when this view is left.<//>`}
    ${last && html`<${Last} step=${last} />`}`}<//>`;
}

function Last({ step }) {
  const { request, moved } = step;
  return html`<h2>Step ${step.number}: ${request.api} v${request.version} <span class="count">of ${request.client_id ?? "–"}</span></h2>
    ${moved.length
      ? html`<div class="table"><table aria-label="What it changed"><thead><tr><th>What</th><th>Before</th><th class="grow">After</th></tr></thead>
        <tbody>${moved.map((change) => html`<tr key=${change.what}><td>${change.what}</td><td class="soft">${change.before || "–"}</td><td><b>${change.after || "gone"}</b></td></tr>`)}</tbody></table></div>`
      : html`<${Empty}>It changed no group, no transaction and no log.<//>`}
    <details><summary>Everything, before and after</summary><div class="sides">${["before", "after"].map(
      (side) => html`<dl class="state" aria-label=${side}><dt><b>${side}</b></dt>${Object.entries(step[side]).map(([what, value]) => html`<div class=${moved.some((change) => change.what === what) ? "moved" : ""}><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>`,
    )}</div></details>
    <details><summary>The request</summary><pre class="json">${JSON.stringify(request.request, null, 2)}</pre></details>`;
}
