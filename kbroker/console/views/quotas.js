// Quotas: how much users, clients and addresses may do in a second, and what is given to whoever has none of their own.

import { accept, kafka, toast } from "../api.js";
import { Dialog, Form, Page, Pill, Sure, Table, bytes, html, number, usePoll, useState } from "../parts.js";

// What each quota counts; `of` are the entities that may have it.
const QUOTAS = {
  producer_byte_rate: {
    title: "produced bytes a second",
    show: (value) => `${bytes(value)}/s`,
    of: ["user", "client-id"],
  },
  consumer_byte_rate: {
    title: "fetched bytes a second",
    show: (value) => `${bytes(value)}/s`,
    of: ["user", "client-id"],
  },
  request_percentage: {
    title: "percent of the request threads",
    show: (value) => `${value} %`,
    of: ["user", "client-id"],
  },
  controller_mutation_rate: {
    title: "partitions made or deleted a second",
    show: (value) => `${value}/s`,
    of: ["user", "client-id"],
  },
  connection_creation_rate: { title: "new connections a second", show: (value) => `${value}/s`, of: ["ip"] },
};
const DEFAULT = "(default)";

async function ask() {
  const answer = await accept(await kafka("DescribeClientQuotas", { components: [], strict: false }));
  return (answer.entries ?? []).flatMap((entry) =>
    entry.values.map((one) => ({ entity: entry.entity, key: one.key, value: one.value })),
  );
}

const entityWords = (entity) =>
  entity
    .map((one) => `${one.entityType} ${one.entityName ?? DEFAULT}`)
    .sort()
    .reverse()
    .join(", ");
const keyOf = (row) => `${entityWords(row.entity)}\n${row.key}`;

async function alter(entity, op) {
  const answer = await kafka("AlterClientQuotas", { entries: [{ entity, ops: [op] }], validateOnly: false });
  await accept(answer.entries[0]);
}

export default function Quotas() {
  const state = usePoll(ask, [], 5000);
  const [editing, setEditing] = useState(null);
  const [chosen, setChosen] = useState(null);
  const remove = async (row) => {
    await alter(row.entity, { key: row.key, value: 0, remove: true });
    toast("The quota is deleted");
    await state.reload();
  };
  const columns = [
    {
      title: "Whose",
      grow: true,
      value: (row) => entityWords(row.entity),
      cell: (row) =>
        row.entity.map(
          (one) =>
            html`${one.entityType} ${one.entityName === null ? html`<${Pill}>all without their own<//>` : html`<b>${one.entityName}</b>`} `,
        ),
    },
    {
      title: "Quota",
      value: (row) => row.key,
      cell: (row) => html`<span title=${row.key}>${QUOTAS[row.key]?.title ?? row.key}</span>`,
    },
    {
      title: "Value",
      num: true,
      value: (row) => row.value,
      cell: (row) => html`<span title=${row.value}>${QUOTAS[row.key]?.show(row.value) ?? number(row.value)}</span>`,
    },
    {
      title: "",
      cell: (row) =>
        html`<button class="small" onClick=${() => setEditing(row)}>Change</button> <button class="small danger"
          onClick=${() => setChosen(row)}>Delete</button>`,
    },
  ];
  const actions = html`<button class="primary" onClick=${() => setEditing({})}>Add quota</button>`;
  return html`<${Page} title="Quotas" lead=${state.data && number(state.data.length)} actions=${actions}
    state=${state}>
    <${Table} label="Quotas" columns=${columns} rows=${state.data ?? []} keyOf=${keyOf}
      empty="Nobody has a quota: everybody may do as much as they like." />
    ${editing && html`<${Edit} row=${editing} onClose=${() => setEditing(null)} onDone=${state.reload} />`}
    ${chosen && html`<${Sure} title="Delete quota"
      text="${entityWords(chosen.entity)}: ${QUOTAS[chosen.key]?.title ?? chosen.key}" onYes=${() => remove(chosen)}
      onClose=${() => setChosen(null)} />`}
  <//>`;
}

const KINDS = [
  ["user", "user"],
  ["client-id", "client id"],
  ["user+client-id", "user with client id"],
  ["ip", "address"],
];
const nameField = (kind, label) => ({
  name: kind,
  label,
  value: "",
  placeholder: "all without their own",
  when: (values) => !values.kind || values.kind.split("+").includes(kind),
});

function Edit({ row, onClose, onDone }) {
  const isNew = !row.key;
  const options = (kind) =>
    Object.entries(QUOTAS)
      .filter(([, quota]) => quota.of.includes(kind.split("+")[0]))
      .map(([key, quota]) => [key, quota.title]);
  const value = {
    name: "value",
    label: "Value",
    type: "number",
    min: 0,
    step: "any",
    required: true,
    value: isNew ? "" : String(row.value),
  };
  const fields = isNew
    ? [
        { name: "kind", label: "Whose", type: "select", options: KINDS, value: "user" },
        nameField("user", "User"),
        nameField("client-id", "Client id"),
        nameField("ip", "Address"),
        {
          name: "key",
          label: "Quota",
          type: "select",
          options: options("user"),
          value: "producer_byte_rate",
          when: (values) => values.kind !== "ip",
        },
        {
          name: "ipKey",
          label: "Quota",
          type: "select",
          options: options("ip"),
          value: "connection_creation_rate",
          when: (values) => values.kind === "ip",
        },
        value,
      ]
    : [value];
  const save = async (values) => {
    const entity = isNew
      ? values.kind.split("+").map((entityType) => ({ entityType, entityName: values[entityType] || null }))
      : row.entity;
    const key = isNew ? (values.kind === "ip" ? values.ipKey : values.key) : row.key;
    await alter(entity, { key, value: Number(values.value), remove: false });
    toast("The quota is set");
    await onDone();
    onClose();
  };
  return html`<${Dialog} title=${isNew ? "Add quota" : `${entityWords(row.entity)}: ${QUOTAS[row.key]?.title ?? row.key}`} onClose=${onClose}><${Form} fields=${fields} onSubmit=${save} onCancel=${onClose} /><//>`;
}
