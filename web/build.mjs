// build.mjs OUTPUT: makes one file of the page, with a place for a profile's data.
//
// It carries the licences of the packages that are in it, and a policy that lets the
// browser run this script and load nothing.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const [output] = process.argv.slice(2);

const { outputFiles, metafile } = await esbuild.build({
  absWorkingDir: here,
  entryPoints: ["src/main.js"],
  outdir: "out",
  bundle: true,
  write: false,
  metafile: true,
  format: "esm",
  target: ["es2022"],
  // Names stay: d3-flame-graph asks for that of a class.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
});

function licences() {
  const packages = Object.keys(metafile.inputs).map((input) => {
    return /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
  });
  const byText = new Map();
  for (const folder of new Set(packages.filter(Boolean))) {
    const { name, version } = JSON.parse(
      fs.readFileSync(path.join(here, folder, "package.json")),
    );
    const text = fs.readFileSync(path.join(here, folder, "LICENSE"), "utf8").trim();
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  return Array.from(byText, ([text, names]) => `${names.join(", ")}:\n\n${text}`).join(
    "\n\n",
  );
}

const contentOf = (extension) =>
  outputFiles.find((file) => file.path.endsWith(extension)).text.trim();
const hash = (text) =>
  `'sha256-${crypto.createHash("sha256").update(text).digest("base64")}'`;

const style = contentOf(".css");
const notice = `/* This page contains:\n\n${licences().replaceAll("*/", "* /")}\n*/\n`;
const script = notice + contentOf(".js");
const policy = [
  "default-src 'none'",
  "img-src data:",
  `style-src ${hash(style)}`,
  `script-src ${hash(script)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const parts = { policy, style, script };
const page = fs
  .readFileSync(path.join(here, "report.html"), "utf8")
  .replace(/\/\*(policy|style|script)\*\//g, (_, name) => parts[name]);
fs.mkdirSync(path.dirname(output), { recursive: true });
fs.writeFileSync(output, page);
