// A transaction as a timeline: from InitProducerId over what its producer asked and its coordinator decided to its markers.

import { get } from "../api.js";
import { Empty, Page, html, usePoll } from "../parts.js";
import { Swim } from "../swim.js";
import { clock, took, useLive } from "../wire.js";

const KINDS = { COMMIT: "good", ABORT: "failed", CompleteCommit: "good", CompleteAbort: "failed" };

export default function Transaction({ params }) {
  useLive();
  const state = usePoll(() => get(`/frames/transaction?transactional_id=${encodeURIComponent(params.id)}`), [params.id]);
  return html`<${Page} title="Transaction ${params.id}" lead="What its producer asked, its coordinator decided, and its partitions hold" state=${state}
      actions=${html`<a class="button" href="#/transactions">Transactions</a>`}>${() => {
    const { lanes, items } = state.data;
    if (!items.length) return html`<${Empty}>Nothing was seen of it yet. What its producer does next will be here.<//>`;
    const steps = items.map((item) => ({
      at: clock(item.at_ms),
      from: item.lane,
      text: item.what,
      detail: [item.errors.join(", "), item.says, item.number !== null && `${took(item.until_ms - item.at_ms)} ms`].filter(Boolean).join(" · "),
      kind: item.errors.length ? "failed" : (KINDS[item.what] ?? (item.lane === "producer" ? "asked" : "")),
      href: item.number === null ? undefined : `#/wire/frame/${item.number}`,
    }));
    return html`<${Swim} label="What the transaction did" lanes=${lanes.map((lane) => ({ id: lane, title: lane }))} steps=${steps} gap=${Math.max(84, ...lanes.map((lane) => lane.length * 7 + 14))} words=${560} />`;
  }}<//>`;
}
