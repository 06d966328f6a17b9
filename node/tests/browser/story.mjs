// The story of two people on two nodes: start a forum, invite, join, comment, follow, see it
// arrive, search, block. It is told twice, with and without JavaScript.

import { must } from "./nodes.mjs";

/** Longest that something may take to travel from one node to the other, ms. */
const TRAVEL = 30_000;
export const PASSWORD = "correct horse battery";

/** What is the title of the page. */
const heading = (page) => page.locator("h1").first().innerText();

/** Makes the first user of a node. */
export async function welcome(page, url, name) {
  await page.goto(url);
  await page.locator("#name").fill(name);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#again").fill(PASSWORD);
  await page.getByLabel("On this machine only").check();
  await page.getByRole("button", { name: "Make my account" }).click();
  must((await heading(page)) === "Your account is ready", `welcome ends at ${page.url()}`);
}

/** Starts a forum; gives the address of its page. */
export async function forum(page, origin, text) {
  await page.goto(`${origin}/`);
  await page.getByRole("link", { name: "Start a forum" }).click();
  await page.getByLabel("Name and description").fill(text);
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "Preview" }).waitFor();
  await page.getByRole("button", { name: "Start it" }).click();
  await page.getByText("Stored on this node").waitFor();
  return plain(page);
}

/** Replies to the document of a page; gives the address of the reply's page. */
export async function reply(page, text) {
  await page.getByLabel("Your text").fill(text);
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByText("Stored on this node").waitFor();
  return plain(page);
}

/** The address of a page without what was said. */
const plain = (page) => page.url().split("?")[0];

/** Waits for something that another node sends: it shows by itself, or where no JavaScript runs,
 * when the page is fetched again. */
export async function arrives(page, text, javascript) {
  const there = page.getByText(text).first();
  const end = Date.now() + TRAVEL;
  if (javascript) return there.waitFor({ timeout: TRAVEL });
  while (!(await there.isVisible())) {
    must(Date.now() < end, `it did not arrive: ${text}`);
    await page.waitForTimeout(300);
    await page.reload();
  }
}

async function opens(page, url, end = Date.now() + TRAVEL) {
  while ((await page.goto(url)).status() !== 200) {
    must(Date.now() < end, `${url} did not come`);
    await page.waitForTimeout(300);
  }
}

/** Ann's invitation brings Bob in. */
async function invite(ann, bob, origin, address, javascript) {
  await ann.goto(address);
  await ann.getByRole("link", { name: "Invite" }).click();
  const invitation = await ann.locator("code", { hasText: "cliqueclique:" }).first().innerText();
  await bob.goto(`${origin}/`);
  await bob.getByRole("link", { name: "Join a forum" }).click();
  await bob.getByLabel("Invitation").fill("not an invitation");
  await bob.getByRole("button", { name: "Join" }).click();
  await bob.getByRole("alert").waitFor();
  must((await bob.getByLabel("Invitation").inputValue()) === "not an invitation", "it was kept");
  await bob.getByLabel("Invitation").fill(`Come: ${invitation}`);
  await bob.getByRole("button", { name: "Join" }).click();
  await arrives(bob, "The forum is here: “", javascript);
  await bob.getByRole("link", { name: "To the forum", exact: true }).click();
}

/** Tells the whole story; gives the addresses of what was written, at Ann's node. */
export async function tell([ann, bob], [a, b], javascript) {
  const word = javascript ? "climbers" : "hedges";
  const address = await forum(ann, a.origin, `# Gardening ${word}\n\nAbout *plants*, all of them.`);
  const path = new URL(address).pathname;
  await invite(ann, bob, b.origin, address, javascript);
  await bob.getByText("About plants").waitFor();

  // Ann has the page open while Bob writes.
  await ann.goto(address);
  const question = await reply(bob, `When do you prune ${word}?`);
  await arrives(ann, `When do you prune ${word}?`, javascript);
  await ann.getByRole("link", { name: `When do you prune ${word}?` }).click();
  await ann.getByRole("button", { name: "Mark as read" }).click();
  await ann.getByText("Marked as read").waitFor();
  await ann.getByRole("button", { name: "Bookmark" }).click();
  await ann.getByText("bookmarked", { exact: true }).waitFor();

  // Bob leaves, and follows again, explicitly.
  await bob.goto(b.origin + path);
  await bob.getByRole("button", { name: "Follow no longer" }).click();
  await bob.getByText("No longer followed").waitFor();
  await bob.getByText("Follow…").click();
  await bob.getByText("The peers in its network learn that you follow it").waitFor();
  await bob.getByRole("button", { name: "Follow the whole thread" }).click();
  await bob.getByText("followed with all below it").waitFor();
  await bob.goto(b.origin + new URL(question).pathname);
  await reply(ann, `In February, before ${word} wake.`);
  await arrives(bob, `In February, before ${word} wake.`, javascript);

  await search(ann, a.origin, word);
  await block([ann, bob], [a, b], path);
  return { forum: address, comment: a.origin + new URL(question).pathname };
}

async function search(page, origin, word) {
  await page.goto(`${origin}/search`);
  await page.getByLabel("Words, all of which must be there").fill(`before ${word}`);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.locator("mark", { hasText: word }).first().waitFor();
  await page.getByRole("link", { name: "In February" }).first().click();
  must((await heading(page)).startsWith("In February"), "the hit opens");
}

/** Bob refuses Ann's node, and takes that back. */
async function block([ann, bob], [a, b], path) {
  await bob.goto(`${b.origin}${path}/network`);
  const row = bob.locator("tr", { has: bob.getByRole("button", { name: "Block" }) }).first();
  const peer = await row.locator(".id").innerText();
  await row.getByRole("button", { name: "Block" }).click();
  await ann.goto(`${a.origin}/status`);
  const end = Date.now() + TRAVEL;
  while (await ann.getByText("No link stands now").isHidden()) {
    must(Date.now() < end, "the link of who is blocked still stands");
    await ann.waitForTimeout(300);
    await ann.reload();
  }
  await bob.goto(`${b.origin}/status`);
  await bob.getByText("Let a blocked peer in again").click();
  await bob.getByLabel("Its node id").fill(peer);
  await bob.getByRole("button", { name: "Unblock" }).click();
}
