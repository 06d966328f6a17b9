// Files in posts: they arrive at the other node without what cameras wrote into them, and are
// saved, never shown.

import { readFileSync } from "node:fs";
import { must } from "./nodes.mjs";
import { arrives } from "./story.mjs";

const SECRET = "GPS 52.5 13.4 by Ann";
const BEHIND = Buffer.from(SECRET);
/** One pixel. */
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg"><script>globalThis.hacked=1</script></svg>`;

async function post(page, text, name, buffer) {
  await page.getByLabel("Your text").fill(text);
  const mimeType = "application/octet-stream";
  await page.getByLabel("A file to go with it").setInputFiles({ name, mimeType, buffer });
  await page.getByRole("button", { name: "Post", exact: true }).click();
}

/** What a click saves. */
export async function save(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** Ann posts files, Bob saves them. */
export async function exchange([ann, bob], [a, b], forum, javascript) {
  const path = new URL(forum).pathname;
  await ann.goto(a.origin + path);
  await post(ann, "What is too large is refused", "large.bin", Buffer.alloc(100_000, 1));
  await ann.getByRole("alert").filter({ hasText: "95000" }).waitFor();
  must((await ann.getByLabel("Your text").inputValue()).startsWith("What is too large"), "the text is kept");
  await post(ann, `My garden ${javascript}`, "garden.png", Buffer.concat([PIXEL, BEHIND]));
  await ann.getByText("Stored on this node").waitFor();
  await ann.getByRole("link", { name: "Attachment: garden.png", exact: true }).waitFor();
  const message = new URL(ann.url()).pathname;

  await bob.goto(b.origin + path);
  await arrives(bob, `My garden ${javascript}`, javascript);
  await bob.goto(b.origin + message);
  await arrives(bob, "Attachment: garden.png", javascript);
  const saved = await save(bob, () => bob.getByRole("link", { name: "Save Attachment: garden.png" }).click());
  must(saved.name === "garden.png" && saved.bytes.equals(PIXEL), `${saved.name}: ${saved.bytes}`);

  // A file alone is a reply, too; one that would do something is named as such.
  await ann.goto(a.origin + message);
  await post(ann, "", "drawing.svg", Buffer.from(`${DRAWING}<!-- ${javascript} -->`));
  await ann.getByText("it may do something on your machine").waitFor();
  const file = `${ann.url().split("?")[0]}/file`;
  const drawing = await save(ann, () => ann.getByRole("link", { name: "Save the file" }).click());
  must(drawing.name === "drawing.svg", drawing.name);
  // Not even where somebody is led there is it opened.
  const before = ann.url();
  await Promise.all([ann.waitForEvent("download"), ann.goto(file).catch(() => undefined)]);
  must(ann.url() === before, `a file was opened at ${ann.url()}`);
  return before;
}
