// Records as a file: by the broker where everything that fits is wanted, here where somebody has picked some.

import { file, get, hasToken } from "../../api.js";

function save(href, name) {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** A link cannot carry the token: then the page fetches the file, and keeps it in memory until it is saved. */
export async function download(path, name) {
  if (!hasToken()) return save(path, name);
  return keep(await file(path), name);
}

function keep(blob, name) {
  const href = URL.createObjectURL(blob);
  save(href, name);
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** The records as JSON lines; what was only shown in part is read again. */
export async function linesOf(topic, records) {
  const lines = [];
  for (const hit of records) {
    const query = new URLSearchParams({ topic, partition: hit.partition, offset: hit.offset });
    const { cut, ...record } = hit.cut ? (await get(`/records/one?${query}`)).record : hit;
    lines.push(`${JSON.stringify(record)}\n`);
  }
  keep(new Blob(lines, { type: "application/x-ndjson" }), `${topic}.jsonl`);
}
