// Elements and drawings. Texts are set as texts: nothing that is told can become part of the page.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

/** An element with attributes (`on…`: what happens) and children. */
export const el = (name, attributes, ...children) => build(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) => build(document.createElementNS(SVG, name), attributes, children);

/** A figure with a name and a remark. */
export const figure = (label, value, detail) =>
  el("div", { class: "card" }, el("p", { class: "label" }, label), el("p", { class: "value" }, value), detail ? el("p", { class: "detail" }, detail) : null);

/** A table; cells are texts or elements. `kinds`: "text" is set to the left. `sum`: a last row, whose first cell names it. */
export function table(caption, heads, rows, kinds = [], stack = true, sum = null) {
  const cell = (tag) => (value, at) => el(tag, { class: [kinds[at] === "text" ? "text" : "", kinds[at] === "wide" ? "text wide" : ""].join("").trim() || null, scope: tag === "th" ? "col" : null }, value);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: stack ? "stack" : null },
      el("caption", null, caption),
      el("thead", null, el("tr", null, heads.map(cell("th")))),
      el("tbody", null, rows.map((row) => el("tr", null, row.map(cell("td"))))),
      sum === null ? null : el("tfoot", null, el("tr", null, el("th", { scope: "row" }, sum[0]), sum.slice(1).map((value, at) => cell("td")(value, at + 1))))));
}

/** A figure of a table whose head is not seen in the hand. */
export const inHand = (head, figure) => [el("span", { class: "in-hand" }, `${head}: `), figure];

/** Round steps for an axis from 0 (or below) to above. */
function steps(least, most) {
  const span = Math.max(most - least, 1e-9);
  const raw = span / 4;
  const ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= raw);
  const first = Math.floor(least / step) * step;
  const all = [];
  for (let at = first; at < most + step * 0.999; at += step) all.push(Math.abs(at) < step / 2 ? 0 : at);
  return all;
}

/** Room for a drawing in a card in the hand: texts keep their size. */
const room = () => Math.max(window.innerWidth - 64, 240);

function frame(label, names, least, most, shown) {
  const narrow = window.innerWidth < 700;
  const [width, height, left, bottom, top] = narrow ? [room(), 240, 48, 26, 10] : [1080, 290, 60, 28, 12];
  const ticks = steps(Math.min(0, least), Math.max(0, most) || 1);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const y = (value) => top + (height - top - bottom) * (1 - (value - low) / (high - low || 1));
  const slot = (width - left - 6) / Math.max(names.length, 1);
  const x = (at) => left + slot * at;
  const every = Math.ceil(names.length / (narrow ? 6 : 16));
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ticks.map((tick) => [
      svg("line", { class: Math.abs(tick) < 1e-12 ? "zero" : "rule", x1: left, x2: width, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "axis", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, shown(tick)),
    ]),
    names.map((name, at) => at % every === 0 ? svg("text", { class: "axis", x: x(at) + slot / 2, y: height - 6, "text-anchor": "middle" }, name) : null));
  return { root, x, y, slot };
}

/** Bars, stacked upwards and downwards: `series` of { class, values }. */
export function bars(label, names, series, shown, said) {
  const sum = (at, sign) => series.reduce((all, s) => all + Math.max(0, sign * s.values[at]), 0);
  const most = Math.max(0, ...names.map((_, at) => sum(at, 1)));
  const least = -Math.max(0, ...names.map((_, at) => sum(at, -1)));
  const { root, x, y, slot } = frame(label, names, least, most, shown);
  names.forEach((name, at) => {
    let up = 0;
    let down = 0;
    const group = svg("g", null, svg("title", null, `${name}: ${said(at)}`));
    for (const { class: kind, values } of series) {
      const value = values[at];
      if (value === 0) continue;
      const [from, to] = value > 0 ? [up, up + value] : [down, down + value];
      if (value > 0) up = to; else down = to;
      const [a, b] = [y(from), y(to)];
      group.append(svg("rect", { class: `fill-${kind}`, x: x(at) + slot * 0.14, width: Math.max(slot * 0.72, 1), y: Math.min(a, b), height: Math.max(Math.abs(a - b), 0.5) }));
    }
    root.append(group);
  });
  return root;
}

/** Lines; a value of null is a gap. */
export function lines(label, names, series, shown) {
  const all = series.flatMap((s) => s.values).filter((value) => value !== null);
  const { root, x, y, slot } = frame(label, names, Math.min(0, ...all), Math.max(0, ...all), shown);
  for (const { class: kind, values } of series) {
    let path = "";
    values.forEach((value, at) => {
      if (value === null) return;
      const begun = at === 0 || values[at - 1] === null;
      path += `${begun ? "M" : "L"}${(x(at) + slot / 2).toFixed(1)} ${y(value).toFixed(1)}`;
      // A point alone is a dot.
      if (begun && (values[at + 1] ?? null) === null) path += "h.1";
    });
    root.append(svg("path", { class: `line-${kind}`, d: path, "stroke-linecap": "round" }));
  }
  return root;
}

/** What the colours mean. */
export const legend = (entries) => el("ul", { class: "legend" }, entries.map(([kind, name]) => el("li", null, el("i", { class: kind }), name)));

const HOME = "M2 18L16 4L30 18M6 15V32H26V15M13 32V22H19V32";
const HOMES = "M0 20L9 11L18 20M3 18V32H15V18M14 15L23 6L32 15M18 22V32H29V13";
const SUN = "M16 10A6 6 0 1 1 15.9 10M16 2V6M16 26V30M2 16H6M26 16H30M6 6L9 9M23 23L26 26M6 26L9 23M23 9L26 6";
const PYLON = "M16 2L8 32M16 2L24 32M6 12H26M9 20H23M13 12L22 22M19 12L10 22";

/** Energy between home, neighbours and grid, and from the sun where that is measured (`names.sun`); in the hand the same, closer together. */
export function flow(label, names, amounts) {
  const narrow = window.innerWidth < 700;
  const [width, r, left, right] = room() < 300 ? [room(), 24, 32, room() - 32] : narrow ? [room(), 30, 42, room() - 42] : [620, 46, 60, 560];
  const middle = width / 2;
  const sun = names.sun !== undefined;
  const high = r + 6;
  const y = sun ? 2 * r + 112 : 76;
  const node = (x, icon, name) => svg("g", null,
    svg("circle", { class: "node", cx: x, cy: y, r }),
    svg("path", { class: "icon", d: icon, transform: `translate(${x - 16} ${y - 18})` }),
    svg("text", { x, y: y + r + 24 }, name));
  const gap = r + 8;
  const line = (a, b) => svg("path", { class: "idle", d: `M${a + gap} ${y}L${b - gap} ${y}` });
  const arrow = (from, to, kind, amount) => amount === null ? null : svg("g", null,
    svg("path", { class: `arrow ${kind} runs`, d: `M${from + Math.sign(to - from) * gap} ${y}L${to - Math.sign(to - from) * (gap + 6)} ${y}`, "marker-end": `url(#tip-${kind})` }),
    svg("text", { class: "amount", x: (from + to) / 2, y: y - r - 8 }, amount));
  const tip = (kind) => svg("marker", { id: `tip-${kind}`, viewBox: "0 0 10 10", refX: 5, refY: 5, markerWidth: 3.2, markerHeight: 3.2, orient: "auto" },
    svg("path", { class: `fill-${kind}`, d: "M0 0L10 5L0 10z" }));
  return el("div", { class: narrow ? "flow hand" : "flow" }, svg("svg", { viewBox: `0 0 ${width} ${y + 84}`, role: "img", "aria-label": label },
    svg("defs", null, ["bought", "sold", "grid", "back"].map(tip)),
    sun ? svg("g", null,
      svg("circle", { class: "node", cx: middle, cy: high, r }),
      svg("path", { class: "icon", d: SUN, transform: `translate(${middle - 16} ${high - 16})` }),
      svg("text", { x: middle + r + 10, y: high + 5, class: "beside" }, names.sun),
      amounts.sun === null
        ? svg("path", { class: "idle", d: `M${middle} ${high + gap}L${middle} ${y - gap}` })
        : [svg("path", { class: "arrow sold runs", d: `M${middle} ${high + gap}L${middle} ${y - gap - 6}`, "marker-end": "url(#tip-sold)" }),
          svg("text", { class: "amount beside", x: middle + 12, y: (high + y) / 2 + 5 }, amounts.sun)]) : null,
    amounts.bought || amounts.sold ? null : line(left, middle), amounts.fromGrid || amounts.toGrid ? null : line(middle, right),
    arrow(left, middle, "bought", amounts.bought), arrow(middle, left, "sold", amounts.sold),
    arrow(right, middle, "grid", amounts.fromGrid), arrow(middle, right, "back", amounts.toGrid),
    node(left, HOMES, names.neighbours), node(middle, HOME, names.home), node(right, PYLON, names.grid)));
}
