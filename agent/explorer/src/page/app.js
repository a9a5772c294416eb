// The frame of the site: what is shown, in which language, how far the index is.
import { askAhead, get, Refused } from "/page/ask.js";
import { el } from "/page/draw.js";
import { number, setCurrency } from "/page/figures.js";
import { note, shared } from "/page/parts.js";
import { LANGUAGES, language, readLanguage, setLanguage, t } from "/page/texts.js";
import { now, windows } from "/page/views/now.js";
import { trade, trades } from "/page/views/trades.js";
import { meter, meters } from "/page/views/meters.js";
import { concentration } from "/page/views/market.js";
import { money } from "/page/views/money.js";
import { data, disputes, operator, validators } from "/page/views/record.js";

const VIEWS = { now, windows, trades, meters, concentration, money, disputes, operator, validators, data };
/** One of a list: shown in the menu as its list. */
const PARTS = { trade: [trade, "trades"], meter: [meter, "meters"] };
/** The state is asked for so often, ms. */
const EVERY = 10_000;

const head = document.getElementById("head");
const main = document.getElementById("main");
let shown = null;
let drawing = 0;

/** What the address names: a view, one of its parts, what is asked. */
function place() {
  const [path, query = ""] = location.hash.slice(2).split("?", 2);
  const [name, part = ""] = path.split("/", 2);
  const asked = new URLSearchParams(query);
  if (Object.hasOwn(PARTS, name) && part !== "") return { name, part, asked, of: PARTS[name][1], view: PARTS[name][0] };
  const known = Object.hasOwn(VIEWS, name) ? name : "now";
  return { name: known, part, asked, of: known, view: VIEWS[known] };
}

function stateOf() {
  const status = shared.status;
  if (status === null) return ["trouble", t("unreachable")];
  if (status.violations > 0) return ["trouble", t("broken", { count: number(status.violations) })];
  if (status.trouble) return ["waiting", t("nothingNew")];
  if (status.height === null) return ["waiting", t("indexing", { height: "0", newest: "?" })];
  const target = status.newest;
  if (target !== null && target > status.height + 20) return ["waiting", t("indexing", { height: number(status.height), newest: number(target) })];
  if (status.source === "file" && !status.complete) return ["waiting", t("reading", { height: number(status.height) })];
  return ["on", t("ruled", { height: number(status.height) })];
}

function drawHead() {
  const focused = document.activeElement?.id;
  const open = document.querySelector("nav")?.dataset.open ?? "false";
  const [kind, text] = stateOf();
  const current = place().of;
  const nav = el("nav", { "aria-label": t("menu"), id: "nav" }, el("ul", null, Object.keys(VIEWS).filter((name) => name !== "validators" || shared.status?.source === "node").map((name) =>
    el("li", null, el("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, t(name))))));
  nav.dataset.open = open;
  const languages = el("select", { id: "language", "aria-label": t("language"), onchange: (event) => { setLanguage(event.target.value); start(); } },
    Object.entries(LANGUAGES).map(([key, name]) => el("option", { value: key, selected: key === language(), lang: key }, name)));
  const menu = el("button", { id: "menu", type: "button", "aria-expanded": open, "aria-controls": "nav", onclick: (event) => {
    const next = nav.dataset.open !== "true";
    nav.dataset.open = String(next);
    event.target.setAttribute("aria-expanded", String(next));
  } }, t("menu"));
  head.replaceChildren(el("div", { class: "bar" }, el("a", { class: "brand", href: "#/now" }, t("title")), el("span", { class: `state ${kind}`, id: "state" }, text), menu, languages), nav);
  if (focused) document.getElementById(focused)?.focus();
}

/** What is to be known before anything that is shown. */
function notes() {
  const status = shared.status;
  if (status === null) return [];
  const all = [];
  if (status.violations > 0) {
    all.push(el("div", { class: "alert", role: "alert" }, el("p", null, el("strong", null, t("broken", { count: number(status.violations) }))), el("ul", { class: "plain" }, status.findings.slice(0, 5).map((text) => el("li", null, el("code", null, text))))));
  }
  if (!status.whole) all.push(note(t("notWhole", { height: number(status.from_height) })));
  if (status.trouble) all.push(note(t("nothingNew"), status.trouble));
  return all;
}

async function show(quiet = false) {
  const where = place();
  const key = location.hash;
  const fresh = key !== shown;
  if (quiet && where.view.still) return;
  shown = key;
  drawing += 1;
  const mine = drawing;
  const title = where.view.title ? where.view.title(where.part) : t(where.name);
  document.title = `${title} – ${t("title")}`;
  if (fresh) {
    const nav = document.querySelector("nav");
    if (nav) nav.dataset.open = "false";
    drawHead();
    main.setAttribute("aria-busy", "true");
  }
  let content;
  try {
    content = await where.view(where.part, where.asked);
  } catch (error) {
    const away = error instanceof Refused && error.status === 0;
    content = [el("div", { class: "alert", role: "alert" }, el("p", null, el("strong", null, t("failed"))), el("p", null, away ? t("retry") : error.message))];
  }
  if (mine !== drawing) return;
  const focused = quiet ? document.activeElement?.id : null;
  const scrolled = window.scrollY;
  main.replaceChildren(el("h1", null, title), ...notes(), ...content.flat().filter(Boolean));
  main.removeAttribute("aria-busy");
  main.dataset.view = where.name;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (quiet) window.scrollTo(0, scrolled);
  else if (fresh) { window.scrollTo(0, 0); main.focus({ preventScroll: true }); }
}

async function refresh() {
  try {
    shared.status = await get("status");
    setCurrency(shared.status.currency);
  } catch {
    shared.status = null;
  }
  drawHead();
}

let ticking = null;
async function tick() {
  clearTimeout(ticking);
  if (document.visibilityState === "visible" && shared.status?.complete !== true) {
    const before = shared.status?.height;
    await refresh();
    if (shared.status?.height !== before) await show(true);
  }
  ticking = setTimeout(tick, EVERY);
}

async function start() {
  document.documentElement.lang = language();
  document.getElementById("skip").textContent = t("skip");
  shown = null;
  // What a view asks for does not wait for the state.
  const { view, part, asked } = place();
  askAhead(["status", ...(view.asks?.(part, asked) ?? [])]);
  await refresh();
  await show();
  askAhead([]);
}

readLanguage();
window.addEventListener("hashchange", () => show());
let wide = window.innerWidth;
window.addEventListener("resize", () => { if ((wide < 700) !== (window.innerWidth < 700)) { wide = window.innerWidth; show(true); } });
start();
ticking = setTimeout(tick, EVERY);
