// What waits for the owner, what is wrong, and who may look.
import { attempt, begin, change, isOwner, problem, redraw, say, says, shared } from "/page/app.js";
import { ask, carry, get, Refused } from "/page/ask.js";
import { pseudonym } from "/page/copy.js";
import { el, inHand, table } from "/page/draw.js";
import { clockOf, energy, moment, money, price, short } from "/page/figures.js";
import { t } from "/page/texts.js";

export async function approvals() {
  const manual = shared.status.policy.manual_approval;
  const parts = [el("p", { class: "row" }, el("span", null, t(manual ? "approvalsOn" : "approvalsOff")),
    isOwner() ? el("button", { type: "button", id: "ask-me", onclick: () => attempt(async () => { await change({ manual_approval: !manual }); await redraw(); }) }, t(manual ? "noAsk" : "askMe")) : null)];
  const past = waited((await get("approvals/history")).approvals);
  let told;
  try {
    told = await get("approvals");
  } catch (error) {
    if (error instanceof Refused && error.status === 503) return [...parts, el("div", { class: "note" }, el("p", null, t("approvalsAway")), says(error.message)), past];
    throw error;
  }
  if (told.awaiting.length === 0) return [...parts, el("div", { class: "card" }, el("p", null, t("nothingWaits"))), past];
  const decide = async (request, accept) => {
    await attempt(async () => {
      await ask("POST", "approvals", { request, accept });
      say(t(accept ? "saidAccepted" : "saidRefused"));
    });
    // What has lapsed meanwhile goes, too.
    await redraw();
  };
  const item = (a) => el("li", null,
    el("p", null, el("strong", null, t(a.selling ? "wantsSell" : "wantsBuy", { amount: energy(a.wh), partner: short(a.partner) })), " ", t(a.selling ? "asksPrice" : "atPrice", { price: price(a.price) }), ` (${money(Math.ceil((a.wh * a.price) / 1000))}), `, t("until", { time: clockOf(a.until, 0) }),
      !a.selling && shared.status.grid ? `. ${t("gridInstead", { price: price(shared.status.grid.import) })}` : null),
    el("p", null, pseudonym(a.partner, a.request)),
    isOwner() ? el("p", { class: "row" },
      el("button", { type: "button", class: "first", id: `accept-${a.request}`, onclick: () => decide(a.request, true) }, t("accept")),
      el("button", { type: "button", id: `refuse-${a.request}`, onclick: () => decide(a.request, false) }, t("refuse"))) : null);
  return [...parts, el("div", { class: "card" }, el("ul", { class: "plain" }, told.awaiting.map(item))), el("p", { class: "soft" }, t("lapsed")), past];
}

approvals.asks = () => ["approvals/history", "approvals"];

/** The last trades that waited, and what became of each. */
function waited(rows) {
  const done = rows.filter((row) => row.fate !== "waiting");
  const fate = (row) => el("span", null, t(`fate_${row.fate}`), row.traded === null ? null : `: ${t("fateOf", { amount: energy(row.traded), money: money(row.money, row.money < 1e6 ? 4 : 2) })}`);
  const heads = ["when", "what", "amount", "partner", "price", "fate"].map((key) => t(key));
  return el("section", { id: "decided" }, done.length === 0
    ? [el("h2", null, t("decidedTitle")), el("div", { class: "card" }, el("p", null, t("nothingDecided")))]
    : el("div", { class: "card" }, table(t("decidedTitle"), heads, done.map((row) => [
      moment(row.decided_at ?? row.at),
      el("span", { class: `pill ${row.selling ? "sold" : "bought"}` }, t(row.selling ? "sellOf" : "buyOf")),
      energy(row.wh),
      pseudonym(row.partner, `decided-${row.at}-${row.request}`),
      inHand(t("price"), t(row.selling ? "asksPrice" : "atPrice", { price: price(row.price) })),
      fate(row),
    ]), ["text", "text", "", "text", "", "wide"])));
}

/** What the agent told, in words. */
function words(row) {
  const [kind, what] = typeof row.notice === "string" ? [row.notice, {}] : Object.entries(row.notice)[0];
  const values = {
    window: what.window === undefined ? "" : moment(what.window * shared.status.window_seconds),
    amount: what.wh === undefined ? "" : energy(what.wh),
    code: what.code ?? t("noReason"),
    found: what.found,
  };
  return t(`told_${kind}`, values);
}

export async function alerts() {
  const told = await get("alerts");
  const approvalsLink = (alert) => alert.kind === "approval" ? el("p", null, el("a", { href: "#/approvals" }, t("do_approval"))) : el("p", null, t(`do_${alert.kind}`));
  const now = told.now.length === 0
    ? el("div", { class: "card" }, el("p", null, t("noAlerts")))
    : told.now.map((alert) => el("div", { class: alert.kind === "approval" || alert.kind === "waiting" ? "note" : "alert" },
      el("h3", null, t(`alert_${alert.kind}`)), approvalsLink(alert), alert.kind === "approval" ? null : says(alert.text)));
  const lately = told.lately.length === 0
    ? el("p", null, t("nothingLately"))
    : el("ul", { class: "plain" }, told.lately.map((row) => el("li", null, el("p", { class: "label" }, moment(row.at)), el("p", null, words(row)))));
  return [el("h2", null, t("alertsNow")), now, el("section", null, el("h2", null, t("alertsLately")), el("div", { class: "card" }, lately))];
}

export async function access() {
  const parts = [el("div", { class: "card" },
    el("dl", null,
      el("dt", null, t("role")), el("dd", null, t(shared.role)),
      shared.status.home_name ? [el("dt", null, t("home")), el("dd", null, shared.status.home_name)] : null,
      el("dt", null, t("market")), el("dd", null, shared.status.market),
      el("dt", null, t("meter")), el("dd", null, el("code", null, shared.status.meter), " ", pseudonym(shared.status.meter, "own")),
      el("dt", null, t("version")), el("dd", null, shared.status.version)),
    el("p", { class: "row" }, el("button", { type: "button", id: "sign-out", onclick: () => attempt(async () => {
      await ask("DELETE", "session");
      carry(null);
      say(t("signedOut"));
      await begin();
    }) }, t("signOut"))))];
  if (isOwner()) {
    const code = el("div", { "aria-live": "polite" });
    const pair = (role) => attempt(async () => {
      const paired = await ask("POST", "pairing", { role });
      code.replaceChildren(el("p", { class: "code", id: "code" }, paired.code),
        ...(paired.home ? [el("p", null, t("homePort", { port: paired.home.split(":").pop() }))] : []));
    });
    parts.push(el("section", { class: "card" }, el("h2", null, t("pairTitle")), el("p", null, t("pairWhat")),
      el("p", { class: "row" },
        el("button", { type: "button", class: "first", id: "pair-owner", onclick: () => pair("owner") }, t("pairOwner")),
        el("button", { type: "button", id: "pair-viewer", onclick: () => pair("viewer") }, t("pairViewer"))), code,
      shared.fingerprint
        ? [el("h3", null, t("fingerprint")), el("p", null, el("code", null, shared.fingerprint)), el("p", { class: "soft" }, t("fingerprintWhat"))]
        : el("p", { class: "soft" }, t("noHome"))));
    parts.push(el("section", { class: "card" }, el("h2", null, t("setPassword")), el("form", { class: "narrow", onsubmit: (event) => {
      event.preventDefault();
      attempt(async () => {
        await ask("PUT", "password", { role: "owner", password: document.getElementById("new-password").value });
        say(t("passwordSet"));
        await begin();
      });
    } },
      el("div", { class: "field" }, el("label", { for: "new-password" }, t("newPassword")),
        el("input", { id: "new-password", type: "password", autocomplete: "new-password", minlength: 10, required: true, "aria-describedby": "new-password-detail" }),
        el("p", { class: "detail", id: "new-password-detail" }, t("passwordWhat"))),
      el("p", null, el("button", { type: "submit" }, t("setPassword"))))));
  }
  parts.push(el("p", { class: "soft" }, t("api", { path: "/api/v1/openapi.json" })));
  return parts;
}
access.still = true;

/** For whoever is not signed in. */
export function signIn(trouble) {
  const result = el("div", { "aria-live": "assertive" }, trouble ? problem(trouble) : null);
  const form = (id, label, attributes) => el("form", { class: "card", onsubmit: async (event) => {
    event.preventDefault();
    const value = document.getElementById(id).value;
    try {
      const session = await ask("POST", "session", { [id]: value });
      carry(session.csrf);
      await begin();
    } catch (error) {
      result.replaceChildren(problem(error));
      document.getElementById(id).focus();
    }
  } },
    el("div", { class: "field" }, el("label", { for: id }, label), el("input", { id, required: true, ...attributes })),
    el("p", null, el("button", { type: "submit", class: "first" }, t("signIn"))));
  return [el("h1", null, t("signIn")), el("p", null, t("signInWhat")), result, el("div", { class: "two" },
    form("code", t("code"), { inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9 ]{8,10}" }),
    form("password", t("password"), { type: "password", autocomplete: "current-password" }))];
}
