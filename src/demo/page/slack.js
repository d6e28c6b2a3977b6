// The workspace: a channel with its threads, the home tab of the app, and two agents to be.

import { renderBlocks, renderMrkdwn } from "./blocks.js";
import { base64, colour, composer, emoji, h, initials, keepEnd, perform, place, sync, tell } from "./tools.js";

const QUICK = ["eyes", "white_check_mark", "lock", "+1", "pray", "tada", "heart", "joy"];

/** Draws the workspace; `app` has the newest `view` and the `words` to use. */
export function makeSlack(app) {
  const $ = (id) => document.getElementById(id);
  const parts = { agents: $("agents"), list: $("messages"), thread: $("thread"), answers: $("answers"), home: $("home"), empty: $("empty"), channel: $("channel"), side: $("side") };
  const send = (box, root) => {
    const area = box.querySelector("textarea");
    const submit = composer(area, (text) => write(text, root(), box));
    box.querySelector(".send").addEventListener("click", submit);
    box.querySelector(".attach").addEventListener("click", () => box.querySelector("input[type=file]").click());
    box.querySelector("input[type=file]").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (!file) return;
      await perform("shares", { user: app.agent, channel: app.channel, root: root(), file: file.name, bytes: await base64(file), text: area.value.trim() });
      area.value = "";
    });
  };
  send($("say"), () => null);
  send($("answer"), () => app.thread);
  $("close-thread").addEventListener("click", () => place.set({ thread: null }));

  async function write(text, root, box) {
    const [command, ...rest] = text.split(" ");
    if (!root && command.startsWith("/")) return answered(await perform("commands", { user: app.agent, channel: app.channel, command, text: rest.join(" ") }));
    const also = box.querySelector(".also input");
    const done = await perform("says", { user: app.agent, channel: app.channel, root, text: mentions(text), broadcast: Boolean(also?.checked) });
    if (also) also.checked = false;
    return done;
  }

  /** `@bia` is Bia, as Slack's editor would have it. */
  function mentions(text) {
    return text.replace(/@(\p{L}+)/gu, (all, name) => {
      const found = Object.values(app.view.slack.users).find((user) => !user.is_bot && user.real_name.toLowerCase().startsWith(name.toLowerCase()));
      return found ? `<@${found.id}>` : all;
    });
  }

  function context(press, more = {}) {
    return { ...blockContext(app), press, options: async () => [], choose: () => {}, ...more };
  }

  function draw() {
    const { slack } = app.view;
    const channel = slack.channels[app.channel];
    const all = Object.values(channel.messages).sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const mine = slack.ephemerals.filter((it) => it.user === app.agent && it.channel === app.channel).map((it) => ({ ...it, ours: true, reactions: [], files: [], isMine: true }));
    const order = (list) => list.sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const roots = order([...all.filter((it) => !it.thread_ts || it.broadcast), ...mine.filter((it) => !it.thread_ts)]);
    $("channel-name").textContent = channel.name;
    $("members").textContent = String(channel.members.length);
    sync(parts.agents, people().map((user) => [user.id, [user, app.agent === user.id, app.locale], () => agent(user)]));
    parts.side.querySelector(".to-channel").setAttribute("aria-current", String(app.place !== "home"));
    parts.side.querySelector(".to-home").setAttribute("aria-current", String(app.place === "home"));
    parts.channel.hidden = app.place === "home";
    parts.home.hidden = app.place !== "home";
    if (app.place === "home") drawHome();
    parts.empty.hidden = roots.length > 0;
    keepEnd(parts.list, () => sync(parts.list, roots.map((it, number) => entry(it, roots[number - 1], all, false))));
    drawThread(all, order([...mine]));
  }

  function people() {
    return Object.values(app.view.slack.users).filter((user) => !user.is_bot);
  }

  function agent(user) {
    return h("button.agent", { type: "button", "aria-pressed": String(app.agent === user.id), title: user.email, onclick: () => place.set({ agent: user.id }) },
      avatar(user.real_name), h("span", {}, user.real_name.split(" ")[0]));
  }

  function drawThread(all, mine) {
    const root = all.find((it) => it.ts === app.thread);
    parts.thread.hidden = !root;
    document.body.classList.toggle("in-thread", Boolean(root) && app.place !== "home");
    if (!root) return;
    if (app.place === "home") parts.thread.hidden = true;
    const said = [...all.filter((it) => it.thread_ts === root.ts), ...mine.filter((it) => it.thread_ts === root.ts)].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const isNew = parts.answers.dataset.root !== root.ts;
    parts.answers.dataset.root = root.ts;
    keepEnd(parts.answers, () => sync(parts.answers, [root, ...said].map((it, number, list) => entry(it, number > 1 ? list[number - 1] : null, all, true))));
    if (isNew) parts.answers.scrollTop = parts.answers.scrollHeight;
  }

  function drawHome() {
    const view = Object.values(app.view.slack.views).find((it) => it.user === app.agent && it.view.type === "home");
    const press = async (part, block, value) =>
      answered(await perform("clicks-in-view", { user: app.agent, view: view.id, action: part.action_id, value }));
    sync(parts.home, [[view?.id ?? "none", [view?.hash, app.locale], () =>
      h("div.home-page", {}, view ? renderBlocks(view.view.blocks, context(press)) : h("p.quiet", {}, app.words.loading))]]);
  }

  /** One message as an item of `sync`. */
  function entry(message, before, all, isInThread) {
    const answers = isInThread ? [] : all.filter((it) => it.thread_ts === message.ts);
    const who = (it) => it && `${it.user}${it.username}${it.isMine}`;
    const isClose = before && who(before) === who(message) && Number(message.ts) - Number(before.ts) < 300 && !answersOf(before) && !message.isMine;
    function answersOf(it) { return !isInThread && all.some((other) => other.thread_ts === it.ts); }
    const names = app.view.slack.users;
    const files = message.files.map((id) => app.view.slack.files.find((file) => file.id === id) ?? { id });
    const depends = [message, files, answers.map((it) => [it.ts, it.user, it.username]), isClose, app.agent, app.locale, Object.keys(names).length, isInThread ? 0 : app.thread === message.ts];
    return [message.ts, depends, () => draft(message, { answers, isClose, isInThread, files })];
  }

  function draft(message, { answers, isClose, isInThread, files }) {
    const name = author(message);
    const press = async (part, block, value) =>
      answered(await perform("clicks", { user: app.agent, channel: app.channel, ts: message.ts, action: part.action_id, value }));
    const body = message.subtype === "tombstone"
      ? h("p.quiet", {}, app.words.deleted)
      : message.blocks.length
        ? h("div.blocks", {}, renderBlocks(message.blocks, context(press)))
        : h("div.b-text", {}, renderMrkdwn(message.text, context(press)));
    return h(`li.message${isClose ? ".close" : ""}${message.isMine ? ".only-you" : ""}${app.thread === message.ts && !isInThread ? ".open" : ""}`, { "data-ts": message.ts },
      isClose ? h("time.small", {}, clock(message.ts)) : message.ours && !message.username ? h("span.avatar.app", { "aria-hidden": "true" }, "⚡") : avatar(name),
      h("div.content", {},
        message.isMine ? h("div.note", {}, `👁 ${app.words.onlyYou}`) : null,
        message.broadcast && !isInThread ? h("button.from-thread", { type: "button", onclick: () => place.set({ thread: message.thread_ts }) }, `↪ ${app.words.inThread}`) : null,
        isClose ? null : h("div.who", {}, h("b", {}, name), message.ours ? h("span.badge", {}, "APP") : null, h("time", {}, clock(message.ts))),
        body,
        message.edited ? h("small.quiet", {}, ` (${app.words.edited})`) : null,
        files.map(file),
        reactions(message),
        answers.length ? summary(message, answers) : !isInThread && message.ours && !message.isMine ? beginning(message) : null),
      message.isMine || message.subtype === "tombstone" ? null : tools(message, isInThread));
  }

  function author(message) {
    if (message.username) return message.username;
    if (message.ours) return "Blip Desk";
    return app.view.slack.users[message.user]?.real_name ?? message.user;
  }

  function reactions(message) {
    if (!message.reactions.length) return null;
    return h("div.reactions", {}, message.reactions.map(([name, users]) =>
      h("button.reaction", { type: "button", "aria-pressed": String(users.includes(app.agent)), title: `${users.map((id) => app.view.slack.users[id]?.real_name ?? id).join(", ")} :${name}:`, onclick: () => react(message, name) },
        emoji.show(name), h("span", {}, String(users.length)))));
  }

  function react(message, name) {
    return perform("reacts", { user: app.agent, channel: app.channel, ts: message.ts, name });
  }

  function summary(message, answers) {
    const who = [...new Set(answers.map(author))].slice(0, 4);
    return h("button.answers", { type: "button", onclick: () => place.set({ thread: message.ts }) },
      who.map(avatar), h("b", {}, app.words.replies(answers.length)), h("time", {}, clock(answers.at(-1).ts)));
  }

  /** The way into a thread that has no answers yet; in Slack it shows under the mouse only. */
  function beginning(message) {
    return h("button.answers", { type: "button", onclick: () => place.set({ thread: message.thread_ts ?? message.ts }) }, h("b", {}, `💬 ${app.words.reply}`));
  }

  /** What appears beside a message under the mouse, or when the keyboard is in it. */
  function tools(message, isInThread) {
    const tool = (sign, label, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, sign);
    const { shortcuts } = app.manifest.features;
    const isOwn = message.user === app.agent && !message.ours;
    const menu = h("div.b-menu", {},
      h("div.faces", {}, QUICK.map((name) => tool(emoji.show(name), `:${name}:`, (event) => { shut(event); react(message, name); }))),
      shortcuts.map((it) => h("button", { type: "button", "data-shortcut": it.callback_id, onclick: async (event) => { shut(event); answered(await perform("uses-shortcut", { user: app.agent, channel: app.channel, ts: message.ts, callback: it.callback_id })); } },
        it.name, h("small", {}, " Blip Desk"))),
      isOwn ? h("button.edit", { type: "button", onclick: (event) => { shut(event); edit(message, event); } }, app.words.edit) : null,
      isOwn || message.ours ? h("button.danger", { type: "button", onclick: (event) => { shut(event); perform("deletes", { user: app.agent, channel: app.channel, ts: message.ts }); } }, app.words.remove) : null);
    return h("div.tools", {},
      tool("👀", app.words.claim, () => react(message, "eyes")),
      tool("✅", app.words.finish, () => react(message, "white_check_mark")),
      isInThread ? null : tool("💬", app.words.reply, () => { place.set({ thread: message.thread_ts ?? message.ts }); setTimeout(() => $("answer").querySelector("textarea").focus(), 50); }),
      h("details.b-overflow", { onkeydown: (event) => { if (event.key === "Escape") shut(event); } }, h("summary", { "aria-label": app.words.more, title: app.words.more }, "⋮"), menu));
    function shut(event) { event.target.closest("details").open = false; }
  }

  function edit(message, event) {
    const content = event.target.closest(".message").querySelector(".blocks, .b-text");
    const area = h("textarea.editing", { "aria-label": app.words.edit }, message.text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"));
    area.addEventListener("keydown", async (key) => {
      if (key.key === "Escape") area.replaceWith(content);
      if (key.key !== "Enter" || key.shiftKey) return;
      key.preventDefault();
      await perform("edits", { user: app.agent, channel: app.channel, ts: message.ts, text: area.value });
      if (area.isConnected) area.replaceWith(content);
    });
    content.replaceWith(area);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }

  function file(found) {
    const url = `/demo/people/file/${found.id}`;
    const kind = (found.mime ?? "").split("/")[0];
    const name = found.title || found.name || found.id;
    if (found.mode === "tombstone") return h("p.quiet", {}, app.words.deleted);
    if (kind === "image") return h("figure.file", {}, h("figcaption", {}, name), h("a", { href: url, target: "_blank" }, h("img", { src: url, alt: name })));
    if (kind === "audio" || /\.(wav|ogg|mp3|m4a)$/.test(found.name ?? "")) return h("figure.file", {}, h("figcaption", {}, `🎤 ${name}`), h("audio", { src: url, controls: true, preload: "metadata" }));
    return h("a.file.document", { href: url, target: "_blank" }, h("span", { "aria-hidden": "true" }, "📄"), h("span", {}, h("b", {}, name), h("small", {}, found.mime ?? "")));
  }

  function clock(ts) {
    return new Date(Number(ts) * 1000).toLocaleTimeString(app.locale, { hour: "2-digit", minute: "2-digit" });
  }

  parts.side.querySelector(".to-channel").addEventListener("click", () => place.set({ place: null }));
  parts.side.querySelector(".to-home").addEventListener("click", () => { place.set({ place: "home" }); perform("opens-home", { user: app.agent }); });
  return { draw };
}

/** What Slack shows if an app does not answer a press in time. */
export function answered(done) {
  if (done && done.status !== 200) tell("noAnswer");
  return done;
}

/** What blocks need to know of the workspace. */
export function blockContext(app) {
  const { users, channels, groups } = app.view.slack;
  return {
    user: (id) => users[id]?.real_name ?? id,
    channel: (id) => channels[id.split("|")[0]]?.name ?? id,
    group: (id) => groups.find((group) => group.id === id)?.handle ?? id,
    emoji: (name) => emoji.show(name),
    locale: app.locale,
    search: app.words.search,
    optional: app.words.optional,
    more: app.words.more,
    // A link to a message of this workspace opens its thread here.
    follow(url, isClick) {
      const found = new URL(url).pathname.match(/^\/archives\/\w+\/p(\d+)(\d{6})$/);
      if (!found) return isClick ? false : void window.open(url, "_blank", "noopener");
      const thread = new URL(url).searchParams.get("thread_ts") ?? `${found[1]}.${found[2]}`;
      for (const open of document.querySelectorAll("dialog[open]")) open.close();
      place.set({ place: null, thread });
      return true;
    },
  };
}

function avatar(name) {
  return h(`span.avatar.${colour(name)}`, { "aria-hidden": "true" }, initials(name));
}
