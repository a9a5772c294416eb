// Looks at single things of the home's page, also at what an agent without a chain does not tell by itself: its answers are then said to be more.
import { join } from "node:path";

/** A trade that waits, as the agent tells it. */
const WAITS = { request: 7, partner: "b00000000000000000000000000004d2", wh: 420, price: 231_000, selling: false, until: Math.floor(Date.now() / 1000) + 600 };

/** With what the visit of the page is made of. */
export function closer({ url, pictures, check, open, shown, look, go, press, SCREENS }) {
  /** What the page's own figures make of amounts that are next to nothing, and what Now names. */
  async function tellsMoney(page) {
    await go(page, "now");
    const told = await page.evaluate(async () => {
      const file = performance.getEntriesByType("resource").map((entry) => entry.name).find((name) => name.endsWith("/figures.js"));
      const { money, price } = await import(file);
      return { nothing: [-0, -3, 3, -49].map((micro) => money(micro)), little: money(-51), less: money(-1_234_567), price: price(-0) };
    });
    check(told.nothing.every((text) => /^\D*0\.00\D*$/.test(text) && !/[-−]/.test(text)), `figures: nothing is ${told.nothing}`);
    check(/[-−].*0\.0001/.test(told.little) && /[-−].*1\.23/.test(told.less) && !/[-−]/.test(told.price), `figures: ${JSON.stringify(told)}`);
    const text = await page.$eval("main", (main) => main.innerText);
    check(/other agents connected: 0/.test(text), "now: who is connected is not told");
    check(/Earned \S+ from neighbours, \S+ from the grid/.test(text), "now: what the grid paid is not named");
  }

  /** A pseudonym is copied by hand, key and clipboard; and without a clipboard it is selected. */
  async function copies(page) {
    await go(page, "trades");
    const first = await page.$eval("button.copy", (button) => ({ whole: button.title, label: button.getAttribute("aria-label"), shown: button.innerText, id: button.id }));
    check(/^[0-9a-f]{32}$/.test(first.whole) && first.label.startsWith(first.whole.slice(0, 4)), `copy: ${JSON.stringify(first)}`);
    const heard = () => page.evaluate(() => {
      const heard = [];
      Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text) => { heard.push(text); } } });
      globalThis.heard = heard;
    });
    await heard();
    await page.focus(`#${first.id}`);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => globalThis.heard.length === 1 && /copied/.test(document.querySelector("#said").textContent));
    check((await page.evaluate(() => globalThis.heard[0])) === first.whole, "copy: something else is copied");
    check((await page.evaluate(() => document.activeElement.id)) === first.id, "copy: the focus is gone");
    // Over plain http there is no clipboard; where the old way is barred, too, the text is selected.
    await page.evaluate(() => {
      Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
      globalThis.asked = [];
      document.execCommand = (what) => { globalThis.asked.push([what, document.activeElement.value]); return true; };
    });
    await press(page, `#${first.id}`);
    await page.waitForFunction(() => globalThis.asked.length === 1);
    const [what, text] = await page.evaluate(() => globalThis.asked[0]);
    check(what === "copy" && text === first.whole, `copy: the old way copies ${what} ${text}`);
    await page.evaluate(() => { document.execCommand = () => false; });
    await press(page, `#${first.id}`);
    await page.waitForSelector(".whole");
    check((await page.evaluate(() => getSelection().toString())) === first.whole, "copy: the pseudonym is not selected");
    await look(page, "trades with a pseudonym in full");
    const hand = await open(page.browserContext(), SCREENS[1], "light", "de", "copy on a phone");
    await hand.goto(`${url}/#/trades`, { waitUntil: "load" });
    await shown(hand, "trades");
    const small = await hand.$$eval("button.copy", (buttons) => buttons.filter((button) => button.getBoundingClientRect().height < 44).length);
    check(small === 0, `copy: ${small} buttons are too small for a finger`);
    await hand.close();
  }

  /** The agent answers as if more were so: keys of the answers to these questions, beside what it says. */
  const pretend = (page, answers) => page.evaluateOnNewDocument((answers) => {
    const ask = globalThis.fetch;
    globalThis.fetch = async (address, options) => {
      const answer = await ask(address, options);
      const more = answers[String(address).replace(/^.*\/api\/v1\//, "").replace(/\?.*/, "")];
      if (more === undefined || (options?.method ?? "GET") !== "GET") return answer;
      const { status = 200, ...keys } = more;
      return new Response(JSON.stringify({ ...(status === 200 && answer.ok ? await answer.json() : {}), ...keys }), { status });
    };
  }, answers);

  /** What waits for the owner is told on the closed menu of a phone. */
  async function tellsWhatWaits(context) {
    for (const language of ["en", "de"]) {
      const hand = await open(context, SCREENS[1], "light", language, "badge");
      await pretend(hand, { status: { awaiting: [WAITS, { ...WAITS, request: 8 }] }, approvals: { manual_approval: true, awaiting: [WAITS] } });
      await hand.goto(`${url}/#/approvals`, { waitUntil: "load" });
      await shown(hand, "approvals");
      const menu = await hand.$eval("#menu", (button) => ({ seen: button.querySelector(".count")?.getClientRects().length, text: button.textContent }));
      check(menu.seen === 1 && /2.*(wait for you|auf Sie warten).*2/.test(menu.text), `menu: ${JSON.stringify(menu)}`);
      await look(hand, `approvals that wait ${language}`);
      await hand.screenshot({ path: join(pictures, `approvals-waiting-phone-${language}.png`), fullPage: true });
      await press(hand, "#menu .count");
      await hand.waitForFunction(() => document.querySelector("#menu").getAttribute("aria-expanded") === "true");
      await hand.close();
    }
  }

  /** A statement on paper says of whom and of how much it is, ends with the sums, and nothing of it is cut off. */
  async function printsAStatement(page) {
    await go(page, "money");
    await page.$eval("details", (details) => { details.open = true; });
    await page.emulateMediaType("print");
    // A sheet of 210 mm less two margins of 10 mm.
    const before = page.viewport();
    await page.setViewport({ width: Math.floor((190 / 25.4) * 96), height: 1000 });
    const paper = await page.evaluate(() => {
      const read = (text) => Number(text.replaceAll(",", "").replace(/[^-.\d]/g, ""));
      const cells = (row) => Array.from(row.cells, (cell) => cell.innerText);
      const sum = cells(document.querySelector("tfoot tr"));
      const rows = Array.from(document.querySelectorAll("tbody tr"), cells);
      const added = sum.map((_, at) => (at === 0 ? 0 : rows.reduce((all, row) => all + read(row[at]), 0)));
      const wide = Array.from(document.querySelectorAll("main *")).filter((element) => element.getClientRects().length > 0 && element.getBoundingClientRect().right > window.innerWidth + 1);
      return { of: document.querySelector("#of").innerText, sum, off: sum.map((text, at) => Math.abs(read(text) - added[at])).slice(1), rows: rows.length, wide: wide.slice(0, 3).map((element) => `${element.tagName} ${element.className}`) };
    });
    check(/Mill Street 4/.test(paper.of) && /wattpool-1/.test(paper.of) && /[0-9a-f]{32}/.test(paper.of), `statement: it is of "${paper.of}"`);
    check(paper.sum[0] === "Sum" && paper.sum.slice(1, 3).every((text) => /\d kWh$/.test(text)), `statement: ends with ${paper.sum}`);
    // Each row is rounded for itself.
    check(paper.off.every((far) => far <= paper.rows * 0.051), `statement: the sums are off by ${paper.off}`);
    check(paper.wide.length === 0, `statement: paper cuts off ${paper.wide}`);
    await page.screenshot({ path: join(pictures, "statement.png"), fullPage: true });
    await page.emulateMediaType("screen");
    await page.setViewport(before);
  }

  /** What is refused is said in the language of whoever reads; what has no words there in English, marked as such. */
  async function refusesInGerman(context, page) {
    const stranger = await page.browser().createBrowserContext();
    const outside = await open(stranger, SCREENS[1], "dark", "de", "sign in, German");
    await outside.goto(url, { waitUntil: "load" });
    await shown(outside, "sign-in");
    await outside.type("#code", "00000000");
    await press(outside, "form:has(#code) button");
    await outside.waitForSelector("main .alert");
    const said = await outside.$eval("main .alert", (alert) => ({ text: alert.innerText, english: alert.querySelectorAll("[lang=en]").length }));
    check(/Der Code ist falsch/.test(said.text) && said.english === 0, `German: a wrong code is said to be "${said.text}"`);
    await stranger.close();
    for (const [code, words] of [["broken", /seine eigenen Dateien.*disk 7 is full/], ["made_up", /^\s*Das ging nicht\s*disk 7 is full\s*$/]]) {
      const inside = await open(context, SCREENS[0], "light", "de", `refusal ${code}`);
      await pretend(inside, { trades: { status: 500, code, error: "disk 7 is full" } });
      await inside.goto(`${url}/#/trades`, { waitUntil: "load" });
      await shown(inside, "trades");
      const told = await inside.$eval("main .alert", (alert) => ({ text: alert.innerText, english: alert.querySelector("[lang=en]")?.textContent }));
      check(words.test(told.text) && /disk 7/.test(told.english), `German: ${code} is said as ${JSON.stringify(told)}`);
      await look(inside, `refusal ${code}`);
      await inside.close();
    }
  }

  /** What waited for the owner is listed with what became of it, also while the chain is away. */
  async function tellsFates(page) {
    await go(page, "approvals");
    const rows = await page.$$eval("#decided tbody tr", (rows) => rows.map((row) => row.innerText.replace(/\s+/g, " ")));
    const want = [/Lapsed/, /Refused/, /nothing came of it/, /Sell.*traded: .* kWh for/, /Buy.*traded: .* kWh for/];
    check(rows.length === want.length && want.every((words, at) => words.test(rows[at])), `approvals: what was decided is ${JSON.stringify(rows)}`);
  }

  /** A limit that is reached is said where somebody looks for trades, with when it begins again. */
  async function tellsLimits(context) {
    const again = Math.ceil(Date.now() / 86_400_000) * 86_400;
    const reached = [["spend", 2_500_000, false], ["buy", 4_000, true], ["sell", 9_000, false]].map(([limited, limit, on_chain]) => ({ limited, limit, used: limit, on_chain, again }));
    const want = { en: [/spending limit of \S*2\.50 is reached.*until it begins again at \d.*Limits/, /limit of 4\.00.kWh to buy.*chain/, /limit of 9\.00.kWh to sell.*the grid takes/], de: [/Grenze von 2,50.* für Ausgaben ist erreicht.*bis sie am \d.*Grenzen/, /Käufe.*Kette/, /Verkäufe.*das Netz nimmt/] };
    for (const [language, words] of Object.entries(want)) {
      for (const view of ["now", "offers"]) {
        const page = await open(context, SCREENS[1], "dark", language, `limits in ${view}`);
        const offer = { seller: WAITS.partner, zone: 1, kind: "pv", wh: 0, price: 201_000, charge: 6_000 };
        await pretend(page, { status: { reached, zone: 1 }, offers: { status: 200, window: 1, offers: [offer] } });
        await page.goto(`${url}/#/${view}`, { waitUntil: "load" });
        await shown(page, view);
        const told = await page.$$eval(".reached", (notes) => notes.map((note) => note.innerText));
        check(told.length === 3 && words.every((word, at) => word.test(told[at])), `${view}: reached limits are told as ${JSON.stringify(told)}`);
        await look(page, `${view} with limits reached, ${language}`);
        await page.screenshot({ path: join(pictures, `${view}-reached-phone-${language}.png`), fullPage: true });
        await page.close();
      }
    }
  }

  async function all(context, page) {
    await tellsMoney(page);
    await copies(page);
    await tellsWhatWaits(context);
    await printsAStatement(page);
    await refusesInGerman(context, page);
    await tellsFates(page);
    await tellsLimits(context);
  }
  return { all };
}
