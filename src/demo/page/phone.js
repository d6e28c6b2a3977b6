// The customers' phone: who writes, what they see, and what they can send.

import { base64, colour, composer, h, initials, keepEnd, perform, place, sync } from "./tools.js";

/** Who there is to be. */
export const CUSTOMERS = [
  { id: "5531999990000@wa.gw.msging.net", name: "Maria Silva", channel: "WhatsApp" },
  { id: "joao.souza@0mn.io", name: "João Souza", channel: "Blip Chat" },
  { id: "carla.reis@messenger.gw.msging.net", name: "Carla Reis", channel: "Messenger" },
];

export function makePhone(app) {
  const $ = (id) => document.getElementById(id);
  const said = $("said");
  const customer = () => CUSTOMERS.find((it) => it.id === app.customer) ?? CUSTOMERS[0];
  const say = (text) => perform("customer-says", { customer: customer().id, name: customer().name, text });
  $("phone-send").addEventListener("click", composer($("phone-text"), say));
  const menu = $("phone-menu");
  const send = { photo: async () => file("pedido.png", "image/png", await picture()), voice: () => file("voz.wav", "audio/wav", voice()),
    location: () => perform("customer-sends", { customer: customer().id, kind: "application/vnd.lime.location+json", content: { latitude: -19.9245, longitude: -43.9352, text: "Praça Sete, Belo Horizonte" } }),
    file: () => $("phone-file").click(), leave: () => perform("customer-leaves", { customer: customer().id }) };
  for (const button of menu.querySelectorAll("[data-send]")) {
    button.addEventListener("click", () => { menu.open = false; send[button.dataset.send](); });
  }
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") menu.open = false; });
  $("phone-file").addEventListener("change", (event) => {
    const [chosen] = event.target.files;
    event.target.value = "";
    if (chosen) file(chosen.name, chosen.type || "application/octet-stream", chosen);
  });

  async function file(name, mime, blob) {
    return perform("customer-sends-file", { customer: customer().id, file: name, mime, bytes: await base64(blob) });
  }

  function draw() {
    const { blip } = app.view;
    const who = customer();
    const tickets = Object.values(blip.tickets).filter((it) => it.customer === who.id);
    const open = tickets.find((it) => !isClosed(it));
    const thread = conversation(who, tickets);
    sync($("customers"), CUSTOMERS.map((it) => [it.id, [it, it.id === who.id, unread(it), app.locale], () => face(it, it.id === who.id, unread(it))]));
    $("phone-name").textContent = app.words.shop;
    $("phone-channel").textContent = `${who.channel} · ${who.name}`;
    $("phone").dataset.channel = who.channel;
    menu.classList.toggle("off", !open);
    menu.querySelector("summary").title = open ? app.words.attach : app.words.attachLater;
    const lines = [];
    thread.forEach((message, number) => {
      if (number && thread[number - 1].ticket !== message.ticket) lines.push(ended(blip.tickets[thread[number - 1].ticket]));
      if (!message.from_customer && message.reason) return;
      const isLast = number === thread.length - 1;
      lines.push([message.id, [message, isLast && Boolean(open), app.locale], () => bubble(message, isLast && Boolean(open))]);
    });
    const last = thread.length ? blip.tickets[thread.at(-1).ticket] : null;
    if (last && isClosed(last) && !open) lines.push(ended(last));
    if (!thread.length) lines.push(["hello", [who.id, app.locale], () => h("li.hint", {}, app.words.writeFirst)]);
    keepEnd(said, () => sync(said, lines));
    const offers = open || thread.length ? [] : app.words.openers;
    sync($("openers"), offers.map((text) => [text, text, () => h("button", { type: "button", onclick: () => say(text) }, text)]));
    read(thread, open);
  }

  /** All that was said, with what opened each ticket: the bot heard that, not the desk. */
  function conversation(who, tickets) {
    const said = app.view.blip.threads[who.id] ?? [];
    const opened = (it) => ({ id: `first-${it.id}`, ticket: it.id, from_customer: true, kind: it.first[0], content: it.first[1], at: it.stored });
    const order = [...tickets].sort((a, b) => a.number - b.number);
    return order.flatMap((it) => [...(it.parent ? [] : [opened(it)]), ...said.filter((message) => message.ticket === it.id)]);
  }

  /** What is on the screen of the phone has been read. */
  let reading = false;
  async function read(thread, open) {
    const isUnread = (it) => !it.from_customer && it.ticket === open?.id && !it.reason && it.status !== "consumed";
    if (reading || document.hidden || !open || !thread.some(isUnread)) return;
    reading = true;
    await new Promise((done) => setTimeout(done, 1200));
    await perform("customer-reads", { ticket: open.id });
    reading = false;
  }

  function unread(it) {
    return (app.view.blip.threads[it.id] ?? []).filter((message) => !message.from_customer && !message.reason && message.status !== "consumed").length;
  }

  function face(it, isChosen, count) {
    return h("button.face", { type: "button", "aria-pressed": String(isChosen), onclick: () => place.set({ customer: it.id }) },
      h(`span.avatar.${colour(it.name)}`, { "aria-hidden": "true" }, initials(it.name)), h("span", {}, it.name.split(" ")[0]),
      count && !isChosen ? h("b.count", {}, String(count)) : null);
  }

  function ended(ticket) {
    return [`end-${ticket.id}`, [ticket.status, app.locale], () => h("li.ended", {}, ticket.status === "Transferred" ? app.words.movedOn : app.words.over)];
  }

  function bubble(message, isLast) {
    const time = new Date(message.at).toLocaleTimeString(app.locale, { hour: "2-digit", minute: "2-digit" });
    return h(`li.bubble.${message.from_customer ? "mine" : "theirs"}`, {},
      content(message, isLast),
      h("time", {}, time, message.from_customer ? h("span.ticks", { "aria-hidden": "true" }, " ✓✓") : null));
  }

  function content({ kind, content: it }, isLast) {
    if (kind === "text/plain") return h("p", {}, marks(String(it)));
    if (kind.includes("media-link")) return media(it);
    if (kind.includes("location")) return h("a.map", { href: `https://www.openstreetmap.org/?mlat=${it.latitude}&mlon=${it.longitude}`, target: "_blank", rel: "noopener" }, h("span.pin", { "aria-hidden": "true" }, "📍"), h("span", {}, it.text ?? `${it.latitude}, ${it.longitude}`));
    if (kind.includes("select")) {
      return h("div", {}, h("p", {}, marks(it.text ?? "")), h("div.options", {}, it.options.map((option) =>
        h("button", { type: "button", disabled: !isLast, onclick: () => say(option.text) }, option.text))));
    }
    if (kind.includes("web-link")) return h("a.web", { href: /^https?:/.test(it.uri) ? it.uri : "#", target: "_blank", rel: "noopener" }, h("b", {}, it.title ?? it.uri), h("small", {}, it.text ?? it.uri));
    return h("p", {}, it.text ?? it.title ?? kind);
  }

  function media(it) {
    const kind = (it.type ?? "").split("/")[0];
    const name = it.title ?? "";
    const caption = it.text ? h("p", {}, it.text) : null;
    if (kind === "image") return h("div", {}, h("img", { src: it.uri, alt: name }), caption);
    if (kind === "audio") return h("div", {}, h("audio", { src: it.uri, controls: true, preload: "metadata" }), caption);
    if (kind === "video") return h("div", {}, h("video", { src: it.uri, controls: true }), caption);
    return h("div", {}, h("a.document", { href: it.uri, target: "_blank", rel: "noopener" }, h("span", { "aria-hidden": "true" }, "📄"), h("b", {}, name)), caption);
  }

  return { draw };
}

export function isClosed(ticket) {
  return ticket.status.startsWith("Closed") || ticket.status === "Transferred";
}

/** The marks of WhatsApp. */
function marks(text) {
  const tags = { "*": "b", _: "i", "~": "s", "`": "code" };
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(/(?<![\p{L}\p{N}])([*_~`])(\S(?:.*?\S)?)\1(?![\p{L}\p{N}])/gu)) {
    nodes.push(text.slice(end, found.index), h(tags[found[1]], {}, found[2]));
    end = found.index + found[0].length;
  }
  return [...nodes, text.slice(end)];
}

/** A picture that somebody could have taken: a parcel with a number. */
function picture() {
  const canvas = h("canvas", { width: 640, height: 420 });
  const pen = canvas.getContext("2d");
  const paint = (style, ...box) => { pen.fillStyle = style; pen.fillRect(...box); };
  const wall = pen.createLinearGradient(0, 0, 0, 420);
  wall.addColorStop(0, "#e9dccb");
  wall.addColorStop(1, "#b79f80");
  paint(wall, 0, 0, 640, 420);
  paint("#8a6a45", 0, 330, 640, 90);
  paint("#c9955a", 170, 120, 300, 230);
  paint("#b98349", 170, 120, 300, 60);
  paint("#e7cf9c", 300, 120, 40, 230);
  paint("#fffdf5", 200, 230, 130, 80);
  pen.fillStyle = "#222";
  pen.font = "bold 30px sans-serif";
  pen.fillText("#4411", 215, 282);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** A voice, as far as a page without a microphone has one: three notes. */
function voice() {
  const rate = 8000;
  const count = rate * 1.5;
  const wave = new DataView(new ArrayBuffer(44 + count));
  const text = (at, words) => [...words].forEach((letter, number) => wave.setUint8(at + number, letter.charCodeAt(0)));
  text(0, "RIFF");
  wave.setUint32(4, 36 + count, true);
  text(8, "WAVEfmt ");
  wave.setUint32(16, 16, true);
  wave.setUint16(20, 1, true);
  wave.setUint16(22, 1, true);
  wave.setUint32(24, rate, true);
  wave.setUint32(28, rate, true);
  wave.setUint16(32, 1, true);
  wave.setUint16(34, 8, true);
  text(36, "data");
  wave.setUint32(40, count, true);
  for (let at = 0; at < count; at += 1) {
    const note = [262, 330, 392][Math.floor((at / count) * 3)];
    wave.setUint8(44 + at, 128 + 60 * Math.sin((at / rate) * note * 2 * Math.PI) * (1 - ((at * 3) / count) % 1));
  }
  return new Blob([wave], { type: "audio/wav" });
}
