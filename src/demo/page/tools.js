// What every part of the page uses: elements, lists that change in place, and deeds.

/** Makes an element: `h("b.big", { title: "x", onclick }, child, …)`. Text is never markup. */
export function h(what, props = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Brings a list up to date and leaves what has not changed as it is, with focus, selection and
 * scrolling. Each item is `[key, what it depends on, () => node]`.
 */
export function sync(list, items) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let at = list.firstElementChild;
  for (const [key, depends, make] of items) {
    const print = JSON.stringify(depends);
    let node = old.get(key);
    if (node && node.print === print) old.delete(key);
    else {
      node = make();
      node.dataset.key = key;
      node.print = print;
    }
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  for (const node of [...list.children]) {
    if (old.get(node.dataset.key) === node) node.remove();
  }
}

/** Keeps the end of a list in view, unless somebody has scrolled away from it. */
export function keepEnd(list, change) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  change();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/** Has somebody do something at one of the platforms; answers with what came of it. */
export async function perform(deed, values = {}) {
  const response = await fetch("/demo/people/deed", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ deed, ...values }),
  }).catch(() => null);
  if (!response) return tell("gone");
  if (!response.ok) return tell(null, await response.text());
  return response.json();
}

/** Kills or starts the service, or has it speak another language. */
export async function order(what) {
  const done = await fetch(`/demo/service/${what}`, { method: "POST", headers: { "x-demo": "1" } }).catch(() => null);
  if (!done) return tell("gone");
  if (!done.ok) tell(null, await done.text());
}

/** Says something for a few seconds: a text by its key, or words. */
export function tell(key, words) {
  document.dispatchEvent(new CustomEvent("tell", { detail: { key, words } }));
  return null;
}

/** What is looked at stands in the address, so that a reload shows the same. */
export const place = {
  get: (name) => new URLSearchParams(location.hash.slice(1)).get(name),
  set(values) {
    const all = new URLSearchParams(location.hash.slice(1));
    for (const [name, value] of Object.entries(values)) {
      if (value === null) all.delete(name);
      else all.set(name, value);
    }
    location.hash = all.toString();
  },
};

/** The bytes of a file in Base64. */
export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** Emoji by the names that Slack gives them. */
export const emoji = {
  names: new Map(),
  async load() {
    const table = await (await fetch("/demo/emoji.tsv")).text();
    for (const line of table.split("\n")) {
      const [name, sign] = line.split("\t");
      if (sign) this.names.set(name, sign);
    }
  },
  show(name) {
    const [plain, tone] = name.split("::skin-tone-");
    const sign = this.names.get(plain);
    if (!sign) return `:${name}:`;
    return tone ? sign + String.fromCodePoint(0x1f3f9 + Number(tone)) : sign;
  },
};

/** Two letters for whoever has no picture. */
export function initials(name) {
  const words = name.replace(/\(.*?\)/g, "").replace(/[^\p{L}\p{N} ]/gu, "").trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

/** One of six colours, the same for the same name. */
export function colour(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return `c${sum % 6}`;
}

/** Text areas that grow, and send with Enter. */
export function composer(area, send) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 140)}px`;
  };
  area.addEventListener("input", fit);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  const submit = async () => {
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    fit();
    // Now, and not once it is sent: whoever goes on elsewhere meanwhile is left there.
    area.focus();
    if ((await send(text)) === null && !area.value) area.value = text;
  };
  return submit;
}
