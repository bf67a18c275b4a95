// Asking somebody: dialogs, forms, and "are you sure".
//
//   <Dialog title="..." onClose=${...}>content</Dialog>        a native dialog: Esc closes, the focus stays inside
//   <Form fields=${fields} submit="Create" onSubmit=${async (values) => ...} />
//        a field: {name, label, type: text|number|checkbox|select|textarea|password, value, options, hint, required, min, max,
//                  pattern, list: suggestions}; what `onSubmit` throws is said in the form
//   <Sure title text word action onYes onClose />              `word` has to be typed first

import { html, useEffect, useRef, useState } from "./vendor/preact.js";

export function Dialog({ title, onClose, wide, children }) {
  const box = useRef(null);
  useEffect(() => {
    const element = box.current;
    const before = document.activeElement;
    element.showModal();
    element.querySelector("input, select, textarea, form button")?.focus();
    return () => (element.open && element.close(), before?.focus?.());
  }, []);
  const cancelled = (event) => (event.preventDefault(), onClose());
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-label=${title} onCancel=${cancelled}>
    <header><h2>${title}</h2><button type="button" class="plain" aria-label="Close" onClick=${onClose}>✕</button>
      </header>
    ${children}
  </dialog>`;
}

let forms = 0;

export function Form({ fields, submit = "Save", danger, onSubmit, onCancel, children }) {
  const [values, setValues] = useState(() =>
    Object.fromEntries(fields.map((f) => [f.name, f.value ?? (f.type === "checkbox" ? false : "")])),
  );
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [id] = useState(() => `form${++forms}`);
  const set = (name, value) => setValues((old) => ({ ...old, [name]: value }));
  const send = async (event) => {
    event.preventDefault();
    setError("");
    setBusy(true);
    try {
      await onSubmit(values);
    } catch (problem) {
      setError(problem.message || String(problem));
    } finally {
      setBusy(false);
    }
  };
  return html`<form onSubmit=${send}>
    ${fields.filter((f) => !f.when || f.when(values)).map((field) => html`<${Field} key=${field.name} ...${{ field, id: `${id}-${field.name}`, value: values[field.name], set }} />`)}
    ${typeof children === "function" ? children(values, set) : children}
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <footer>
      ${onCancel && html`<button type="button" onClick=${onCancel}>Cancel</button>`}
      <button type="submit" class=${danger ? "danger" : "primary"} disabled=${busy}>${submit}</button>
    </footer>
  </form>`;
}

function Field({ field, id, value, set }) {
  const { name, label, type = "text", options, hint, list } = field;
  const about = {
    id,
    name,
    required: field.required,
    "aria-describedby": hint ? `${id}-hint` : undefined,
    disabled: field.disabled,
  };
  const typed = (event) => set(name, event.target.value);
  let input;
  if (type === "select")
    input = html`<select ...${about} value=${value} onChange=${typed}>${options.map((o) => {
      const [key, text] = Array.isArray(o) ? o : [o, o];
      return html`<option value=${key} selected=${key === value}>${text}</option>`;
    })}</select>`;
  else if (type === "textarea")
    input = html`<textarea ...${about} rows=${field.rows ?? 4} spellcheck="false" value=${value} onInput=${typed}>
      </textarea>`;
  else if (type === "checkbox")
    return html`<label class="check" for=${id}><input ...${about} type="checkbox" checked=${value}
      onChange=${(e) => set(name, e.target.checked)} /> ${label}${hint && html`<small id="${id}-hint">${hint}</small>`}</label>`;
  else
    input = html`<input ...${about} type=${type} value=${value} min=${field.min} max=${field.max} step=${field.step}
      pattern=${field.pattern}
      placeholder=${field.placeholder} autocomplete="off" spellcheck="false" list=${list ? `${id}-list` : undefined} onInput=${typed} />`;
  return html`<div class="field"><label for=${id}>${label}</label>${input}
    ${list && html`<datalist id="${id}-list">${list.map((one) => html`<option value=${one} />`)}</datalist>`}
    ${hint && html`<small id="${id}-hint">${hint}</small>`}</div>`;
}

export function Sure({ title, text, word, action = "Delete", onYes, onClose }) {
  const yes = async (values) => {
    if (word && values.word !== word) throw new Error(`Type ${word} to go on.`);
    await onYes();
    onClose();
  };
  const fields = word ? [{ name: "word", label: `Type ${word} to confirm`, required: true }] : [];
  return html`<${Dialog} title=${title} onClose=${onClose}><p>${text}</p>
    <${Form} fields=${fields} submit=${action} danger onSubmit=${yes} onCancel=${onClose} /><//>`;
}
