// Every page that links lead to: axe-core finds nothing serious, nothing is wider than a phone,
// and pictures of each are kept to be looked at.

import axe from "axe-core";
import { join } from "node:path";
import { must } from "./nodes.mjs";

/** Pages at most; there are some thirty kinds. */
const MOST = 80;
const NARROW = { width: 320, height: 640 };
const WIDE = { width: 1280, height: 800 };

/** One page of each kind is enough: ids and queries do not count. */
export const kind = (url) => {
  const { pathname, search } = new URL(url);
  const path = pathname.replaceAll(/[0-9a-f]{32,}/g, "id");
  const names = [...new URLSearchParams(search).keys()].filter((name) => name !== "said");
  return [path, ...names.sort()].join(" ");
};

/** These pages, and by following all links of the site from them on, one of each other kind. */
export async function everyPage(page, origin, first) {
  const [seen, waiting, found] = [new Set(), [...first], []];
  while (waiting.length > 0 && found.length < MOST) {
    const url = waiting.shift();
    if (seen.has(kind(url)) && !first.includes(url) || found.includes(url)) continue;
    seen.add(kind(url));
    const answer = await page.request.get(url, { maxRedirects: 0 });
    if (!(answer.headers()["content-type"] ?? "").startsWith("text/html")) continue;
    found.push(url);
    await page.goto(url);
    const links = await page.locator("a[href]").evaluateAll((all) => all.map((it) => it.href));
    waiting.push(...links.filter((it) => it.startsWith(`${origin}/`)).map((it) => it.split("#")[0]));
  }
  must(found.length < MOST, `there are more than ${MOST} kinds of pages`);
  return found;
}

async function accessible(page, url, scheme) {
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const told = violations.map(({ impact, id, help, nodes }) =>
    `${impact} ${id}: ${help}\n    ${nodes.slice(0, 3).map((it) => it.html).join("\n    ")}`);
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  must(grave.length === 0, `axe-core, ${url}, ${scheme}:\n  ${told.join("\n  ")}`);
  return violations.length;
}

async function narrow(page, url) {
  // What scrolls by itself, such as a table, does not make the page wide.
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  must(wide <= 0, `${url} is ${wide} pixels wider than a phone of ${NARROW.width}`);
}

/** Looks at pages in light and dark, on a phone and on a desk; gives the number of small findings. */
export async function look(page, urls, folder) {
  let small = 0;
  for (const [at, url] of urls.entries()) {
    await page.goto(url);
    await page.evaluate(axe.source);
    // What is folded away is a part of the page.
    await page.locator("details").evaluateAll((all) => all.forEach((it) => { it.open = true; }));
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const [size, name] of [[WIDE, "desk"], [NARROW, "phone"]]) {
        await page.setViewportSize(size);
        if (size === NARROW) await narrow(page, url);
        const file = `${String(at).padStart(2, "0")}-${file_name(url)}-${name}-${scheme}.png`;
        await page.screenshot({ path: join(folder, file), fullPage: true });
      }
      small += await accessible(page, url, scheme);
    }
  }
  return small;
}

const file_name = (url) => kind(url).replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "forums";
