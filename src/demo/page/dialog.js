// The dialogs that the app opens, as Slack shows them: one on top of the other.

import { readValues, renderBlocks } from "./blocks.js";
import { answered, blockContext } from "./slack.js";
import { emoji, h, perform } from "./tools.js";

export function makeDialog(app) {
  const dialog = document.getElementById("dialog");
  let shown = null;

  /** The one on top, of those that the agent has open. */
  function top() {
    const open = Object.values(app.view.slack.views).filter((it) => it.user === app.agent && it.view.type === "modal");
    return open.sort((a, b) => Number(a.id.replace(/\D/g, "")) - Number(b.id.replace(/\D/g, ""))).at(-1);
  }

  function draw() {
    const view = top();
    if (!view) {
      shown = null;
      if (dialog.open) dialog.close();
      return;
    }
    if (shown?.id === view.id && shown.hash === view.hash && shown.locale === app.locale) return;
    const kept = shown?.id === view.id ? [...dialog.querySelectorAll("[data-block]")] : [];
    shown = { id: view.id, hash: view.hash, locale: app.locale };
    dialog.replaceChildren(form(view));
    // Slack keeps what stands in a block that stays.
    for (const old of kept) {
      const now = [...dialog.querySelectorAll("[data-block]")].find((it) => it.dataset.block === old.dataset.block && it.dataset.action === old.dataset.action);
      if (now) now.replaceWith(old);
    }
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("input, select, textarea")?.focus();
  }

  function form(view) {
    const { id, view: { title, blocks, submit, close } } = view;
    const context = {
      ...blockContext(app),
      press: async (part, block, value) => answered(await perform("clicks-in-view", { user: app.agent, view: id, action: part.action_id, value })),
      options: (part, block, query) => perform("searches", { user: app.agent, view: id, action: part.action_id, query }),
      choose: async (part, block, option) => answered(await perform("chooses", { user: app.agent, view: id, action: part.action_id, option })),
    };
    const words = (text) => (text?.text ?? "").replace(/:([a-z0-9_+-]+):/g, (all, name) => emoji.show(name));
    const node = h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); send(node, id); } },
      h("header", {}, h("span.avatar.app", { "aria-hidden": "true" }, "⚡"), h("h2", { id: "dialog-title" }, words(title)),
        h("button.icon", { type: "button", "aria-label": app.words.close, onclick: dismiss }, "✕")),
      h("div.dialog-body", {}, renderBlocks(blocks, context)),
      h("footer", {},
        h("button.b-button", { type: "button", onclick: dismiss }, words(close) || app.words.close),
        submit ? h("button.b-button.primary", { type: "submit" }, words(submit)) : null));
    return node;
  }

  async function send(node, id) {
    for (const error of node.querySelectorAll("[data-error]")) error.textContent = "";
    const done = answered(await perform("submits", { user: app.agent, view: id, values: readValues(node) }));
    for (const [block, words] of Object.entries(done?.body?.errors ?? {})) {
      const error = node.querySelector(`[data-error="${CSS.escape(block)}"]`);
      if (error) error.textContent = words;
    }
  }

  function dismiss() {
    if (shown) perform("dismisses", { user: app.agent, view: shown.id });
  }

  dialog.addEventListener("cancel", (event) => { event.preventDefault(); dismiss(); });
  return { draw };
}
