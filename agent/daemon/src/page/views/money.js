// Money and energy of a day, week, month or year, beside the one before.
import { redraw, shared } from "/page/app.js";
import { get } from "/page/ask.js";
import { bars, el, figure, legend, table } from "/page/draw.js";
import { against, currencyName, energy as kwh, isRounding, money as coins, number, percent, period, plain } from "/page/figures.js";
import { t } from "/page/texts.js";

const KINDS = ["day", "week", "month", "year"];
/** What a statement tells of money, as the interface and the texts name it. */
const SUMS = ["without", "with", "saved", "paid", "charge", "earned", "fees"];
const chosen = { kind: "month", at: new Date() };

/** What is asked for a period: its spans, and the one before. */
const questions = (path, p) => [`${path}?edges=${p.edges.join(",")}`, `${path}?edges=${p.beforeFrom},${p.edges[0]}`];
const asksFor = (path) => () => questions(path, period(chosen.kind, chosen.at));
/** Energy of the spans that money is told of. */
const traded = (p) => `energy?edges=${p.edges.join(",")}`;

/** Buttons for the period, and the spans of it with the sum of the one before. */
async function spans(path) {
  const p = period(chosen.kind, chosen.at);
  const [all, before] = await Promise.all(questions(path, p).map(get));
  const go = (to) => { chosen.at = to; redraw(); };
  const future = p.after.getTime() > Date.now();
  const choose = el("div", { class: "row" },
    KINDS.map((kind) => el("button", { type: "button", id: `kind-${kind}`, "aria-pressed": String(kind === chosen.kind), onclick: () => { chosen.kind = kind; redraw(); } }, t(kind))),
    el("button", { type: "button", id: "earlier", onclick: () => go(p.before) }, `← ${t("earlier")}`),
    el("button", { type: "button", id: "later", disabled: future, onclick: () => go(p.after) }, `${t("later")} →`));
  const sum = (key) => all.spans.reduce((total, span) => total + span[key], 0);
  return { p, all: all.spans, before: before.spans[0], choose, sum, told: all };
}

const heading = (p) => el("h2", { id: "period" }, p.title);

export async function money() {
  const { p, all, before, choose, sum, told } = await spans("money");
  const granted = told.fees_granted;
  const { home_name: name, market, meter } = shared.status ?? {};
  // What a statement on paper is of: on the screen the page itself says it.
  const parts = [choose, el("section", null, heading(p), el("div", { class: "paper", id: "of" },
    name ? el("p", null, el("strong", null, name)) : null,
    el("p", null, `${t("statementTitle")} · ${t("market")} ${market ?? ""} · ${t("meter")} ${meter ?? ""} · ${currencyName()}`)))];
  if (sum("windows") === 0) return [...parts, el("div", { class: "note" }, el("p", null, t("nothingThen"))), fees()];
  const cost = (value) => (value < 0 ? `${coins(-value)} ${t("earnedInstead")}` : coins(value));
  const saved = sum("saved");
  parts.push(el("div", { class: "cards" },
    figure(t("saved"), coins(saved), before.windows > 0 ? against(saved, before.saved, coins) : null),
    figure(t("without"), cost(sum("without")), t("withoutWhat")),
    figure(t("with"), cost(sum("with")), t("withWhat")),
    figure(t("paid"), coins(sum("paid")), `${t("charge")}: ${coins(sum("charge"))}`),
    figure(t("earned"), coins(sum("earned")), before.windows > 0 ? against(sum("earned"), before.earned, coins) : null),
    figure(t("feesSpent"), coins(sum("fees")), t(granted ? "feesGranted" : "feesOwn", { left: coins(saved - (granted ? 0 : sum("fees"))) })),
    fees()));
  const kept = (await get(traded(p))).spans;
  const whole = (key) => kept.reduce((total, span) => total + span[key], 0);
  const values = all.map((span) => span.saved);
  const series = [
    { class: "good", values: values.map((v) => Math.max(v, 0) / 1e6) },
    { class: "bad", values: values.map((v) => Math.min(v, 0) / 1e6) },
  ];
  parts.push(el("section", { class: "card" }, el("figure", null, el("h2", null, `${t("savedBy")}, ${currencyName()}`),
    bars(`${t("savedBy")}, ${p.title}`, p.names, series, plain, (at) => coins(values[at]))),
    el("details", null, el("summary", null, t("asTable")),
      table(p.title, [t("time"), t("bought"), t("sold"), ...SUMS.map((key) => t(key === "fees" ? "feesSpent" : key))],
        all.map((span, at) => [p.names[at], kwh(kept[at].bought), kwh(kept[at].sold), ...SUMS.map((key) => coins(span[key]))]), ["text"], false,
        [t("sum"), kwh(whole("bought")), kwh(whole("sold")), ...SUMS.map((key) => coins(sum(key)))]))));
  if (values.some(isRounding)) parts.push(el("p", { class: "soft" }, t("lostALittle")));
  if (sum("unpriced") > 0) parts.push(el("p", { class: "soft" }, t("unpriced", { count: sum("unpriced") })));
  parts.push(el("p", { class: "row" }, el("button", { type: "button", onclick: () => { document.querySelector("details").open = true; print(); } }, t("statement"))));
  return parts;
}
money.still = true;
money.asks = () => [...asksFor("money")(), traded(period(chosen.kind, chosen.at))];

function fees() {
  const left = shared.status?.health.fees;
  if (!left) return null;
  if (left.left === null) return figure(t("fees"), "∞", t("feesFree"));
  return figure(t("fees"), coins(left.left), left.days === null ? t("feesUnknown") : t("feesDays", { days: number(left.days) }));
}

export async function energy() {
  const { p, all, before, choose, sum } = await spans("energy");
  const parts = [choose, el("section", null, heading(p))];
  if (sum("windows") === 0) return [...parts, el("div", { class: "note" }, el("p", null, t("nothingThen")))];
  const share = (part, whole) => percent(whole === 0 ? 0 : part / whole);
  const grams = shared.status?.grid_co2;
  const measured = all.length > 0 && all[0].generated !== null;
  const complete = sum("use_windows") === sum("windows");
  const [used, generated] = measured ? [sum("used"), sum("generated")] : [0, 0];
  parts.push(el("div", { class: "cards" },
    figure(t("import"), kwh(sum("deficit")), before.windows > 0 ? against(sum("deficit"), before.deficit, kwh) : null),
    figure(t("bought"), kwh(sum("bought")), t("ofNeed", { share: share(sum("bought"), sum("deficit")) })),
    figure(t("export"), kwh(sum("surplus")), before.windows > 0 ? against(sum("surplus"), before.surplus, kwh) : null),
    figure(t("sold"), kwh(sum("sold")), t("ofSurplus", { share: share(sum("sold"), sum("surplus")) })),
    used > 0 ? figure(t("used"), kwh(used), complete ? t("ofUse", { share: share(used - sum("deficit"), used) }) : null) : null,
    used > 0 ? figure(t("generated"), kwh(generated), complete ? t("usedAtOnce", { share: share(generated - sum("surplus"), generated) }) : null) : null,
    grams ? figure(t("co2"), `${number((sum("bought") * grams) / 1e6, 1)} kg`, t("co2What", { grams: number(grams) })) : null));
  const of = (key, sign) => all.map((span) => (sign * span[key]) / 1000);
  const series = [
    { class: "bought", values: of("bought", 1) }, { class: "grid", values: of("from_grid", 1) },
    { class: "sold", values: of("sold", -1) }, { class: "back", values: of("to_grid", -1) },
  ];
  const spell = (at) => `${t("bought")} ${kwh(all[at].bought)}, ${t("fromGrid")} ${kwh(all[at].from_grid)}, ${t("sold")} ${kwh(all[at].sold)}, ${t("toGrid")} ${kwh(all[at].to_grid)}`;
  parts.push(el("section", { class: "card" }, el("figure", null, el("h2", null, `${t("energyChart")}, kWh`),
    bars(`${t("energyChart")}, ${p.title}`, p.names, series, (value) => plain(Math.abs(value)), spell),
    legend([["bought", t("bought")], ["grid", t("fromGrid")], ["sold", t("sold")], ["back", t("toGrid")]])),
    el("details", null, el("summary", null, t("asTable")),
      table(p.title, [t("time"), t("bought"), t("fromGrid"), t("sold"), t("toGrid"), ...(measured ? [t("used"), t("generated")] : [])],
        all.map((span, at) => [p.names[at], kwh(span.bought), kwh(span.from_grid), kwh(span.sold), kwh(span.to_grid), ...(measured ? [kwh(span.used), kwh(span.generated)] : [])]), ["text"], false))),
    measured
      ? (!complete ? el("p", { class: "soft" }, t("usePartly", { known: sum("use_windows"), all: sum("windows") })) : null)
      : el("p", { class: "soft" }, t("net")),
    el("p", { class: "row" }, el("a", { class: "button", href: `/api/v1/export?what=windows&from=${p.edges[0]}&to=${p.edges[p.edges.length - 1]}`, download: true }, t("exportWindows"))));
  return parts;
}
energy.still = true;
energy.asks = asksFor("energy");
