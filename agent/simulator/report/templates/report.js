"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  /* Hints: pointing at a chart, or the arrow keys on it, says what is there. */
  for (const chart of read("hints")) {
    const figure = document.querySelector('figure[data-chart="' + chart.id + '"]');
    if (!figure || chart.places.length === 0) continue;
    const hint = make("output", "", "hint");
    figure.append(hint);
    for (const plot of figure.querySelectorAll(".plot")) {
      const svg = plot.querySelector("svg");
      const rule = make("div", undefined, "rule");
      rule.hidden = true;
      plot.append(rule);
      plot.tabIndex = 0;
      plot.setAttribute("role", "group");
      plot.setAttribute("aria-label", "Values: move with the arrow keys");
      let at = -1;
      const show = (index) => {
        at = Math.max(0, Math.min(chart.places.length - 1, index));
        const width = plot.clientWidth / svg.viewBox.baseVal.width;
        const left = Number(svg.dataset.left), right = Number(svg.dataset.right);
        const inner = svg.viewBox.baseVal.width - left - right;
        rule.style.left = (left + ((at + 0.5) / chart.places.length) * inner) * (svg.clientWidth / svg.viewBox.baseVal.width || width) + "px";
        rule.hidden = false;
        hint.textContent = chart.places[at];
      };
      plot.addEventListener("pointermove", (event) => {
        const box = svg.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
        const left = Number(svg.dataset.left), right = Number(svg.dataset.right);
        show(Math.floor(((x - left) / (svg.viewBox.baseVal.width - left - right)) * chart.places.length));
      });
      plot.addEventListener("pointerleave", () => { rule.hidden = true; hint.textContent = ""; });
      plot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        show(at + step);
      });
    }
  }

  /* The table of homes: the first ones, all, or those that are looked for. */
  const rows = Array.from(byId("rows").rows);
  const more = rows.filter((row) => row.classList.contains("more"));
  let all = more.length === 0;
  const find = byId("find"), button = byId("all"), found = byId("found");
  const list = () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = row.cells[0].textContent.toLowerCase().includes(wanted) ||
        row.cells[1].textContent.toLowerCase().includes(wanted);
      const shown = fits && (wanted !== "" || all || !row.classList.contains("more"));
      row.hidden = !shown;
      if (fits) count += 1;
    }
    button.hidden = all || wanted !== "";
    found.textContent = wanted === "" ? "" : count + (count === 1 ? " home" : " homes");
  };
  byId("tools").hidden = false;
  find.addEventListener("input", list);
  button.addEventListener("click", () => { all = true; list(); });
  list();
  /* Paper has no button: what is not looked for away is printed. */
  window.addEventListener("beforeprint", () => { if (find.value.trim() === "") for (const row of rows) row.hidden = false; });
  window.addEventListener("afterprint", list);

  /* A page for each home, at #home=NUMBER. */
  const data = read("pages");
  const place = byId("home");
  const names = ["own use", "bought from neighbours", "from the grid", "generation", "sold"];
  const colours = ["own", "traded", "grid", "generation", "feed-in"];
  const svgNamed = (name, values, text) => {
    const element = document.createElementNS(place.namespaceURI.replace("1999/xhtml", "2000/svg"), name);
    for (const key of Object.keys(values)) element.setAttribute(key, values[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const day = (hours, name) => {
    const width = Math.max(260, Math.min(760, place.clientWidth - 40)), height = 220, left = 64, bottom = 26;
    const top = Math.max(1, ...hours.map((h) => Math.max(h[0] + h[1] + h[2], h[3])));
    const x = (hour) => left + ((width - left - 8) * hour) / 24;
    const y = (watts) => 10 + (height - bottom - 10) * (1 - watts / top);
    const svg = svgNamed("svg", { viewBox: "0 0 " + width + " " + height, width: width, height: height, role: "img", "aria-label": "Average day of " + name, style: "max-width:100%" });
    for (const part of [0, 0.5, 1]) {
      svg.append(svgNamed("line", { x1: left, x2: width - 8, y1: y(top * part), y2: y(top * part), stroke: "var(--rule)" }));
      svg.append(svgNamed("text", { x: left - 6, y: y(top * part) + 4, "text-anchor": "end", "font-size": 12, fill: "var(--ink)" }, (top * part / 1000).toFixed(2) + (part === 1 ? " kW" : "")));
    }
    const line = [];
    hours.forEach((values, hour) => {
      let sum = 0;
      for (let part = 0; part < 3; part += 1) {
        const bar = svgNamed("rect", { x: x(hour) + 1, width: Math.max(1, x(1) - x(0) - 2), y: y(sum + values[part]), height: Math.max(0, y(sum) - y(sum + values[part])), fill: "var(--" + colours[part] + ")" });
        bar.append(svgNamed("title", {}, hour + ":00: " + names[part] + " " + values[part] + " W"));
        svg.append(bar);
        sum += values[part];
      }
      line.push(x(hour + 0.5) + "," + y(values[3]));
      if (hour % 6 === 0) svg.append(svgNamed("text", { x: x(hour), y: height - 8, "font-size": 12, fill: "var(--ink)" }, hour + ":00"));
    });
    svg.append(svgNamed("polyline", { points: line.join(" "), fill: "none", stroke: "var(--generation)", "stroke-width": 2 }));
    return svg;
  };
  const table = (title, heads, lines) => {
    const element = make("table");
    element.append(make("caption", title));
    const head = make("tr");
    heads.forEach((text) => { const cell = make("th", text); cell.scope = "col"; head.append(cell); });
    const thead = make("thead"), body = make("tbody");
    thead.append(head);
    for (const values of lines) {
      const row = make("tr");
      values.forEach((text, index) => { const cell = make(index === 0 ? "th" : "td", text); if (index === 0) cell.scope = "row"; row.append(cell); });
      body.append(row);
    }
    element.append(thead, body);
    return element;
  };
  const open = () => {
    const match = /^#home=(\d+)$/.exec(location.hash);
    const home = match && data.homes[match[1]];
    place.hidden = !home;
    document.body.classList.toggle("one-home", Boolean(home));
    place.replaceChildren();
    if (!home) return;
    const title = make("h2", home.name);
    title.tabIndex = -1;
    const back = make("a", "Back to the street", "noprint");
    back.href = "#homes";
    place.append(title, make("p", home.what, "soft"), make("p", home.lead, "lead"));
    if (home.day.length > 0) {
      const legend = make("ul", undefined, "legend");
      for (let part = 0; part < 4; part += 1) {
        const item = make("li"), mark = make("i", undefined, "c-" + colours[part] + (part === 3 ? " line" : ""));
        item.append(mark, names[part]);
        legend.append(item);
      }
      place.append(make("h3", "Its average day"), legend, day(home.day, home.name));
    }
    place.append(table("Figures", ["Figure", "Value"], home.figures.map((value, index) => [data.labels[index], value])));
    if (home.partners.length > 0) place.append(table("Its neighbours", ["Home", "Bought from", "Sold to"], home.partners));
    place.append(back);
    title.focus();
    place.scrollIntoView();
  };
  window.addEventListener("hashchange", open);
  open();
})();
