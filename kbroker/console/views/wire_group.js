// A group's rebalance as a sequence diagram: who said what to the coordinator, in order, and what happened to the group.

import { get } from "../api.js";
import { Empty, Page, html, usePoll, useState } from "../parts.js";
import { Swim } from "../swim.js";
import { clock, took, useLive } from "../wire.js";

const COORDINATOR = "coordinator";

export default function Group({ params }) {
  useLive();
  const [quiet, setQuiet] = useState(true);
  const [frozen, freeze] = useState(false);
  const state = usePoll(() => get(`/frames/group?group=${encodeURIComponent(params.id)}`), [params.id], frozen ? 0 : 2000);
  return html`<${Page} title="Group ${params.id}" lead="What its members and the coordinator said, as far as it is remembered" state=${state}
      actions=${html`<label class="inline"><input type="checkbox" checked=${quiet} onChange=${(e) => setQuiet(e.target.checked)} /> heartbeats that change nothing</label>
        <button aria-pressed=${frozen} onClick=${() => freeze(!frozen)}>${frozen ? "Go on" : "Hold still"}</button>
        <a class="button" href="#/groups/${encodeURIComponent(params.id)}">The group</a>`}>${() => {
    const { actors, steps } = state.data;
    if (!steps.length) return html`<${Empty}>Nothing was seen of it yet. Its next heartbeat will be here.<//>`;
    const lanes = [...actors.map((actor) => ({ id: actor.id, title: actor.client_id ?? `#${actor.id}`, under: short(actor.member) })), { id: COORDINATOR, title: "coordinator" }];
    const titles = new Map(lanes.map((lane) => [lane.id, lane.title]));
    const shown = steps.flatMap((step) => drawn(step, titles, quiet));
    return html`<${Swim} label="What members and coordinator said" lanes=${lanes} steps=${shown} gap=${Math.max(240, Math.min(400, 840 / lanes.length))} words=${40} />`;
  }}<//>`;
}

function drawn(step, titles, quiet) {
  const at = clock(step.at_ms);
  if (step.kind === "event") return [{ at, text: step.what, detail: [short(step.member), step.cause].filter(Boolean).join(": "), kind: "event" }];
  if (step.kind === "quiet") {
    const words = step.counts.map((count) => `${titles.get(count.actor)}: ${count.times} × ${count.api}`).join(", ");
    return quiet ? [{ at, text: "…", detail: words, kind: "quiet" }] : [];
  }
  const href = `#/wire/frame/${step.number}`;
  const bad = step.errors.length ? "failed" : "";
  const gives = [step.errors.join(", ") || step.answer, `${took(step.took_ms)} ms`].filter(Boolean).join(", ");
  const asks = { at, from: step.actor, to: COORDINATOR, text: step.api, detail: step.says, href };
  const answers = { at: "", from: COORDINATOR, to: step.actor, text: "", detail: gives, kind: `answer ${bad}`, href };
  if (step.kind === "answer") return [{ ...answers, at: clock(step.at_ms + step.took_ms), text: `to ${step.api}` }];
  return step.is_answered ? [asks, answers] : [asks];
}

const short = (member) => (member.length > 26 ? `${member.slice(0, 12)}…${member.slice(-10)}` : member);
