// What a learner's own program has sent: how far an exercise of docs/learn/ has come, and every byte that was wrong.

import { complain, follow, post } from "../api.js";
import { Empty, Page, Pill, html, useEffect, useState } from "../parts.js";

const MOST = 200;
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const KINDS = { done: "good", wrong: "bad", "to do": "plain" };

function Mistake({ row }) {
  return html`<tr>
    <td><a href=${`#/wire/frame/${row.number}`}>${row.api} <span class="soft">v${row.version}</span></a></td>
    <td>${row.client_id ?? "–"}</td>
    <td class="num">${row.offset < 0 ? "–" : row.offset}</td>
    <td><code>${row.path || "–"}</code></td>
    <td><code>${row.found || row.answered || "–"}</code></td>
    <td class="grow wrap">${row.expected}<br /><span class="soft">${[row.rule, row.repair].filter(Boolean).join(" ")}</span></td>
  </tr>`;
}

export default function Lessons() {
  const [number, choose] = useState(1);
  const [checked, setChecked] = useState(null);
  const [wrong, setWrong] = useState([]);
  const [round, look] = useState(0);
  useEffect(() => {
    const told = (requests) => requests.flatMap((one) => one.mistakes.map((each, at) => ({ ...one, ...each, key: `${one.number}.${at}` })));
    post("/control/lessons/wrong").then((before) => setWrong(told(before).reverse().slice(0, MOST))).catch(complain);
    return follow("/control/lessons/follow", (one, type) => {
      if (type === "message") setWrong((rows) => [...told([one]), ...rows].slice(0, MOST));
    });
  }, []);
  useEffect(() => {
    post("/control/lessons/check", { number }).then(setChecked).catch(complain);
  }, [number, round, wrong]);
  return html`<${Page} title="Lessons" lead="What your program has sent to this broker" state=${{ data: checked }}
      actions=${html`<label>Exercise <select value=${number} onChange=${(event) => choose(Number(event.target.value))}>
        ${NUMBERS.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
        <button onClick=${() => look(round + 1)}>Check</button>`}>${() => html`
    <h2>${checked.title} ${checked.done && html`<${Pill} kind="good">done<//>`}</h2>
    <p>${checked.task}</p>
    <ol aria-label="Steps">${checked.steps.map((step) => html`<li key=${step.words}><${Pill} kind=${KINDS[step.state]}>${step.state}<//> ${step.words}
      ${step.number > 0 && html` <a href=${`#/wire/frame/${step.number}`}>its frame</a>`}${step.hint && html` <span class="soft">${step.hint}</span>`}</li>`)}</ol>
    <h2>What was wrong</h2>
    ${wrong.length
      ? html`<div class="table"><table aria-label="Mistakes"><thead><tr><th>Request</th><th>Client</th><th class="num">Byte</th><th>Field</th><th>There</th><th class="grow">Expected</th></tr></thead>
        <tbody>${wrong.map((row) => html`<${Mistake} key=${row.key} row=${row} />`)}</tbody></table></div>`
      : html`<${Empty}>Nothing so far. A frame that breaks a rule of the protocol is shown here, with the byte.<//>`}`}<//>`;
}
