// Users that log in with SCRAM. The broker gets a salted hash, made here: the password itself does not leave the page.

import { accept, kafka, toast } from "../api.js";
import { Dialog, Form, Page, Pill, Sure, Table, html, number, usePoll, useState } from "../parts.js";

const MECHANISMS = { "SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2 };
const HASHES = { 1: ["SHA-256", 256], 2: ["SHA-512", 512] };
const SALT_BYTES = 24;
const LEAST_ITERATIONS = 4096;
const MOST_ITERATIONS = 16384;
const RESOURCE_NOT_FOUND = 91;

async function ask() {
  const answer = await accept(await kafka("DescribeUserScramCredentials", { users: null }));
  return answer.results
    .filter((one) => one.errorCode !== RESOURCE_NOT_FOUND)
    .flatMap((one) => one.credentialInfos.map((info) => ({ user: one.user, ...info })));
}

const mechanismOf = (number) => Object.keys(MECHANISMS).find((name) => MECHANISMS[name] === number) ?? number;
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

async function salted(password, salt, mechanism, iterations) {
  const [hash, bits] = HASHES[mechanism];
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash, salt, iterations }, key, bits));
}

async function setPassword({ user, mechanism, password, iterations }) {
  if (!crypto.subtle) throw new Error("Browsers hash only on https and on localhost. Use `kbroker user` instead.");
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const number = MECHANISMS[mechanism];
  const hashed = await salted(password, salt, number, Number(iterations));
  const upsertion = {
    name: user,
    mechanism: number,
    iterations: Number(iterations),
    salt: base64(salt),
    saltedPassword: base64(hashed),
  };
  const answer = await kafka("AlterUserScramCredentials", { deletions: [], upsertions: [upsertion] });
  await accept(answer.results[0]);
  toast(`${user} has a password for ${mechanism}`);
}

async function remove({ user, mechanism }) {
  const answer = await kafka("AlterUserScramCredentials", { deletions: [{ name: user, mechanism }], upsertions: [] });
  await accept(answer.results[0]);
  toast(`${user} can no longer log in with ${mechanismOf(mechanism)}`);
}

export default function Users() {
  const state = usePoll(ask, [], 5000);
  const [editing, setEditing] = useState(null);
  const [chosen, setChosen] = useState(null);
  const columns = [
    { title: "User", grow: true, value: (row) => row.user },
    {
      title: "Mechanism",
      value: (row) => row.mechanism,
      cell: (row) => html`<${Pill}>${mechanismOf(row.mechanism)}<//>`,
    },
    { title: "Iterations", num: true, value: (row) => row.iterations, cell: (row) => number(row.iterations) },
    {
      title: "",
      cell: (row) =>
        html`<button class="small" onClick=${() => setEditing(row)}>Change password</button> <button
          class="small danger" onClick=${() => setChosen(row)}>Delete</button>`,
    },
  ];
  const actions = html`<button class="primary" onClick=${() => setEditing({})}>Add user</button>`;
  return html`<${Page} title="Users" lead="that log in with SCRAM" actions=${actions} state=${state}>
    <${Table} label="Users" columns=${columns} rows=${state.data ?? []} keyOf=${(row) => row.user + row.mechanism}
      empty="There are no users with a SCRAM password." />
    ${editing && html`<${Edit} row=${editing} onClose=${() => setEditing(null)} onDone=${state.reload} />`}
    ${chosen && html`<${Sure} title="Delete ${chosen.user}"
      text="Its password for ${mechanismOf(chosen.mechanism)} is deleted."
      onYes=${() => remove(chosen).then(state.reload)} onClose=${() => setChosen(null)} />`}
  <//>`;
}

function Edit({ row, onClose, onDone }) {
  const fields = [
    { name: "user", label: "User", value: row.user ?? "", required: true, disabled: Boolean(row.user) },
    {
      name: "mechanism",
      label: "Mechanism",
      type: "select",
      options: Object.keys(MECHANISMS),
      value: row.mechanism ? mechanismOf(row.mechanism) : "SCRAM-SHA-512",
      disabled: Boolean(row.user),
    },
    { name: "password", label: "Password", type: "password", required: true },
    {
      name: "iterations",
      label: "Iterations",
      type: "number",
      value: String(row.iterations ?? LEAST_ITERATIONS),
      min: LEAST_ITERATIONS,
      max: MOST_ITERATIONS,
      required: true,
    },
  ];
  const save = async (values) => {
    await setPassword(values);
    await onDone();
    onClose();
  };
  return html`<${Dialog} title=${row.user ? `Password of ${row.user}` : "Add user"} onClose=${onClose}><${Form}
    fields=${fields} onSubmit=${save} onCancel=${onClose} /><//>`;
}
