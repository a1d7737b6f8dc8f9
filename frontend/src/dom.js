/** Small helpers around the DOM. */

/** The element with this id. @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * An element with properties and children. What stands in `on…` is a listener, in `aria-…`, `role` and `data-…` an attribute.
 * @param {string} name
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** A button that does something. @param {string} text @param {() => void} action @param {Record<string, any>} [more] */
export function button(text, action, more = {}) {
  return make("button", { type: "button", onclick: action, ...more }, text);
}

/** A modal dialog that is there until it is closed. @param {string} title @param {...(Node | string)} content */
export function dialog(title, ...content) {
  const heading = make("h2", { id: "dialog-title" }, title);
  const box = make("dialog", { "aria-labelledby": "dialog-title" }, heading, ...content);
  // A click beside it closes it, as Escape does.
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  box.addEventListener("close", () => box.remove());
  byId("dialogs").replaceChildren(box);
  box.showModal();
  return box;
}

/** Put text where it can be pasted; whether that went well. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS a browser offers no clipboard; a selection in a field can still be copied.
    const field = make("textarea", { value: text, className: "sr" });
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** A button that copies, and says so. @param {string} text @param {string} done @param {() => string} of */
export function copyButton(text, done, of) {
  const made = button(text, async () => {
    if (!(await copy(of()))) return;
    made.textContent = done;
    setTimeout(() => (made.textContent = text), 1500);
  });
  return made;
}

/** Have the browser save a file. @param {string} name @param {BlobPart[]} parts @param {string} [type] */
export function save(name, parts, type = "application/octet-stream") {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
