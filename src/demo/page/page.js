// Puts the page together: looks at the stand-ins, draws what they show, and keeps nothing itself.

import { makeDialog } from "./dialog.js";
import { CUSTOMERS, isClosed, makePhone } from "./phone.js";
import { makeSlack } from "./slack.js";
import { TEXTS } from "./texts.js";
import { emoji, h, keepEnd, order, perform, place, sync } from "./tools.js";

const $ = (id) => document.getElementById(id);
const app = { view: null, service: null, words: TEXTS["pt-BR"], locale: "pt-BR", manifest: null };
let parts = null;

function look() {
  const { users, channels } = app.view.slack;
  const agents = Object.values(users).filter((user) => !user.is_bot);
  app.agent = agents.some((user) => user.id === place.get("agent")) ? place.get("agent") : agents[0].id;
  app.channel = Object.keys(channels)[0];
  app.customer = place.get("customer") ?? CUSTOMERS[0].id;
  app.thread = place.get("thread");
  app.place = place.get("place");
  document.body.dataset.tab = place.get("tab") ?? "phone";
}

function draw() {
  if (!app.view || !app.service) return;
  look();
  speak(app.service.locale);
  for (const part of parts) part.draw();
  drawWire();
  drawTour();
  for (const tab of document.querySelectorAll("[data-to]")) tab.setAttribute("aria-pressed", String(tab.dataset.to === document.body.dataset.tab));
  document.body.classList.remove("loading");
}

/** The page's own words, in the language that the service speaks. */
function speak(locale) {
  if (document.documentElement.lang === locale && document.body.dataset.spoken) return;
  app.locale = locale;
  app.words = TEXTS[locale];
  document.documentElement.lang = locale;
  document.body.dataset.spoken = "yes";
  document.title = app.words.title;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = app.words[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) {
    const words = app.words[node.dataset.label];
    node.setAttribute("aria-label", words);
    if (node.matches("textarea")) node.placeholder = words;
    else node.title = words;
  }
  $("language").value = locale;
}

function drawWire() {
  const { calls, trouble, loses_answer: isLossy, slack, blip } = app.view;
  const all = [...calls.slack.map((it) => ({ ...it, of: "Slack" })), ...calls.blip.map((it) => ({ ...it, of: "Blip" }))];
  all.sort((a, b) => a.at_ms - b.at_ms || a.number - b.number);
  const isRunning = app.service.running;
  $("state").textContent = isRunning ? app.words.running : app.words.stopped;
  $("state").className = isRunning ? "up" : "down";
  $("life").textContent = isRunning ? app.words.kill : app.words.start;
  $("slack-busy").setAttribute("aria-pressed", String(trouble.includes("slack-busy")));
  $("blip-down").setAttribute("aria-pressed", String(trouble.includes("blip-down")));
  $("loses-answer").setAttribute("aria-pressed", String(isLossy));
  keepEnd($("calls"), () => sync($("calls"), all.slice(-150).map((it) => [`${it.of}${it.number}`, [it, app.locale], () => call(it)])));
  const broken = [...slack.broken, ...blip.broken];
  sync($("broken"), broken.slice(-3).map((words, number) => [String(number), words, () => h("li", {}, `${app.words.broken}: ${words}`)]));
}

function call(it) {
  const time = new Date(it.at_ms).toLocaleTimeString(app.locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const isGood = it.status >= 200 && it.status < 300;
  const outcome = it.took_ms === null ? "…" : (it.status ?? app.words.cut);
  const name = it.is_delivery ? delivered(it) : it.what.replace(/^\/commands /, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, "…");
  return h(`li.call.${it.of.toLowerCase()}.${it.is_delivery ? "in" : "out"}`, { title: `${time} ${it.what}` },
    h("span.way", {}, it.is_delivery ? `${it.of} →` : `→ ${it.of}`),
    h("span.what", {}, name),
    h(`span.outcome.${it.took_ms === null ? "open" : isGood ? "good" : "bad"}`, {}, String(outcome)),
    h("span.took", {}, it.took_ms === null ? "" : `${it.took_ms} ms`));
}

/** What a platform has told: of what kind. */
function delivered(it) {
  if (it.of === "Blip") return "POST /blip/webhook";
  return it.what.replace(/\s*Ev\w+$/, "").trim() || "event";
}

function drawTour() {
  const step = Number(place.get("tour") ?? 0);
  const box = $("tour");
  const is = (number) => TOUR[number]?.() ?? false;
  if (place.get("tour") === "off") {
    box.hidden = true;
    return mark([]);
  }
  if (is(step) && !place.get("again")) return place.set({ tour: step + 1 < TOUR.length ? String(step + 1) : "off" });
  const [target, title, words] = app.words.steps[step] ?? [];
  if (!target) return place.set({ tour: "off", again: null });
  box.hidden = false;
  box.dataset.at = target.slice(1);
  $("tour-title").textContent = title;
  $("tour-words").textContent = words;
  $("tour-step").textContent = `${step + 1} / ${TOUR.length}`;
  $("tour-next").textContent = step + 1 < TOUR.length ? app.words.next : app.words.done;
  // On a telephone one part is shown at a time, so the way to it is marked too.
  mark([$(target.slice(1)), document.querySelector(`[data-to=${target.slice(1)}]`)]);
}

function mark(nodes) {
  for (const old of document.querySelectorAll(".marked")) if (!nodes.includes(old)) old.classList.remove("marked");
  for (const node of nodes) node?.classList.add("marked");
}

/** When each step of the tour is done, so that doing it goes on to the next. */
const tickets = () => Object.values(app.view.blip.tickets);
const TOUR = [
  () => tickets().length > 0,
  () => tickets().some((it) => it.agent),
  () => Object.values(app.view.blip.threads).flat().some((it) => !it.from_customer),
  () => false,
  () => tickets().some(isClosed),
];

/** Asks again and again, each time until there is something new. */
async function follow(ask, take) {
  for (;;) {
    try {
      take(await ask());
      $("gone").hidden = true;
    } catch {
      $("gone").hidden = false;
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

const json = async (response) => {
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
};

/** How the service is; with another language of it comes the app as Slack has it in that one. */
async function askService() {
  const service = await json(await fetch("/demo/service", { headers: app.service ? { "x-seen": String(app.service.changes) } : {} }));
  if (service.locale !== app.service?.locale) app.manifest = await json(await fetch(`/demo/manifest.${service.locale}.json`));
  return service;
}

function listen() {
  addEventListener("hashchange", draw);
  document.addEventListener("visibilitychange", draw);
  document.addEventListener("tell", (event) => {
    $("told").textContent = event.detail.words || app.words[event.detail.key];
    $("told").classList.add("on");
    clearTimeout(listen.timer);
    listen.timer = setTimeout(() => $("told").classList.remove("on"), 4000);
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details[open]")) if (!open.contains(event.target)) open.open = false;
  });
  for (const tab of document.querySelectorAll("[data-to]")) tab.addEventListener("click", () => place.set({ tab: tab.dataset.to }));
  $("life").addEventListener("click", () => order(app.service.running ? "kill" : "start"));
  for (const id of ["slack-busy", "blip-down"]) {
    $(id).addEventListener("click", () => perform("trouble", { name: id, on: !app.view.trouble.includes(id) }));
  }
  $("loses-answer").addEventListener("click", () => perform("loses-answer"));
  $("language").addEventListener("change", (event) => order(event.target.value));
  $("tour-next").addEventListener("click", () => place.set({ tour: String(Number(place.get("tour") ?? 0) + 1) }));
  $("tour-skip").addEventListener("click", () => place.set({ tour: "off", again: null }));
  $("tour-again").addEventListener("click", () => place.set({ tour: "0", again: "1" }));
}

await emoji.load();
parts = [makePhone(app), makeSlack(app), makeDialog(app)];
listen();
follow(
  async () => json(await fetch(`/demo/people/view?seen=${encodeURIComponent(app.view?.version ?? "")}`)),
  (view) => { app.view = view; draw(); });
follow(
  askService,
  (service) => { app.service = service; draw(); });
