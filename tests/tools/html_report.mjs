// html_report.mjs MODULES BROWSER REPORT SCENARIO...: opens a report anew for each
// scenario, does what a reader would do, and prints what was seen as JSON.
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, browserPath, report, ...names] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "x.js"));
const { chromium } = require("playwright-core");

// What can be seen.

const text = (page, selector) => page.locator(selector).innerText();

/** The frames: name, place on the page, colour. */
function frames(page) {
  return page.$$eval("#graph g.frame", (all) =>
    all.map((one) => {
      const { x, y, width } = one.querySelector("rect").getBoundingClientRect();
      const rect = one.querySelector("rect");
      const level = Number(one.getAttribute("aria-level"));
      const said = one.getAttribute("aria-label");
      return {
        ...{ name: one.getAttribute("name"), x, y, width, level, said },
        ...{
          fill: getComputedStyle(rect).fill,
          isFaded: one.classList.contains("fade"),
        },
        label: one.querySelector(".d3-flame-graph-label").textContent,
      };
    }),
  );
}

/** The rows of the table, a list of cells each. */
function rows(page) {
  return page.$$eval("#functions tbody tr", (all) =>
    all.map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
}

function heads(page) {
  return page.$$eval("#functions th", (all) =>
    all.map((cell) => [cell.textContent, cell.getAttribute("aria-sort")]),
  );
}

const frame = (page, name) => page.locator(`#graph g.frame[name="${name}"]`).first();
const settle = (page) => page.waitForTimeout(50);

async function pressAll(page, ...keys) {
  for (const key of keys) await page.keyboard.press(key);
  await settle(page);
}

const focused = (page) => page.evaluate(() => document.activeElement.textContent);

// What a reader does.

const SCENARIOS = {
  async opens(page) {
    return {
      title: await page.title(),
      head: await text(page, "header"),
      legend: await text(page, "#legend"),
      folded: await text(page, "#folded"),
      marks: await text(page, "#scope"),
      heads: await heads(page),
      rows: await rows(page),
      frames: await frames(page),
      isGraphShown: await page.locator("#graph-panel").isVisible(),
    };
  },

  async searches(page) {
    const before = await frames(page);
    await page.keyboard.press("/");
    await page.keyboard.type("LEAF");
    await settle(page);
    const found = {
      before,
      after: await frames(page),
      matches: await text(page, "#matches"),
      rows: await rows(page),
    };
    await pressAll(page, "Escape");
    return { ...found, cleared: await frames(page), left: await rows(page) };
  },

  async zooms(page) {
    await frame(page, "program:caller").click();
    await settle(page);
    const zoomed = await frames(page);
    const details = await text(page, "#details h2");
    await page.locator("#reset").click();
    await settle(page);
    return { zoomed, details, reset: await frames(page) };
  },

  async zoomsWhereTheGraphWasScrolled(page) {
    await page.locator("#graph").evaluate((box) => (box.scrollTop = 400));
    const box = await page.locator("#graph").boundingBox();
    const [x, y] = [box.x + 30, box.y + 200];
    const level = (element) => element.closest("g.frame").getAttribute("aria-level");
    const at = `document.elementFromPoint(${x}, ${y})`;
    const aimed = await page.evaluate(`(${level})(${at})`);
    await page.mouse.click(x, y);
    await settle(page);
    const zoomed = (await frames(page)).find((one) => !one.isFaded);
    return { aimed, depth: await page.evaluate(() => window.scrollY), zoomed };
  },

  async sorts(page) {
    const seen = [];
    const see = async () => {
      const [head] = (await heads(page)).filter(([, sort]) => sort);
      seen.push([...head, (await rows(page)).map(([name]) => name)]);
    };
    await see();
    await page.getByRole("button", { name: "calls", exact: true }).click();
    await see();
    await page.keyboard.press("Enter");
    await see();
    await page.getByRole("button", { name: "function", exact: true }).focus();
    await page.keyboard.press("Space");
    await see();
    return seen;
  },

  async inverts(page) {
    await pressAll(page, "i");
    const all = await frames(page);
    await page
      .locator("#functions")
      .getByRole("button", { name: "program:leaf" })
      .click();
    await page.getByRole("button", { name: "Graph of who calls it" }).click();
    await settle(page);
    const one = await frames(page);
    const only = await text(page, "#unfocus");
    await page.getByRole("button", { name: "Graph of what it calls" }).click();
    await settle(page);
    const callees = await frames(page);
    await pressAll(page, "Escape");
    return { all, one, only, callees, reset: await frames(page) };
  },

  async turns(page) {
    const icicle = await frames(page);
    await pressAll(page, "f");
    return { icicle, flame: await frames(page) };
  },

  async choosesThreads(page) {
    const options = await page.$$eval("#thread option", (all) =>
      all.map((one) => one.text),
    );
    await page.locator("#thread").selectOption({ index: 2 });
    await settle(page);
    return { options, frames: await frames(page) };
  },

  async changesTheme(page) {
    const see = async () => ({
      ground: await page.evaluate(
        () => getComputedStyle(document.body).backgroundColor,
      ),
      fill: (await frames(page))[1].fill,
    });
    const seen = [await see()];
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForSelector("[data-theme=dark]");
    seen.push(await see());
    await pressAll(page, "d");
    seen.push(await see());
    await page.emulateMedia({ colorScheme: "light" });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForTimeout(500); // for what must not happen
    return [...seen, await see()]; // the reader's choice stays
  },

  async usesTheKeyboardOnly(page) {
    const seen = {};
    await pressAll(page, "?");
    seen.isHelpOpen = await page.locator("#keys").isVisible();
    await pressAll(page, "Escape");
    seen.isHelpClosed = !(await page.locator("#keys").isVisible());
    await pressAll(page, "g", "ArrowDown", "ArrowDown");
    seen.second = await text(page, "#status");
    await pressAll(page, "ArrowRight");
    seen.right = await text(page, "#status");
    await pressAll(page, "ArrowLeft", "ArrowUp");
    seen.up = await text(page, "#status");
    await pressAll(page, "ArrowDown", "Enter");
    seen.zoomed = await frames(page);
    seen.active = await page.$eval("#graph", (box) =>
      document
        .getElementById(box.getAttribute("aria-activedescendant"))
        .getAttribute("name"),
    );
    await pressAll(page, "Backspace");
    seen.out = await frames(page);
    await pressAll(page, "Enter", "Escape", "t");
    seen.reset = await frames(page);
    seen.row = await focused(page);
    await pressAll(page, "ArrowDown");
    seen.next = await focused(page);
    await pressAll(page, "Enter");
    seen.details = await text(page, "#details h2");
    return seen;
  },

  async showsDetails(page) {
    const table = page.locator("#functions");
    await table.getByRole("button", { name: "program:caller" }).click();
    const tables = await page.$$eval("#details table", (all) =>
      all.map((one) =>
        [...one.tBodies[0].rows].map((row) =>
          [...row.cells].map((cell) => cell.textContent),
        ),
      ),
    );
    const source = await page.$$eval("#details .line", (all) =>
      all.map((line) => [Number(line.dataset.number), line.textContent]),
    );
    const figures = await text(page, "#details dl");
    await page
      .locator("#details")
      .getByRole("button", { name: "program:leaf" })
      .click();
    return { tables, source, figures, next: await text(page, "#details h2") };
  },

  async showsTips(page) {
    await page.locator('g.frame[name="program:leaf"][aria-label*=" 30.0 ms"]').hover();
    return (await text(page, "#tip")).split("\n");
  },

  async isNarrow(page) {
    await page.setViewportSize({ width: 480, height: 800 });
    await page.waitForFunction(
      () => Number(document.querySelector("#graph svg").getAttribute("width")) < 480,
    );
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    return { width, widest: Math.max(...(await frames(page)).map((one) => one.width)) };
  },

  async walksALargeTree(page) {
    const seen = [];
    const see = async () =>
      seen.push({
        frames: (await frames(page)).length,
        rects: await page.locator("rect").count(),
        folded: await text(page, "#folded"),
        rows: await page.locator("#functions tbody tr").count(),
        matches: await text(page, "#matches"),
      });
    await see();
    await pressAll(page, "i");
    await see();
    await pressAll(page, "i", "g", "ArrowDown", "ArrowDown", "ArrowDown", "Enter");
    await see();
    await page.locator("#search").fill("work_1");
    await settle(page);
    await see();
    await page.locator("#more").click();
    await see();
    return seen;
  },
};

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox"],
});
const found = {};
for (const name of names) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => wrong.push(message.text()));
  page.on("dialog", (dialog) => wrong.push(dialog.message()) && dialog.dismiss());
  page.on("request", (request) => {
    if (request.url() !== url) wrong.push(request.url().slice(0, 100));
  });
  const url = String(pathToFileURL(report));
  await page.goto(url);
  await settle(page);
  found[name] = await SCENARIOS[name](page);
  if (wrong.length) throw new Error(`${name}: ${wrong.join("; ")}`);
  await page.close();
}
console.log(JSON.stringify(found));
await browser.close();
