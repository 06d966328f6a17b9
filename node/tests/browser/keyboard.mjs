// Using the forum with the keyboard alone.

import { must } from "./nodes.mjs";

/** Most presses of Tab to get somewhere. */
const FAR = 120;

/** What has the focus: its name as people see it, and whether it can be seen that it has it. */
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  const style = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  return {
    id: it.id,
    text: (it.innerText || it.value || "").trim(),
    tag: it.tagName,
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth,
  };
});

/** Presses Tab until something has the focus; each stop on the way must be visible. */
async function tabTo(page, what, fits) {
  for (let presses = 0; presses < FAR; presses += 1) {
    await page.keyboard.press("Tab");
    const it = await focused(page);
    if (it.tag === "BODY") continue;
    must(it.ringed && it.inside, `the focus cannot be seen: ${JSON.stringify(it)} at ${page.url()}`);
    if (fits(it)) return;
  }
  throw new Error(`${FAR} presses of Tab do not lead to ${what} at ${page.url()}`);
}

const press = async (page, name, key = "Enter") => {
  await tabTo(page, name, (it) => it.text === name && it.tag !== "TEXTAREA");
  await page.keyboard.press(key);
};

/** Signs out and in, skips to the content, starts a forum, opens a section, follows, replies. */
export async function alone(page, origin, [name, password]) {
  await page.goto(`${origin}/you`);
  await press(page, "Sign out");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await tabTo(page, "the name", (it) => it.id === "name");
  await page.keyboard.type(name);
  await tabTo(page, "the password", (it) => it.id === "password");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Forums", exact: true }).waitFor();

  // The first stop leads past the navigation.
  await press(page, "Skip to the content");
  must(page.url().endsWith("#main"), "the first stop skips to the content");
  await press(page, "Start a forum");
  await page.getByRole("heading", { name: "Start a forum" }).waitFor();
  await tabTo(page, "the text", (it) => it.id === "text");
  await page.keyboard.type("Keys only");
  await press(page, "Start it");
  await page.getByText("Stored on this node").waitFor();
  await press(page, "More: mute, forget, link, save", "Space");
  await page.getByText("Forget this document").waitFor();
  await tabTo(page, "the reply", (it) => it.id === "text");
  await page.keyboard.type("Typed blindly");
  await press(page, "Post");
  await page.getByRole("heading", { name: "Typed blindly" }).waitFor();
}
