// Files that leave a node and come in: a thread, the account, an archive of mails with progress.

import { must } from "./nodes.mjs";
import { save } from "./files.mjs";

const MAILS = 400;

const archive = (word) => Array.from({ length: MAILS }, (_, at) => [
  "From a@b Thu Jan  1 00:00:00 1970", `Message-ID: <${at}-${word}@x>`,
  ...(at > 0 ? [`In-Reply-To: <${at >> 1}-${word}@x>`] : []),
  "From: Ann <a@b>", `Subject: Mail ${at} ${word}`, "Date: Thu, 1 Jan 2004 10:00:00 +0000",
  "", `Text ${at}`, "", ""].join("\n")).join("");

/** Saves the thread and the account, and takes an archive in. */
export async function carry(page, origin, forum, word) {
  await page.goto(forum);
  await page.getByText("More: mute, forget, link, save").click();
  const thread = await save(page, () => page.getByRole("link", { name: "Save the thread", exact: true }).click());
  must(thread.name.endsWith(".clq") && thread.bytes.length > 300, `${thread.name}: ${thread.bytes.length}`);

  await page.goto(`${origin}/files`);
  await page.getByLabel("Passphrase", { exact: true }).fill("five random words here");
  await page.getByLabel("The same again").fill("five random words");
  await page.getByRole("button", { name: "Save it" }).click();
  await page.getByText("The two passphrases differ").waitFor();
  await page.getByLabel("Passphrase", { exact: true }).fill("five random words here");
  await page.getByLabel("The same again").fill("five random words here");
  const account = await save(page, () => page.getByRole("button", { name: "Save it" }).click());
  must(account.bytes.subarray(0, 12).toString() === "cliqueclique", "the account is saved");

  await page.goto(`${origin}/files`);
  const file = { name: `${word}.mbox`, mimeType: "text/plain", buffer: Buffer.from(archive(word)) };
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: "Take it in" }).click();
  const told = page.getByText(`${MAILS} mails are new`);
  // With JavaScript the page tells by itself; a list of all ways to look again does without.
  for (let looks = 0; looks < 60 && !(await told.isVisible()); looks += 1) {
    await page.waitForTimeout(500);
    if (looks % 10 === 9) await page.goto(`${origin}/files`);
  }
  await told.waitFor();
  await page.getByRole("link", { name: "Show it" }).first().click();
  must((await page.locator("h1").innerText()) === word, "the forum has the file's name");
  await page.goto(`${origin}/files`);
  await page.getByRole("button", { name: "Hide this" }).first().click();
}
