// The forum in a real browser. Run by main.rs: node main.mjs PROGRAM CHROMIUM FOLDER

import { chromium } from "playwright-core";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Node, must, within } from "./nodes.mjs";
import * as hostile from "./hostile.mjs";
import { exchange } from "./files.mjs";
import { alone } from "./keyboard.mjs";
import { everyPage, look } from "./pages.mjs";
import { carry } from "./transfer.mjs";
import { tell, welcome, PASSWORD } from "./story.mjs";

const [program, executablePath, pictures] = process.argv.slice(2);
/** Longest that all may take, ms. */
const ALL = 170_000;
/** Longest that one step of a page may take, ms: the machine may be busy. */
const STEP = 20_000;

const said = (text) => console.log(`${(performance.now() / 1000).toFixed(1)} s: ${text}`);

/** A browser profile of its own, whose pages may load nothing from elsewhere. */
async function person(browser, origin, javaScriptEnabled = true) {
  const context = await browser.newContext({ javaScriptEnabled, reducedMotion: "reduce" });
  context.setDefaultTimeout(STEP);
  const page = await context.newPage();
  const strange = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin()) strange.push(request.url());
  });
  page.on("pageerror", (error) => strange.push(`error in a script: ${error}`));
  return { page, context, strange };
}

async function all(browser, space) {
  const nodes = ["a", "b"].map((name) => new Node(program, join(space, name)));
  try {
    for (const node of nodes) await node.start();
    await stories(browser, nodes);
  } finally {
    for (const node of nodes) await node.stop();
  }
}

async function stories(browser, nodes) {
  const people = [];
  for (const node of nodes) people.push(await person(browser, () => node.origin));
  const asked = await person(browser, () => nodes[0].origin);
  await look(asked.page, [nodes[0].url], pictures);
  for (const [at, name] of ["ann", "bob"].entries()) await welcome(people[at].page, nodes[at].url, name);
  const told = await tell(people.map((it) => it.page), nodes, true);
  const drawing = await exchange(people.map((it) => it.page), nodes, told.forum, true);
  await carry(people[0].page, nodes[0].origin, told.forum, "with");
  said("the story was told with JavaScript");

  const plain = [];
  for (const [at, node] of nodes.entries()) {
    const other = await person(browser, () => node.origin, false);
    await other.context.addCookies(await people[at].context.cookies());
    plain.push(other);
  }
  const again = await tell(plain.map((it) => it.page), nodes, false);
  await exchange(plain.map((it) => it.page), nodes, again.forum, false);
  await carry(plain[0].page, nodes[0].origin, again.forum, "without");
  said("and without");
  await alone(plain[0].page, nodes[0].origin, ["ann", PASSWORD]);
  said("the keyboard alone is enough");
  await people[0].context.clearCookies();
  await people[0].context.addCookies(await plain[0].context.cookies());

  const [ann] = people;
  await hostile.documents(ann, nodes[0]);
  await hostile.pages(browser, ann, nodes[0]);
  said("hostile documents and pages do nothing");

  const { origin } = nodes[0];
  await ann.page.goto(`${origin}/users`);
  await ann.page.locator("#name").fill("cat");
  await ann.page.locator("#password").fill("a cat's word");
  await ann.page.locator("form[action='/users/add']").getByLabel("On this machine only").check();
  await ann.page.getByRole("button", { name: "Add", exact: true }).click();
  await ann.page.getByRole("link", { name: "Remove cat" }).waitFor();
  const first = [drawing, `${origin}/`, told.forum, told.comment, `${origin}/search?q=prune`,
    `${origin}/out?to=${encodeURIComponent("http://example.org/")}`, `${origin}/nothing`,
    `${origin}/start`, `${told.forum}?from=0`, `${origin}/join?joining=${new URL(told.forum).pathname.split("/")[2]}`];
  const urls = await everyPage(ann.page, origin, first);
  const small = await look(ann.page, urls, pictures);
  said(`${urls.length} kinds of pages were looked at; axe-core has ${small} small findings`);
  for (const { strange } of [...people, ...plain]) {
    must(strange.length === 0, `pages load from elsewhere, or fail: ${strange.join(" ")}`);
  }
}

const space = mkdtempSync(join(tmpdir(), "clq-browser-"));
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
// Only root needs to go without the sandbox, in containers. A name of an attacker leads here.
const browser = await chromium.launch({
  executablePath,
  args: ["--host-resolver-rules=MAP evil.example 127.0.0.1", "--disable-dev-shm-usage"],
  chromiumSandbox: process.getuid() !== 0,
});
try {
  await within("the whole test", all(browser, space), ALL);
  rmSync(space, { recursive: true, force: true });
  said(`pictures are in ${pictures}`);
} catch (error) {
  console.error(error.stack ?? error);
  process.exitCode = 1;
  for (const context of browser.contexts()) {
    for (const page of context.pages()) {
      const text = await page.locator("main").innerText({ timeout: 2_000 }).catch(() => "");
      console.error(`a page was at ${page.url()}:\n${text.slice(0, 1_000)}\n`);
    }
  }
} finally {
  await browser.close();
}
