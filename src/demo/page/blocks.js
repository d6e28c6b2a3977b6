// Slack's Block Kit as elements. Knows nothing of the page: people, channels and what happens on a
// press come with `context` (`user(id)`, `channel(id)`, `group(id)`, `emoji(name)`, `locale`,
// `press(element, block, value)`, `options(element, block, query)`, `choose(element, block, option)`,
// `follow(url)`, and the words `search` and `more`).

import { h } from "./tools.js";

/** A message's or view's blocks. */
export function renderBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

/** What somebody has filled in, as Slack sends it: by block and action. */
export function readValues(form) {
  const values = {};
  for (const node of form.querySelectorAll("[data-block]")) {
    (values[node.dataset.block] ??= {})[node.dataset.action] = node.read();
  }
  return values;
}

const BLOCKS = {
  header: (block, context) => h("h3.b-header", {}, emojis(block.text.text, context)),
  divider: () => h("hr.b-divider"),
  section: (block, context) =>
    h("div.b-section", {},
      h("div.b-body", {},
        block.text ? text(block.text, context) : null,
        block.fields ? h("div.b-fields", {}, block.fields.map((field) => text(field, context))) : null),
      block.accessory ? h("div.b-accessory", {}, element(block.accessory, block, context)) : null),
  context: (block, context) =>
    h("div.b-context", {}, block.elements.map((part) =>
      part.type === "image" ? h("img", { src: part.image_url, alt: part.alt_text }) : text(part, context))),
  actions: (block, context) => h("div.b-actions", {}, block.elements.map((part) => element(part, block, context))),
  image: (block, context) =>
    h("figure.b-image", {},
      block.title ? h("figcaption", {}, emojis(block.title.text, context)) : null,
      h("img", { src: block.image_url, alt: block.alt_text })),
  input: (block, context) => {
    const field = element(block.element, block, context);
    const control = field.matches("input,select,textarea") ? field : field.querySelector("input,select,textarea");
    const id = `f-${block.block_id}-${block.element.action_id}`;
    if (control) control.id = id;
    return h("div.b-input", {},
      h("label", { for: id }, emojis(block.label.text, context), block.optional ? h("span.b-optional", {}, ` (${context.optional})`) : null),
      field,
      block.hint ? h("small.b-hint", {}, emojis(block.hint.text, context)) : null,
      h("small.b-error", { role: "alert", "data-error": block.block_id }));
  },
  rich_text: (block, context) => h("div.b-rich", {}, block.elements.map((part) => rich(part, context))),
};

/** A block of a kind that is not here shows its name, so that nobody thinks it is empty. */
function unknown(block) {
  return h("div.b-unknown", {}, `[${block.type}]`);
}

const ELEMENTS = {
  button: (part, block, context) =>
    h(`button.b-button${part.style ? `.${part.style}` : ""}`,
      { type: "button", title: part.accessibility_label, "data-press": part.action_id,
        onclick: () => { if (part.url) context.follow(part.url); return context.press(part, block, part.value ?? null); } },
      emojis(part.text.text, context)),
  overflow: (part, block, context) =>
    h("details.b-overflow", {},
      h("summary", { "aria-label": context.more }, "⋯"),
      h("div.b-menu", {}, part.options.map((option) =>
        h("button", { type: "button", onclick: (event) => { event.currentTarget.closest("details").open = false; context.press(part, block, option.value); } },
          emojis(option.text.text, context))))),
  image: (part) => h("img.b-thumb", { src: part.image_url, alt: part.alt_text }),
  static_select: (part, block, context) => select(part, block, context),
  plain_text_input: (part, block) => {
    const field = part.multiline ? h("textarea", { rows: 4 }) : h("input", { type: "text" });
    field.value = part.initial_value ?? "";
    if (part.placeholder) field.placeholder = part.placeholder.text;
    if (part.max_length) field.maxLength = part.max_length;
    return readable(field, part, block, () => ({ type: part.type, value: field.value || null }));
  },
  external_select: (part, block, context) => finder(part, block, context, false),
  multi_external_select: (part, block, context) => finder(part, block, context, true),
  multi_static_select: (part, block, context) => finder(part, block, { ...context, options: async () => part.options }, true),
  radio_buttons: (part, block, context) => choices(part, block, context, "radio"),
  checkboxes: (part, block, context) => choices(part, block, context, "checkbox"),
  datepicker: (part, block) => {
    const field = h("input", { type: "date" });
    field.value = part.initial_date ?? "";
    return readable(field, part, block, () => ({ type: part.type, selected_date: field.value || null }));
  },
};

function element(part, block, context) {
  return (ELEMENTS[part.type] ?? unknown)(part, block, context);
}

function readable(node, part, block, read) {
  node.dataset.block = block.block_id;
  node.dataset.action = part.action_id;
  node.read = read;
  return node;
}

function select(part, block, context) {
  const field = h("select", {
    "aria-label": part.placeholder?.text ?? block.label?.text,
    onchange: () => chosen() && (block.type === "input"
      ? block.dispatch_action && context.choose(part, block, chosen())
      : context.press(part, block, field.value)),
  });
  const options = part.options ?? (part.option_groups ?? []).flatMap((group) => group.options);
  const chosen = () => options.find((option) => option.value === field.value) ?? null;
  if (!part.initial_option) field.append(h("option", { value: "" }, part.placeholder?.text ?? ""));
  field.append(...options.map((option) => h("option", { value: option.value }, emojis(option.text.text, context))));
  field.value = part.initial_option?.value ?? "";
  return readable(field, part, block, () => ({ type: part.type, selected_option: chosen() }));
}

/** A list that the application fills while somebody types. */
function finder(part, block, context, isMany) {
  let chosen = (isMany ? part.initial_options : [part.initial_option].filter(Boolean)) ?? [];
  const chips = h("span.b-chips");
  const listId = `l-${block.block_id}-${part.action_id}`;
  const field = h("input", {
    type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list", autocomplete: "off",
    placeholder: part.placeholder?.text ?? context.search,
    oninput: () => find(), onfocus: () => find(),
    onkeydown: (event) => {
      const first = list.querySelector("button");
      if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
      if (event.key === "Enter") { event.preventDefault(); first?.click(); }
      if (event.key === "Backspace" && !field.value && chosen.length) { chosen = chosen.slice(0, -1); show(); }
    },
  });
  const list = h("div.b-menu", {
    id: listId, hidden: true, role: "listbox", "aria-label": block.label?.text ?? part.placeholder?.text ?? context.search,
    onkeydown: (event) => {
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (!step) return;
      event.preventDefault();
      (document.activeElement[step] ?? field).focus();
    },
  });
  const box = h("div.b-finder", { onfocusout: (event) => { if (!box.contains(event.relatedTarget)) open(false); } }, chips, field, list);
  const open = (is) => { list.hidden = !is; field.setAttribute("aria-expanded", String(is)); };
  const show = () => {
    chips.replaceChildren(...chosen.map((option) =>
      h("button.b-chip", { type: "button", onclick: () => { chosen = chosen.filter((it) => it !== option); show(); } }, emojis(option.text.text, context), " ×")));
    field.hidden = !isMany && chosen.length > 0;
  };
  let asked = 0;
  const find = async () => {
    const number = (asked += 1);
    const found = (await context.options(part, block, field.value)) ?? [];
    if (number !== asked || !box.isConnected) return;
    const free = found.filter((option) => !chosen.some((it) => it.value === option.value));
    list.replaceChildren(...free.map((option) =>
      h("button", { type: "button", role: "option", onclick: () => take(option) }, emojis(option.text.text, context))));
    open(free.length > 0 && box.contains(document.activeElement));
  };
  const take = (option) => {
    chosen = isMany ? [...chosen, option] : [option];
    field.value = "";
    show();
    field.focus();
    open(false);
    if (block.dispatch_action || block.type !== "input") context.choose(part, block, option);
  };
  show();
  return readable(box, part, block, () =>
    isMany ? { type: part.type, selected_options: chosen } : { type: part.type, selected_option: chosen[0] ?? null });
}

function choices(part, block, context, kind) {
  const initial = part.initial_options ?? [part.initial_option].filter(Boolean);
  const fields = part.options.map((option) => {
    const field = h("input", { type: kind, name: `${block.block_id}-${part.action_id}` });
    field.checked = initial.some((it) => it.value === option.value);
    // Outside of a form, each tick is told at once.
    if (block.type === "actions") field.onchange = () => context.press(part, block, option.value);
    return [option, field];
  });
  const box = h("div.b-choices", { role: "group" }, fields.map(([option, field]) => h("label", {}, field, " ", text(option.text, context),
    option.description ? h("small.b-context", {}, emojis(option.description.text, context)) : null)));
  const chosen = () => fields.filter(([, field]) => field.checked).map(([option]) => option);
  return readable(box, part, block, () =>
    kind === "radio" ? { type: part.type, selected_option: chosen()[0] ?? null } : { type: part.type, selected_options: chosen() });
}

function text(object, context) {
  return object.type === "mrkdwn"
    ? h("div.b-text", {}, renderMrkdwn(object.text, context))
    : h("div.b-text", {}, emojis(object.text, context));
}

function emojis(words, context) {
  return words.replace(/:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/g, (all, name) => context.emoji(name));
}

function rich(part, context) {
  const inside = () => part.elements.map((run) => richRun(run, context));
  switch (part.type) {
    case "rich_text_list":
      return h(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent ?? 0}`, start: part.offset ? String(part.offset + 1) : undefined },
        part.elements.map((item) => h("li", {}, rich(item, context))));
    case "rich_text_quote": return h("blockquote", {}, inside());
    case "rich_text_preformatted": return h("pre", {}, inside());
    default: return h("div.b-text", {}, inside());
  }
}

function richRun(run, context) {
  const plain = () => {
    switch (run.type) {
      case "text": return run.text;
      case "emoji": return context.emoji(run.skin_tone ? `${run.name}::skin-tone-${run.skin_tone}` : run.name);
      case "link": return link(run.url, run.text ?? run.url, context);
      case "user": return mention(`@${context.user(run.user_id)}`);
      case "usergroup": return mention(`@${context.group(run.usergroup_id)}`);
      case "channel": return mention(`#${context.channel(run.channel_id)}`);
      case "broadcast": return mention(`@${run.range}`);
      case "date": return date(run.timestamp, run.format, run.fallback, context);
      default: return run.text ?? run.fallback ?? `[${run.type}]`;
    }
  };
  const style = run.style ?? {};
  return Object.entries({ code: "code", strike: "s", italic: "i", bold: "b" }).reduce(
    (node, [name, tag]) => (style[name] ? h(tag, {}, node) : node), plain());
}

/** Slack's own markup; nothing in it becomes HTML. */
export function renderMrkdwn(words, context) {
  return words.split(/```/).flatMap((part, number) =>
    number % 2 ? [h("pre", {}, unescape(part.replace(/^\n|\n$/g, "")))] : lines(part, context));
}

function lines(words, context) {
  const nodes = [];
  let quote = null;
  words.split("\n").forEach((line, number, all) => {
    const said = line.replace(/^(&gt;|>) ?/, "");
    if (said !== line) {
      if (!quote) nodes.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...spans(said, context));
      return;
    }
    if (number > 0 && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...spans(line, context));
    if (number === all.length - 1) return;
  });
  return nodes;
}

const SPAN = /<([^<>]+)>|`([^`]+)`|(?<![\p{L}\p{N}])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])_([^_\s](?:[^_]*[^_\s])?)_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])~([^~\s](?:[^~]*[^~\s])?)~(?![\p{L}\p{N}])|:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/gu;

function spans(words, context) {
  const nodes = [];
  let end = 0;
  for (const found of words.matchAll(SPAN)) {
    if (found.index > end) nodes.push(unescape(words.slice(end, found.index)));
    end = found.index + found[0].length;
    const [all, angle, code, bold, italic, strike, name] = found;
    if (angle) nodes.push(special(angle, context));
    else if (code) nodes.push(h("code", {}, unescape(code)));
    else if (bold) nodes.push(h("b", {}, spans(bold, context)));
    else if (italic) nodes.push(h("i", {}, spans(italic, context)));
    else if (strike) nodes.push(h("s", {}, spans(strike, context)));
    else nodes.push(name ? context.emoji(name) : all);
  }
  if (end < words.length) nodes.push(unescape(words.slice(end)));
  return nodes;
}

function special(inner, context) {
  const [what, label] = inner.split(/\|(.*)/s);
  if (what.startsWith("@")) return mention(`@${context.user(what.slice(1))}`);
  if (what.startsWith("#")) return mention(`#${context.channel(what.slice(1))}`);
  if (what.startsWith("!subteam^")) return mention(`@${context.group(what.slice(9))}`);
  if (what.startsWith("!date^")) {
    const [, time, format] = what.split("^");
    return date(Number(time), format, unescape(label ?? ""), context);
  }
  if (what.startsWith("!")) return mention(`@${what.slice(1)}`);
  return link(unescape(what), unescape(label ?? what), context);
}

/** Slack's dates follow the reader's clock. */
function date(seconds, format, fallback, context) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return fallback;
  const say = (options) => at.toLocaleString(context.locale, options);
  const day = (month) => {
    const days = (other) => other.toDateString() === at.toDateString();
    const word = (number) => new Intl.RelativeTimeFormat(context.locale, { numeric: "auto" }).format(number, "day");
    return days(new Date()) ? word(0) : days(new Date(Date.now() - 864e5)) ? word(-1) : say({ day: "numeric", month });
  };
  const words = { time: () => say({ hour: "2-digit", minute: "2-digit" }), time_secs: () => say({ timeStyle: "medium" }),
    date_num: () => say({ dateStyle: "short" }), date: () => say({ dateStyle: "long" }), date_long: () => say({ dateStyle: "full" }),
    date_short: () => say({ day: "numeric", month: "short" }), date_pretty: () => day("long"), date_long_pretty: () => day("long"), date_short_pretty: () => day("short") };
  const shown = format.replace(/\{(\w+)\}/g, (all, name) => words[name]?.() ?? all);
  return h("time", { datetime: at.toISOString(), title: at.toLocaleString(context.locale) }, shown);
}

function link(url, label, context) {
  const isSafe = /^(https?|mailto|tel):/i.test(url);
  if (!isSafe) return label;
  return h("a", { href: url, rel: "noopener noreferrer", target: "_blank",
    onclick: (event) => { if (context.follow(url, true)) event.preventDefault(); } }, label);
}

function mention(words) {
  return h("span.b-mention", {}, words);
}

function unescape(words) {
  return words.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}
