// Meters by their pseudonyms; one of them.
import { get } from "/page/ask.js";
import { el, figure } from "/page/draw.js";
import { energy, money, moment, number } from "/page/figures.js";
import { address, eventHeads, eventRows, EVENT_KINDS, facts, field, growing, meterLink, note, windowTime } from "/page/parts.js";
import { t } from "/page/texts.js";
import { list, question as tradesOf } from "/page/views/trades.js";

const row = (m) => [meterLink(m.meter), m.zone === null ? t("unknown") : String(m.zone), m.kind === null ? t("unknown") : t(`kind_${m.kind}`), energy(m.minted), energy(m.sold), money(m.earned), energy(m.bought), money(m.spent), m.retired ? t("retired") : m.objected ? t("disputed") : m.notice !== null ? t("noticed") : t("inService")];

/** What is asked for a page of meters. */
function question(asked, after = null) {
  const parts = new URLSearchParams({ limit: "50" });
  const digits = asked.get("meter") ?? "";
  if (digits !== "") parts.set("meter", digits);
  if (after !== null) parts.set("after", after);
  return `meters?${parts}`;
}

export async function meters(part, asked) {
  const digits = asked.get("meter") ?? "";
  const page = async (after) => {
    const told = await get(question(asked, after));
    return { rows: told.meters.map(row), next: told.next };
  };
  const form = el("form", { class: "row end", onsubmit: (event) => {
    event.preventDefault();
    location.hash = address("meters", { meter: document.getElementById("meter").value.trim().toLowerCase() });
  } },
    field("meter", t("meterDigits"), el("input", { id: "meter", type: "text", value: digits, maxlength: 32, pattern: "[0-9a-fA-F]*", autocomplete: "off", spellcheck: "false" })),
    el("button", { type: "submit", class: "first" }, t("search")));
  const first = await page(null);
  const heads = ["meter", "zone", "kind", "minted", "soldShort", "earned", "boughtShort", "spent", "state"].map((key) => t(key));
  return [el("p", null, t("metersWhat")), form, first.rows.length === 0 ? note(t("noMeters")) : el("section", null, growing(t("meters"), heads, ["text", "text", "text", "", "", "", "", "", "text"], first, page))];
}
meters.still = true;
meters.asks = (part, asked) => [question(asked)];

const eventsOf = (part, before) => `events?meter=${encodeURIComponent(part)}&limit=25${before === null ? "" : `&before=${before}`}`;
const ofMeter = (part) => new URLSearchParams({ meter: part });

export async function meter(part) {
  const page = async (before) => {
    const told = await get(eventsOf(part, before));
    return { rows: eventRows(told.events), next: told.next };
  };
  const [m, first, trades] = await Promise.all([get(meter.asks(part)[0]), page(null), list(ofMeter(part))]);
  return [
    el("p", null, el("code", null, m.meter)),
    el("div", { class: "cards" },
      figure(t("soldShort"), energy(m.sold), t("fromTrades", { count: number(m.sales), money: money(m.earned) })),
      figure(t("boughtShort"), energy(m.bought), t("fromTrades", { count: number(m.purchases), money: money(m.spent) })),
      figure(t("minted"), energy(m.minted), t("unsoldOf", { amount: energy(Math.max(0, m.minted - m.sent)) })),
      figure(t("charges"), money(m.charges))),
    el("section", { class: "card" }, el("h2", null, t("registration")), facts([
      [t("owner"), m.owner === null ? t("unknown") : el("code", null, m.owner)],
      [t("zone"), m.zone === null ? t("unknown") : String(m.zone)],
      [t("kind"), m.kind === null ? t("unknown") : t(`kind_${m.kind}`)],
      [t("maxExport"), m.max_export === null ? t("unknown") : energy(m.max_export)],
      [t("maxImport"), m.max_import === null ? t("unknown") : energy(m.max_import)],
      [t("statements"), number(m.statements)],
      [t("statedTo"), m.stated_to === null ? t("none") : moment(windowTime(m.stated_to))],
      [t("state"), m.retired ? t("retired") : t("inService")],
      m.notice === null ? null : [t("notice"), t(m.notice_retires ? "noticeRetire" : "noticeChange", { time: moment(m.notice) })],
      m.objected ? [t("objection"), t("waitsForDecision")] : null,
    ])),
    el("h2", null, t("trades")), trades,
    el("h2", null, t("settlement")), growing(t("settlement"), eventHeads(), EVENT_KINDS, first, page),
  ];
}
meter.still = true;
meter.asks = (part) => [`meters/${encodeURIComponent(part)}`, eventsOf(part, null), tradesOf(ofMeter(part))];
meter.title = (part) => t("meterNumber", { meter: part.slice(0, 8) });
