// Keys, values and headers as the paths under /records/ give them: text, {base64: ...} where they are no UTF-8, null,
// or an object where they are a broker's own records, told as what they mean.

const encoder = new TextEncoder();

export const isBinary = (content) => content !== null && typeof content === "object" && typeof content.base64 === "string";
export const isMeaning = (content) => content !== null && typeof content === "object" && !isBinary(content);

export function bytesOf(content) {
  if (content === null || content === undefined) return new Uint8Array();
  if (typeof content === "string") return encoder.encode(content);
  if (isMeaning(content)) return encoder.encode(JSON.stringify(content));
  return Uint8Array.from(atob(content.base64), (character) => character.charCodeAt(0));
}

/** As a person reads it in one line. */
export function glance(content) {
  if (content === null || content === undefined) return "null";
  if (typeof content === "string") return content;
  if (isMeaning(content)) return JSON.stringify(content);
  return `0x${[...bytesOf(content).subarray(0, 40)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Indented JSON, or null where it is none. Numbers stay as they are written. */
export function jsonOf(content) {
  if (isMeaning(content)) return JSON.stringify(content, null, 2);
  if (typeof content !== "string") return null;
  try {
    const found = JSON.parse(content);
    return found !== null && typeof found === "object" ? indented(content) : null;
  } catch {
    return null;
  }
}

function indented(text) {
  let out = "";
  let depth = 0;
  let inString = false;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      out += character;
      if (character === "\\") out += text[(at += 1)];
      else if (character === '"') inString = false;
    } else if (character === '"') {
      out += character;
      inString = true;
    } else if (character === "{" || character === "[") {
      const rest = text.slice(at + 1).trimStart();
      if (rest[0] === "}" || rest[0] === "]") {
        out += character + rest[0];
        at = text.indexOf(rest[0], at + 1);
      } else {
        depth += 1;
        out += character + line();
      }
    } else if (character === "}" || character === "]") {
      depth -= 1;
      out += line() + character;
    } else if (character === ",") out += character + line();
    else if (character === ":") out += ": ";
    else if (!/\s/.test(character)) out += character;
  }
  return out;
}

/** Where a dead letter came from, if its headers say so: "dlq.topic", "kafka_dlt-original-topic", "...original.topic". */
export function origin(record) {
  const header = record.headers.find(([name, value]) => /(^|[._-])(original[._-])?topic$/i.test(name) && typeof value === "string");
  return header ? header[1] : "";
}

/** What a failure has added, as patterns to leave out again. */
export function failureHeaders(records) {
  const names = new Set(records.flatMap((record) => record.headers.map(([name]) => name)));
  const beginnings = new Set();
  for (const name of names) {
    const found = name.match(/^(.*?(dlq|dlt|dead[._-]?letter)[._-])/i);
    if (found) beginnings.add(`${found[1]}*`);
  }
  return [...beginnings];
}
