// The configs of a topic, broker or group: who set each, what it means, and changing it.

import { toast } from "./api.js";
import { alterConfigs, configsOf } from "./cluster.js";
import { Dialog, Form, Pill, Search, Table, doing, html, usePoll, useState } from "./parts.js";

// DescribeConfigs' config_source; those that somebody chose come in colour.
const SOURCES = {
  0: ["unknown"],
  1: ["topic", "info"],
  2: ["broker", "info"],
  3: ["brokers' default", "info"],
  4: ["file or flag", "warn"],
  5: ["default"],
  6: ["logger", "info"],
  7: ["client metrics", "info"],
  8: ["group", "info"],
};
const OWN = { topic: 1, broker: 2, metrics: 7, group: 8 };
const TYPES = ["", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"];

const shown = (config) =>
  config.isSensitive ? "hidden" : config.value === null ? "none" : config.value === "" ? "empty" : config.value;

export function Configs({ kind, name, node }) {
  const state = usePoll(() => configsOf(kind, name, { node }), [kind, name, node], 5000);
  const [filter, setFilter] = useState("");
  const [only, setOnly] = useState(false);
  const [open, setOpen] = useState(null);
  const rows = (state.data ?? []).filter(
    (row) => row.name.includes(filter.trim()) && (!only || row.configSource !== 5),
  );
  const columns = [
    { title: "Config", value: (row) => row.name, cell: (row) => html`<span class="mono">${row.name}</span>` },
    {
      title: "Value",
      value: (row) => row.value,
      grow: true,
      cell: (row) => html`<span class=${row.isSensitive || !row.value ? "soft" : "mono"}>${shown(row)}</span>`,
    },
    {
      title: "Set by",
      value: (row) => SOURCES[row.configSource]?.[0],
      cell: (row) =>
        html`<${Pill} kind=${SOURCES[row.configSource]?.[1]}>${SOURCES[row.configSource]?.[0] ?? row.configSource}<//>`,
    },
    { title: "Type", value: (row) => TYPES[row.configType] },
  ];
  return html`<div class="row"><${Search} value=${filter} onInput=${setFilter} label="Filter configs" />
      <label class="inline"><input type="checkbox" checked=${only}
        onChange=${(e) => setOnly(e.target.checked)} /> only what somebody set</label></div>
    ${state.error && html`<p class="error" role="alert">${state.error.message}</p>`}
    ${state.data && html`<${Table} label="Configs" columns=${columns} rows=${rows} keyOf=${(row) => row.name}
      onOpen=${setOpen} empty="No config like this." />`}
    ${open && html`<${Edit} ...${{ kind, name, node, config: open, onClose: () => setOpen(null), onDone: () => (setOpen(null), state.reload()) }} />`}`;
}

function Edit({ kind, name, node, config, onClose, onDone }) {
  const save = async ({ value }) => {
    await alterConfigs(kind, name, { [config.name]: value }, { node });
    toast(`${config.name} is now ${value || "empty"}`);
    onDone();
  };
  const back = doing(async () => {
    await alterConfigs(kind, name, { [config.name]: null }, { node });
    toast(`${config.name} is its default again`);
    onDone();
  });
  const field =
    TYPES[config.configType] === "boolean"
      ? { name: "value", label: "Value", type: "select", options: ["true", "false"], value: config.value }
      : { name: "value", label: "Value", value: config.value ?? "" };
  return html`<${Dialog} title=${config.name} onClose=${onClose}>
    ${config.documentation && html`<p>${config.documentation}</p>`}
    ${
      config.readOnly
        ? html`<p class="soft">It can be changed at the start of the broker only.</p>`
        : html`<${Form} fields=${[field]} onSubmit=${save}
          onCancel=${onClose}>${config.configSource === OWN[kind] && html`<div class="row"><button type="button"
          onClick=${back}>Back to the default</button></div>`}<//>`
    }
    ${
      config.synonyms.length > 0 &&
      html`<h2>Where it comes from</h2><${Table} label="Where it comes from" rows=${config.synonyms}
        keyOf=${(row) => row.name + row.source}
      columns=${[
        { title: "Name", cell: (row) => html`<span class="mono">${row.name}</span>` },
        { title: "Value", grow: true, cell: (row) => html`<span class="mono">${row.value ?? "none"}</span>` },
        { title: "Set by", cell: (row) => SOURCES[row.source]?.[0] },
      ]} />`
    }
  <//>`;
}
