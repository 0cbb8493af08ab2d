// speedscope.mjs APP PROFILE SCRIPT: opens a profile in speedscope's own page, and
// prints the rows of its tables as JSON. SCRIPT is written: it hands the profile over.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [app, profile, script, browserPath] = process.argv.slice(2);
const require = createRequire(path.resolve(app));
const { chromium } = require("playwright-core");
const content = fs.readFileSync(profile).toString("base64");
const name = JSON.stringify(path.basename(profile));
fs.writeFileSync(script, `speedscope.loadFileFromBase64(${name}, "${content}")`);

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--allow-file-access-from-files"],
});
const page = await browser.newPage();
const errors = [];
page.on("pageerror", (error) => errors.push(String(error)));
await page.goto(`${pathToFileURL(app)}#localProfilePath=${script}`);
await page.waitForFunction(() => document.title.includes(" - "));
await page.keyboard.press("3"); // the "sandwich" view, which has a table
await page.waitForFunction(() => document.body.innerText.includes("Symbol Name"));
const rows = await page.$$eval("tr", (all) => all.map((row) => row.innerText));
console.log(JSON.stringify({ errors, rows }));
await browser.close();
