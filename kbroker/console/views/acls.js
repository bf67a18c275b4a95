// Access rules: who may, or may not, do what with which resource; making and deleting them.

import { accept, kafka, toast } from "../api.js";
import { Dialog, Form, Page, Pill, Search, Sure, Table, html, number, useMemo, usePoll, useState } from "../parts.js";

const ANY = 1;
const SECURITY_DISABLED = 54;
const RESOURCES = { topic: 2, group: 3, cluster: 4, "transactional-id": 5, "delegation-token": 6, user: 7 };
const PATTERNS = { literal: 3, prefixed: 4 };
const OPERATIONS = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  "cluster-action": 9,
  "describe-configs": 10,
  "alter-configs": 11,
  "idempotent-write": 12,
  "create-tokens": 13,
  "describe-tokens": 14,
  "two-phase-commit": 15,
};
const PERMISSIONS = { deny: 2, allow: 3 };
const CLUSTER = "kafka-cluster";

const word = (words, number) => Object.keys(words).find((each) => words[each] === number) ?? String(number);

async function ask() {
  const filter = {
    resourceTypeFilter: ANY,
    resourceNameFilter: null,
    patternTypeFilter: ANY,
    principalFilter: null,
    hostFilter: null,
    operation: ANY,
    permissionType: ANY,
  };
  const answer = await kafka("DescribeAcls", filter);
  if (answer.errorCode === SECURITY_DISABLED) return null;
  await accept(answer);
  return answer.resources.flatMap((resource) => resource.acls.map((acl) => ({ ...resource, ...acl })));
}

const keyOf = (row) =>
  [
    row.resourceType,
    row.resourceName,
    row.patternType,
    row.principal,
    row.host,
    row.operation,
    row.permissionType,
  ].join("\n");

const inWords = (row) =>
  `${word(PERMISSIONS, row.permissionType)} ${row.principal}${row.host === "*" ? "" : ` from ${row.host}`} ${word(OPERATIONS, row.operation)} on ${word(RESOURCES, row.resourceType)} ${row.resourceName}${row.patternType === PATTERNS.prefixed ? "*" : ""}`;

async function remove(row) {
  const filter = {
    resourceTypeFilter: row.resourceType,
    resourceNameFilter: row.resourceName,
    patternTypeFilter: row.patternType,
    principalFilter: row.principal,
    hostFilter: row.host,
    operation: row.operation,
    permissionType: row.permissionType,
  };
  const answer = await kafka("DeleteAcls", { filters: [filter] });
  await accept(answer.filterResults[0]);
  toast("The rule is deleted");
}

export default function Acls() {
  const state = usePoll(async () => ({ rules: await ask() }), [], 5000);
  const [filter, setFilter] = useState("");
  const [creating, setCreating] = useState(false);
  const [chosen, setChosen] = useState(null);
  const rules = state.data?.rules;
  const rows = useMemo(
    () => (rules ?? []).filter((row) => inWords(row).toLowerCase().includes(filter.toLowerCase())),
    [rules, filter],
  );
  const columns = [
    {
      title: "",
      value: (row) => row.permissionType,
      cell: (row) =>
        html`<${Pill} kind=${row.permissionType === PERMISSIONS.allow ? "good" : "bad"}>${word(PERMISSIONS, row.permissionType)}<//>`,
    },
    { title: "Who", value: (row) => row.principal },
    { title: "From host", value: (row) => row.host },
    { title: "Operation", value: (row) => word(OPERATIONS, row.operation) },
    { title: "Resource", value: (row) => word(RESOURCES, row.resourceType) },
    {
      title: "Name",
      grow: true,
      value: (row) => row.resourceName,
      cell: (row) =>
        html`${row.resourceName}${row.patternType === PATTERNS.prefixed && html` <${Pill}>and all that begin so<//>`}`,
    },
    {
      title: "",
      cell: (row) =>
        html`<button class="small danger" aria-label="Delete: ${inWords(row)}"
          onClick=${() => setChosen(row)}>Delete</button>`,
    },
  ];
  const actions =
    rules &&
    html`<${Search} value=${filter} onInput=${setFilter} label="Filter rules" /><button class="primary"
      onClick=${() => setCreating(true)}>Add rule</button>`;
  return html`<${Page} title="Access rules" lead=${rules && number(rows.length)} actions=${actions}
    state=${state}>${() => html`
    ${
      rules === null
        ? html`<p>This broker has no authorizer: everybody may do everything. With one, the rules stand here:</p>
          <pre
            class="mono">kbroker serve --set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer --set 'super.users=User:admin;User:console'</pre>`
        : html`<${Table} label="Access rules" columns=${columns} rows=${rows} keyOf=${keyOf} sort=${1}
          empty=${filter ? "No rule like this." : "There are no rules: only super users may do anything, unless allow.everyone.if.no.acl.found says otherwise."} />`
    }
    ${creating && html`<${Create} onClose=${() => setCreating(false)} onDone=${state.reload} />`}
    ${chosen && html`<${Sure} title="Delete rule" text=${inWords(chosen)}
      onYes=${() => remove(chosen).then(state.reload)} onClose=${() => setChosen(null)} />`}`}<//>`;
}

function Create({ onClose, onDone }) {
  const fields = [
    { name: "permission", label: "Permission", type: "select", options: ["allow", "deny"], value: "allow" },
    {
      name: "principal",
      label: "Who",
      value: "User:",
      required: true,
      pattern: "[^:]+:.+",
      hint: "User:NAME; User:* is everybody.",
    },
    { name: "host", label: "From host", value: "*", required: true },
    { name: "operation", label: "Operation", type: "select", options: Object.keys(OPERATIONS), value: "read" },
    { name: "resource", label: "Resource", type: "select", options: Object.keys(RESOURCES), value: "topic" },
    {
      name: "name",
      label: "Name",
      value: "",
      hint: "* is all of them.",
      when: (values) => values.resource !== "cluster",
    },
    {
      name: "pattern",
      label: "The name is",
      type: "select",
      options: [
        ["literal", "the whole name"],
        ["prefixed", "the beginning of names"],
      ],
      value: "literal",
      when: (values) => values.resource !== "cluster",
    },
  ];
  const create = async (values) => {
    const isCluster = values.resource === "cluster";
    const creation = {
      resourceType: RESOURCES[values.resource],
      resourceName: isCluster ? CLUSTER : values.name,
      resourcePatternType: PATTERNS[isCluster ? "literal" : values.pattern],
      principal: values.principal,
      host: values.host,
      operation: OPERATIONS[values.operation],
      permissionType: PERMISSIONS[values.permission],
    };
    const answer = await kafka("CreateAcls", { creations: [creation] });
    await accept(answer.results[0]);
    toast("The rule is made");
    await onDone();
    onClose();
  };
  return html`<${Dialog} title="Add rule" onClose=${onClose}><${Form} fields=${fields} submit="Add" onSubmit=${create}
    onCancel=${onClose} /><//>`;
}
