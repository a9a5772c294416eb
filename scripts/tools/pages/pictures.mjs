// Takes the pictures of docs/report.md:
//   node pictures.mjs PAGES FOLDER
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { withBrowser } from "./browser.mjs";

const [pages, folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("pictures: expected the folder with the pages and the one for the pictures");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const shots = [
  { name: "report", file: "street/report.html", width: 1160, height: 760 },
  { name: "homes", file: "street/report.html", width: 1160, height: 700, from: "#homes" },
  { name: "phone", file: "street/report.html", width: 390, height: 844, isMobile: true },
  { name: "comparison", file: "comparison.html", width: 1160, height: 760 },
];
await withBrowser(async (browser) => {
  for (const { name, file, from, ...screen } of shots) {
    const page = await browser.newPage();
    await page.setViewport(screen);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await page.goto(pathToFileURL(resolve(pages, file)).href, { waitUntil: "load" });
    if (from !== undefined) await page.$eval(from, (element) => element.scrollIntoView());
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.close();
  }
});
console.log(`${shots.length} pictures are in ${folder}`);
