// notebook.mjs MODULES BROWSER PAGE [SCREENSHOT]: opens a notebook as a page, looks at
// the reports in its cells, searches in each for "leaf", and prints what was seen as JSON.
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, browserPath, file, screenshot] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "x.js"));
const { chromium } = require("playwright-core");

const names = (frame) =>
  frame
    .locator("#graph g.frame")
    .evaluateAll((all) => all.map((one) => one.getAttribute("name")));

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
const wrong = [];
page.on("pageerror", (error) => wrong.push(String(error)));
page.on("console", (message) => wrong.push(message.text()));
page.on("dialog", (dialog) => wrong.push(dialog.message()) && dialog.dismiss());
await page.goto(String(pathToFileURL(file)));
// What is folded is opened, but what is open to begin with is counted first.
const open = await page.locator("details[open] iframe").count();
await page
  .locator("details")
  .evaluateAll((all) => all.forEach((one) => (one.open = true)));
const reports = [];
for (const element of await page.locator("iframe").all()) {
  await element.scrollIntoViewIfNeeded();
  const frame = await (await element.elementHandle()).contentFrame();
  await frame.locator("#graph g.frame").first().waitFor();
  const before = await names(frame);
  await frame.locator("#search").fill("leaf");
  await page.waitForTimeout(100);
  reports.push({
    names: before,
    title: await frame.locator("#title").innerText(),
    matches: await frame.locator("#matches").innerText(),
    rows: await frame
      .locator("#functions tbody tr")
      .evaluateAll((all) => all.map((row) => row.cells[0].textContent)),
    origin: await frame.evaluate(() => self.origin),
    box: await element.boundingBox(),
  });
}
if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
console.log(JSON.stringify({ wrong, open, reports }));
await browser.close();
