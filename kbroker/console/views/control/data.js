// The data as a whole: kept, brought back, forgotten. Clients are let go of each time; the port stays.
//
// A snapshot has a number, and the broker holds it as long as it runs; which ones this tab has taken, the tab knows.

import { bus, post, toast } from "../../api.js";
import { Ago, Dialog, Empty, Form, Sure, doing, html, useState } from "../../parts.js";

const KEPT = "kbroker-snapshots";
const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");

export function Data() {
  const [snapshots, setSnapshots] = useState(kept);
  const [asking, ask] = useState(null);
  const keep = (list) => (sessionStorage.setItem(KEPT, JSON.stringify(list)), setSnapshots(list));
  const take = doing(async () => {
    const number = await post("/control/data/snapshot");
    keep([...kept(), { number, at: Date.now() }]);
    toast(`Snapshot ${number} is kept`);
  });
  const drop = (number) => keep(kept().filter((each) => each.number !== number));
  const restore = async (number) => {
    try {
      await post("/control/data/restore", { snapshot: number });
    } catch (error) {
      if (error.kind === "missing") drop(number);
      throw error;
    }
    toast(`Snapshot ${number} is back`);
    bus.dispatchEvent(new Event("again"));
  };
  const forget = (number) => doing(async () => (await post("/control/data/forget", { snapshot: number }), drop(number)))();
  const reset = async ({ word, topics }) => {
    if (word !== "reset") throw new Error("Type reset to go on.");
    await post("/control/data/reset", { keep: topics ? "topics" : "" });
    ask(null);
    toast("Everything is forgotten");
    bus.dispatchEvent(new Event("again"));
  };
  return html`<section class="panel" aria-label="Data">
    <h2>Data</h2>
    <div class="row">
      <button onClick=${take}>Take a snapshot</button>
      <button class="danger" onClick=${() => ask({ reset: true })}>Reset…</button>
    </div>
    ${snapshots.length === 0 ? html`<${Empty}>No snapshot was taken in this tab.<//>`
      : html`<ul class="snapshots">${snapshots.map((each) => html`<li key=${each.number}>Snapshot ${each.number} <span class="soft"><${Ago} ms=${each.at} /></span>
          <button class="small" onClick=${() => ask({ restore: each.number })}>Restore…</button>
          <button class="small plain" aria-label="Forget snapshot ${each.number}" onClick=${() => forget(each.number)}>✕</button></li>`)}</ul>`}
    ${asking?.restore !== undefined && html`<${Sure} title="Restore snapshot ${asking.restore}?" text="Topics, records, committed offsets and configs become what they were. Clients are disconnected, and open transactions are aborted."
      action="Restore" onYes=${() => restore(asking.restore)} onClose=${() => ask(null)} />`}
    ${asking?.reset && html`<${Dialog} title="Forget everything?" onClose=${() => ask(null)}>
      <p>Topics, records, groups, configs set at run time, faults and the history are gone then. Clients are disconnected.</p>
      <${Form} fields=${[
        { name: "topics", label: "Keep the topics and their configs", type: "checkbox" },
        { name: "word", label: "Type reset to confirm", required: true },
      ]} submit="Reset" danger onSubmit=${reset} onCancel=${() => ask(null)} /><//>`}
  </section>`;
}
