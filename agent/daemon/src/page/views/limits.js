// What the agent may do for its owner.
import { attempt, change, isOwner, problem, say, says } from "/page/app.js";
import { ask, get } from "/page/ask.js";
import { el, table } from "/page/draw.js";
import { clock, currencyName, energy, moment, money, price, short } from "/page/figures.js";
import { language, t } from "/page/texts.js";

/** Who changed the policy, the newest first. */
const HISTORY = "policy/history?limit=20";

const PRESETS = {
  balanced: { selection: "factors", green_only: false, local_first: false },
  cheapest: { selection: "price", green_only: false, local_first: false },
  greenest: { selection: "factors", green_only: true, local_first: false },
  nearest: { selection: "nearest", green_only: false, local_first: true },
};

/** Whether a policy is what a preset makes of it. */
const isChosen = (keys, policy) => Object.entries(keys).every(([key, value]) => policy[key] === value);

/** Hours between UTC and the clock here; parts of an hour are left to UTC's whole hours. */
const offset = () => -Math.round(new Date().getTimezoneOffset() / 60);
const turn = (hour, by) => (((hour + by) % 24) + 24) % 24;

/** A number as people write it, times a unit; null: empty; NaN: no number. */
function read(text, unit) {
  // One thousand, or one and no thousandths: who writes so in English is asked.
  if (language() === "en" && /^\d{1,3},\d{3}$/.test(text.trim())) return NaN;
  const plain = text.trim().replace(/\s/g, "").replace(",", ".");
  if (plain === "") return null;
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(plain)) return NaN;
  return Math.round(Number(plain) * unit);
}

/** As people write it where they read this. */
const write = (value, unit) => (value === null || value === undefined ? "" : String(value / unit).replace(".", language() === "de" ? "," : "."));

/** The form's fields: key, label, unit shown, units of the policy in one of it, what is empty. */
function fields() {
  const name = currencyName();
  const day = t("dayIs", { time: clock(0) });
  return {
    buying: [
      { key: "buy", label: t("buy"), check: true },
      { key: "max_buy_price", label: t("maxBuy"), shown: `${name}/kWh`, unit: 1e6, detail: t("maxBuyWhat") },
      { key: "max_spend_per_day", label: t("maxSpend"), shown: name, unit: 1e6, detail: day },
      { key: "max_buy_wh_per_day", label: t("maxBuyDay"), shown: "kWh", unit: 1000, detail: day },
      { key: "green_only", label: t("greenOnly"), check: true },
      { key: "local_first", label: t("localFirst"), check: true },
      { key: "min_quality", label: t("minQuality"), shown: "%", unit: 0.01, needed: true },
    ],
    selling: [
      { key: "sell", label: t("sell"), check: true },
      { key: "min_sell_price", label: t("minSell"), shown: `${name}/kWh`, unit: 1e6 },
      { key: "max_sell_price", label: t("maxSell"), shown: `${name}/kWh`, unit: 1e6 },
      { key: "margin_permille", label: t("margin"), shown: "%", unit: 10, needed: true },
      { key: "max_sell_wh_per_day", label: t("maxSellDay"), shown: "kWh", unit: 1000, detail: day },
      { key: "reserve_wh", label: t("reserve"), shown: "kWh", unit: 1000, needed: true },
    ],
    whenHow: [
      { key: "manual_approval", label: t("manual"), check: true },
      { key: "forward", label: t("forwardOrders"), check: true },
      { key: "threshold_wh", label: t("threshold"), shown: "Wh", unit: 1, needed: true },
      { key: "min_trade_wh", label: t("minTrade"), shown: "Wh", unit: 1, needed: true },
    ],
  };
}

function control(field, policy) {
  const id = field.key;
  if (field.check) return el("div", { class: "field" }, el("label", { for: id }, el("input", { type: "checkbox", id, checked: policy[id] }), field.label));
  const shown = field.key === "min_quality" ? Math.round(policy[id] * 100) : write(policy[id], field.unit);
  return el("div", { class: "field" }, el("label", { for: id }, field.label),
    el("div", { class: "unit" }, el("input", { id, inputmode: "decimal", autocomplete: "off", value: shown, placeholder: field.needed ? null : t("noLimit"), "aria-describedby": field.detail ? `${id}-detail` : null }), el("span", null, field.shown)),
    field.detail ? el("p", { class: "detail", id: `${id}-detail` }, field.detail) : null);
}

/** The policy that the form says; an error names the field. */
function told(groups, selection) {
  const policy = { selection };
  const value = (id) => document.getElementById(id).value;
  for (const field of Object.values(groups).flat()) {
    if (field.check) {
      policy[field.key] = document.getElementById(field.key).checked;
      continue;
    }
    let number = read(value(field.key), field.key === "min_quality" ? 1 : field.unit);
    if (Number.isNaN(number) || (field.needed && number === null)) {
      document.getElementById(field.key).focus();
      throw new Error(t("badNumber", { field: field.label }));
    }
    if (field.key === "min_quality") number /= 100;
    policy[field.key] = number;
  }
  const [from, to] = [value("hours-from"), value("hours-to")].map((text) => read(text, 1));
  if (from === null && to === null) {
    policy.hours = null;
  } else if (![from, to].every((hour) => Number.isInteger(hour) && hour >= 0 && hour <= 24) || turn(from, 0) === turn(to, 0)) {
    document.getElementById("hours-from").focus();
    throw new Error(t("badHours"));
  } else {
    policy.hours = { from: turn(from, -offset()), to: turn(to, -offset()) };
  }
  for (const list of ["preferred", "blocked"]) policy[list] = value(list).split(/\s+/).filter((word) => word !== "");
  return policy;
}

function previewOf(preview) {
  const { was, left } = preview;
  return el("div", { class: "note", id: "previewed" }, el("h2", null, t("previewTitle")),
    el("p", null, t("previewTrades", { left: left.trades, was: was.trades })),
    el("p", null, t("previewEnergy", { left: energy(left.bought), was: energy(was.bought), soldLeft: energy(left.sold), soldWas: energy(was.sold) })),
    el("p", null, t("previewSaved", { left: money(left.saved), was: money(was.saved) })),
    el("p", { class: "soft" }, t("previewWhat")));
}

export async function limits() {
  const policy = await get("policy");
  const groups = fields();
  let selection = policy.selection;
  const result = el("div", { "aria-live": "polite" });
  const presets = el("fieldset", null, el("legend", null, t("presets")), el("div", { class: "row" }, Object.entries(PRESETS).map(([name, keys]) =>
    el("button", { type: "button", id: `preset-${name}`, "aria-pressed": String(isChosen(keys, policy)), title: t(`${name}What`), onclick: () => {
      forget();
      selection = keys.selection;
      for (const other of Object.keys(PRESETS)) document.getElementById(`preset-${other}`).setAttribute("aria-pressed", String(other === name));
      for (const key of ["green_only", "local_first"]) document.getElementById(key).checked = keys[key];
      say(`${t(`${name}What`)} ${t("presetTaken")}`);
    } }, t(name)))));
  const hours = policy.hours ? [turn(policy.hours.from, offset()), turn(policy.hours.to, offset())] : ["", ""];
  const hour = (id, label, value, detail) => el("div", { class: "field" }, el("label", { for: id }, label), el("input", { id, inputmode: "numeric", autocomplete: "off", value, "aria-describedby": detail ? `${id}-detail` : null }), detail ? el("p", { class: "detail", id: `${id}-detail` }, detail) : null);
  const list = (id, label) => el("div", { class: "field list" }, el("label", { for: id }, label), el("textarea", { id, spellcheck: "false", "aria-describedby": `${id}-detail` }, policy[id].join("\n")), el("p", { class: "detail", id: `${id}-detail` }, t("listWhat")));
  const group = (name, more) => el("fieldset", null, el("legend", null, t(name)), el("div", { class: "fields" }, groups[name]?.map((field) => control(field, policy)), more));
  // What is said below the form is of what stands in it, and stays until that changes.
  const forget = () => result.replaceChildren();
  const doing = (act) => async (event) => {
    event.preventDefault();
    forget();
    await attempt(async () => {
      try {
        await act();
      } catch (error) {
        result.replaceChildren(problem(error));
        throw error;
      }
    });
  };
  const form = el("form", { class: "card", novalidate: true, oninput: forget, onsubmit: doing(async () => {
    await change(told(groups, selection));
    document.getElementById("changes")?.replaceWith(await changes(groups));
    say(t("savedNow"));
  }) },
    isOwner() ? presets : null,
    group("buying"), group("selling"),
    group("whenHow", [hour("hours-from", t("hoursFrom"), hours[0], t("hoursWhat")), hour("hours-to", t("hoursTo"), hours[1])]),
    group("partners", [list("preferred", t("preferredList")), list("blocked", t("blockedList"))]),
    isOwner() ? el("div", { class: "row" },
      el("button", { type: "submit", class: "first", id: "save" }, t("save")),
      el("button", { type: "button", id: "preview", onclick: doing(async () => result.replaceChildren(previewOf(await ask("POST", "policy/preview", told(groups, selection))))) }, t("preview"))) : null,
    result);
  if (!isOwner()) for (const input of form.querySelectorAll("input,textarea")) input.disabled = true;
  const [chain, changed] = await Promise.all([onChain(), changes(groups)]);
  return [el("p", null, t("limitsWhat")), form, el("section", null, chain), el("section", null, changed)];
}
limits.still = true;
limits.asks = () => ["policy", "limits", HISTORY];

/** The chain's limits beside the agent's. */
async function onChain() {
  const card = el("div", { class: "card" }, el("h2", null, t("chainLimits")), el("p", { class: "soft" }, t("chainLimitsWhat")));
  try {
    const { limits: own, set, spent_today: spent, bought_today: bought, sold_today: sold } = await get("limits");
    const or = (value, shown) => (value === null ? t("chainDefault") : shown(value));
    if (!set) card.append(el("p", null, t("chainLimitsUnset")));
    if (own.trading_off) card.append(el("p", null, el("strong", null, t("tradingOff"))));
    const entries = [
      [t("maxBuy"), or(own.max_buy_price, price)], [t("minSell"), or(own.min_sell_price, price)], [t("maxSpend"), or(own.max_spend_per_day, money)],
      [t("maxBuyDay"), or(own.max_buy_per_day, energy)], [t("maxSellDay"), or(own.max_sell_per_day, energy)],
      [t("usedToday"), `${t("spentToday", { amount: money(spent) })} · ${t("boughtShort")} ${energy(bought)} · ${t("soldShort")} ${energy(sold)}`],
    ];
    card.append(el("dl", null, entries.map(([name, value]) => [el("dt", null, name), el("dd", null, value)])));
  } catch (error) {
    card.append(el("div", { class: "note" }, el("p", null, t("alert_chain")), says(error.message)));
  }
  card.append(el("p", { class: "detail" }, t("chainLimitsHow")));
  return card;
}

/** A value of a policy as people read it. */
function amount(key, value, field) {
  if (value === null) return t("noneSet");
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (Array.isArray(value)) return value.length === 0 ? t("noneSet") : value.length > 3 ? t("meterCount", { count: value.length }) : value.map(short).join(", ");
  if (key === "hours") return `${turn(value.from, offset())}–${turn(value.to, offset())}`;
  if (key === "min_quality") return `${Math.round(value * 100)} %`;
  if (key === "selection") return Object.entries(PRESETS).filter(([, keys]) => keys.selection === value).map(([name]) => t(name)).join(" / ") || value;
  if (field) return `${write(value, field.unit)} ${field.shown}`;
  return typeof value === "object" ? Object.values(value).map((part) => Number(part.toFixed(2))).join(" · ") : String(value);
}

/** Who changed the policy, when, and what. */
async function changes(groups) {
  const of = (before) => get(before ? `${HISTORY}&before=${before}` : HISTORY);
  const first = await of();
  const card = el("div", { class: "card", id: "changes" });
  const heads = ["when", "changedBy", "what", "changed"].map((key) => t(key));
  const named = { paused: t("pausedKey"), hours: t("hoursKey"), preferred: t("preferredList"), blocked: t("blockedList"), selection: t("selectionOf"), weights: t("weightsOf") };
  const fields = Object.values(groups).flat();
  const lines = (told) => told.changes.flatMap((changed) => changed.keys.map(({ key, before, after }) => {
    const field = fields.find((other) => other.key === key);
    return [moment(changed.at), t(`by_${changed.by}`, { session: changed.session ?? "" }), field?.label ?? named[key] ?? key, t("fromTo", { before: amount(key, before, field), after: amount(key, after, field) })];
  }));
  const rows = lines(first);
  const draw = (next) => {
    card.replaceChildren(...(rows.length === 0
      ? [el("h2", null, t("changes")), el("p", { class: "soft" }, t("noChanges"))]
      : [table(t("changes"), heads, rows, ["text", "text", "text", "text"]), el("p", { class: "detail" }, t("changesWhat"))]));
    if (next !== null) {
      card.append(el("p", null, el("button", { type: "button", id: "older-changes", onclick: () => attempt(async () => {
        const more = await of(next);
        rows.push(...lines(more));
        draw(more.next);
        document.getElementById("older-changes")?.focus();
      }) }, t("moreChanges"))));
    }
  };
  draw(first.next);
  return card;
}
