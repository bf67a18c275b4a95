// The time that Kafka's rules live by: let it stand, let it run, move it forward, and see which timers that fired.

import { post } from "../../api.js";
import { Empty, Pill, doing, duration, html, time, usePoll, useState } from "../../parts.js";

const STEPS = ["10s", "1m", "1h", "1d"];
const MOST = 200;

export function Clock() {
  const { data: now, error, reload } = usePoll(() => post("/control/clock/now"), [], 1000);
  const [by, setBy] = useState("");
  const [keep, setKeep] = useState(false);
  const [fired, setFired] = useState(null);
  const verb = (name, body) => doing(async () => (await post(`/control/clock/${name}`, body), reload()));
  const advance = (how) => doing(async () => {
    const before = (await post("/control/clock/now")).time_ms;
    const done = await post("/control/clock/advance", { by: how, keep_members: keep });
    setFired({ ...done, by: how, from: before });
    reload();
  })();
  const sent = (event) => (event.preventDefault(), by.trim() && advance(by.trim()));
  return html`<section class="panel" aria-label="Clock">
    <h2>Clock</h2>
    ${error && html`<p class="error" role="alert">${error.message}</p>`}
    ${now && html`<p class="clock"><span class="mono">${time(now.time_ms)}</span> <span class="soft">UTC</span>${" "}
      ${now.frozen ? html`<${Pill} kind="warn">stands<//>` : html`<${Pill} kind="good">${now.pace === 1 ? "runs" : `runs ${now.pace} ×`}<//>`}</p>
      <p class="soft">${now.next_timer_ms === null ? "No timer is set." : `The next timer is due in ${duration(Math.max(0, now.next_timer_ms - now.time_ms))}.`}</p>`}
    <div class="row">
      ${now?.frozen ? html`<button onClick=${verb("auto", {})}>Let it run</button>` : html`<button onClick=${verb("freeze", {})}>Freeze</button>`}
      <button onClick=${verb("auto", { pace: 60 })} title="A minute of the broker's time in a second">60 ×</button>
      ${STEPS.map((step) => html`<button key=${step} onClick=${() => advance(step)}>+${step}</button>`)}
    </div>
    <form class="row" onSubmit=${sent}>
      <input aria-label="Advance by" placeholder="45s, 1h30m, 7d" size="10" value=${by} onInput=${(event) => setBy(event.target.value)} />
      <button type="submit">Advance</button>
      <label class="inline" title="Sessions of groups' members are refreshed first, as if each had just sent a heartbeat"><input type="checkbox" checked=${keep} onChange=${(event) => setKeep(event.target.checked)} /> keep members</label>
    </form>
    ${fired && html`<${Fired} fired=${fired} />`}
  </section>`;
}

function Fired({ fired }) {
  const rows = fired.fired.slice(0, MOST);
  return html`<div role="status" aria-label="What fired"><p><b>+${fired.by}</b>: ${fired.fired.length === 0 ? "no timer fired." : fired.fired.length === 1 ? "1 timer fired." : `${fired.fired.length} timers fired.`}</p>
    ${rows.length ? html`<ol class="fired">${rows.map((each) => html`<li><span class="soft mono">+${duration(Math.max(0, each.at_ms - fired.from))}</span> <code>${each.what}</code></li>`)}</ol>` : ""}
    ${fired.fired.length > MOST && html`<${Empty}>… and ${fired.fired.length - MOST} more<//>`}</div>`;
}
