// The frame of the page: who is signed in, what is shown, the state and the button that stops trading.
import { ask, askAhead, carry, get, Refused } from "/page/ask.js";
import { el } from "/page/draw.js";
import { setCurrency } from "/page/figures.js";
import { has, LANGUAGES, language, readLanguage, setLanguage, t } from "/page/texts.js";
import { now } from "/page/views/now.js";
import { energy, money } from "/page/views/money.js";
import { trades } from "/page/views/trades.js";
import { market, offers } from "/page/views/market.js";
import { limits } from "/page/views/limits.js";
import { access, alerts, approvals, signIn } from "/page/views/watch.js";

const VIEWS = { now, money, energy, trades, offers, market, limits, approvals, alerts, access };
/** The state is asked for so often, ms. */
const EVERY = 5_000;

const head = document.getElementById("head");
const main = document.getElementById("main");
const said = document.getElementById("said");

/** What all views know: who is signed in, and the last state. */
export const shared = { role: null, status: null, fingerprint: null, unreachable: false };
let shown = null;
let alertCount = 0;
let saying = 0;

/** Says something in passing, to eyes and ears. */
export function say(...text) {
  said.replaceChildren(...text);
  clearTimeout(saying);
  saying = setTimeout(() => { said.replaceChildren(); }, 6_000);
}

/** The agent's own words, which are English. */
export const says = (text) => el("p", { class: "soft" }, t("agentSays"), " ", el("span", { lang: "en" }, text));

/** Refusals of which the agent's own words tell more than their name does: which key, which value. */
const DETAILED = ["bad_request", "bad_policy", "registers", "conflict", "broken", "unavailable", "no_agent", "chain_away", "refused"];

/** Why something did not work, in the words of whoever reads; English where there are no others. */
export function why(error) {
  if (!(error instanceof Refused)) return [error.message];
  if (error.status === 0) return [t("retry")];
  if (!has(`error_${error.code}`)) return [el("span", { lang: "en" }, error.message)];
  const said = t(`error_${error.code}`);
  return DETAILED.includes(error.code) ? [said, " ", el("span", { lang: "en" }, `(${error.message})`)] : [said];
}

/** Why something did not work, to be shown. */
export const problem = (error) => el("div", { class: "alert", role: "alert" }, el("p", null, el("strong", null, t("failed"))), el("p", null, why(error)));

/** Does something that may fail; what went wrong is said. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) await begin();
    say(`${t("failed")}: `, ...why(error));
    return undefined;
  }
}

export const isOwner = () => shared.role === "owner";

/** Changes keys of the policy. */
export async function change(keys) {
  const policy = await ask("PUT", "policy", keys);
  if (shared.status) shared.status.policy = policy;
  await refresh();
  return policy;
}

function stateOf() {
  const status = shared.status;
  if (shared.unreachable) return ["trouble", t("unreachable")];
  if (!status) return ["waiting", t("loading")];
  if (status.policy.paused) return ["paused", t("paused")];
  if (status.waiting_for) return ["waiting", t("waiting")];
  if (status.window?.market_paused) return ["paused", t("stopped")];
  if (!status.health.ok) return ["trouble", t("trouble")];
  return ["on", t("on")];
}

async function setPaused(paused) {
  await attempt(async () => {
    await ask("POST", "pause", { paused });
    say(t(paused ? "saidPaused" : "saidResumed"));
    await refresh();
    document.getElementById("pause")?.focus();
  });
}

/** What the frame shows; drawn anew only when that changes, so that no button goes while it is pressed. */
let drawn = null;
function drawHead() {
  const status = shared.status;
  const content = JSON.stringify([stateOf(), shared.role, status?.policy.paused ?? null, shown, status?.awaiting.length ?? 0, alertCount, language()]);
  if (content === drawn) return;
  drawn = content;
  const focused = document.activeElement?.id;
  const open = document.querySelector("nav")?.dataset.open ?? "false";
  const [kind, text] = stateOf();
  const languages = el("select", { id: "language", "aria-label": t("language"), onchange: (event) => { setLanguage(event.target.value); start(); } },
    Object.entries(LANGUAGES).map(([key, name]) => el("option", { value: key, selected: key === language(), lang: key }, name)));
  const bar = el("div", { class: "bar" }, el("a", { class: "brand", href: "#/now" }, "Wattpool"));
  const parts = [bar];
  if (shared.role !== null) {
    bar.append(el("span", { class: `state ${kind}`, id: "state" }, text));
    if (isOwner() && shared.status) {
      const paused = shared.status.policy.paused;
      bar.append(el("button", { id: "pause", class: paused ? "first" : "stop", type: "button", onclick: () => setPaused(!paused) }, t(paused ? "resume" : "pause")));
    }
    const nav = el("nav", { "aria-label": t("menu"), id: "nav" }, el("ul", null, Object.keys(VIEWS).map((name) => {
      const count = name === "approvals" ? shared.status?.awaiting.length ?? 0 : name === "alerts" ? alertCount : 0;
      return el("li", null, el("a", { href: `#/${name}`, "aria-current": name === shown ? "page" : null }, t(name), count > 0 ? el("span", { class: "count" }, String(count)) : null));
    })));
    nav.dataset.open = open;
    // In the hand the menu is closed: what waits inside is told on its button.
    const waits = shared.status?.awaiting.length ?? 0;
    bar.append(el("button", { id: "menu", type: "button", "aria-expanded": open, "aria-controls": "nav", onclick: (event) => {
      const now = nav.dataset.open !== "true";
      nav.dataset.open = String(now);
      event.currentTarget.setAttribute("aria-expanded", String(now));
    } }, t("menu"), waits > 0 ? [el("span", { class: "count", "aria-hidden": "true" }, String(waits)), el("span", { class: "unseen" }, `, ${t("waitForYou", { count: waits })}`)] : null));
    parts.push(nav);
  }
  bar.append(languages);
  head.replaceChildren(...parts);
  if (focused) document.getElementById(focused)?.focus();
}

/** Notes of the frame above each view. */
function notes() {
  const all = [];
  if (shared.status?.policy.paused) all.push(el("div", { class: "note" }, el("p", null, el("strong", null, t("paused")), ". ", t("pausedWhat"))));
  if (shared.role === "viewer") all.push(el("p", { class: "soft" }, t("viewerOnly")));
  return all;
}

/** What the frame says above a view is true of now, also where the view itself stands still. */
const drawNotes = () => document.getElementById("notes")?.replaceChildren(...notes());

/** Who only buys begins with what there is to buy. */
const first = () => (shared.status?.kind === "consumer" ? "offers" : "now");

/** Somebody presses something now: what is under the finger stays until it is released. */
let pressed = false;
window.addEventListener("pointerdown", () => { pressed = true; });
for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => setTimeout(() => { pressed = false; }));

/** The view that the address names. */
const named = () => (location.hash.slice(2) in VIEWS ? location.hash.slice(2) : null);

let drawing = 0;
/** Shows the view that the address names. `quiet`: an update, the focus stays. */
async function show(quiet = false) {
  const name = named() ?? first();
  const fresh = name !== shown;
  if (quiet && (VIEWS[name].still || pressed)) return;
  shown = name;
  const mine = ++drawing;
  document.title = `${t(name)} – Wattpool`;
  if (fresh) {
    const nav = document.querySelector("nav");
    if (nav) nav.dataset.open = "false";
    drawHead();
    main.replaceChildren(el("h1", null, t(name)), el("p", { class: "soft" }, t("loading")));
    main.setAttribute("aria-busy", "true");
  }
  let content;
  try {
    content = await VIEWS[name]();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      begin();
      return;
    }
    content = [problem(error)];
  }
  if (mine !== drawing || (quiet && pressed)) return;
  const focused = quiet ? document.activeElement?.id : null;
  const scrolled = window.scrollY;
  put([el("h1", null, t(name)), el("div", { id: "notes" }, notes()), ...content.flat().filter(Boolean)], quiet);
  main.removeAttribute("aria-busy");
  main.dataset.view = name;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (quiet) window.scrollTo(0, scrolled);
  else if (fresh) { window.scrollTo(0, 0); main.focus({ preventScroll: true }); }
}

/** Shows elements; of an update only what is new is exchanged, so that nothing goes that is being read or pressed. */
function put(elements, quiet) {
  const there = [...main.children];
  if (!quiet || there.length !== elements.length) {
    main.replaceChildren(...elements);
    return;
  }
  const opened = [...main.querySelectorAll("details")].map((details) => details.open);
  elements.flatMap((element) => [...element.querySelectorAll("details")]).forEach((details, at) => { details.open = opened[at] ?? false; });
  elements.forEach((element, at) => { if (!element.isEqualNode(there[at])) there[at].replaceWith(element); });
}

/** Draws the view again after a change. */
export const redraw = () => show(false);

async function refresh() {
  try {
    const [status, told] = await Promise.all([get("status"), get("alerts")]);
    shared.status = status;
    shared.unreachable = false;
    alertCount = told.now.filter((alert) => alert.kind !== "approval").length;
    setCurrency(status.currency);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) throw error;
    shared.unreachable = true;
  }
  drawHead();
  drawNotes();
}

let ticking = null;
async function tick() {
  clearTimeout(ticking);
  if (document.visibilityState === "visible" && shared.role !== null) {
    try {
      await refresh();
      await show(true);
    } catch {
      await begin();
    }
  }
  ticking = setTimeout(tick, EVERY);
}

let listening = null;
/** News are shown as they come; without them the state is asked for now and then. */
function listen() {
  listening?.close();
  listening = new EventSource("/api/v1/events");
  let first = true;
  listening.addEventListener("changed", () => {
    // The first one says what is known already.
    if (!first) tick();
    first = false;
  });
  // It goes on by asking: a connection that breaks is taken up again by the browser.
}

/** Signed in or not, and then what is shown. */
export async function begin() {
  // What a view asks for does not wait for what the frame asks for.
  askAhead(["session", "status", "alerts", ...(VIEWS[named() ?? "now"].asks?.() ?? [])]);
  try {
    const session = await get("session");
    shared.role = session.role;
    shared.fingerprint = session.fingerprint;
    carry(session.csrf);
  } catch (error) {
    shared.role = null;
    shared.status = null;
    shown = null;
    drawing += 1;
    listening?.close();
    drawHead();
    document.title = `${t("signIn")} – Wattpool`;
    main.dataset.view = "sign-in";
    askAhead([]);
    main.replaceChildren(...signIn(error instanceof Refused && error.status === 0 ? error : null));
    return;
  }
  shown = null;
  try {
    await refresh();
  } catch {
    askAhead([]);
    return;
  }
  await show();
  askAhead([]);
  listen();
}

function start() {
  document.documentElement.lang = language();
  document.getElementById("skip").textContent = t("skip");
  begin();
}

readLanguage();
window.addEventListener("hashchange", () => { if (shared.role !== null) show(); });
let wide = window.innerWidth;
window.addEventListener("resize", () => { if ((wide < 700) !== (window.innerWidth < 700)) { wide = window.innerWidth; if (shared.role !== null) show(true); } });
start();
ticking = setTimeout(tick, EVERY);
