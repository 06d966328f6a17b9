// Nodes as processes, each in a folder of its own.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Longest that a node may take to start or stop, ms. */
const PATIENCE = 30_000;

export class Node {
  constructor(binary, folder) {
    Object.assign(this, { binary, folder, process: undefined, url: undefined, log: "" });
  }

  /** Starts it; its pages are at `url` then. */
  async start() {
    const args = ["--data", this.folder, "run"];
    this.process = spawn(this.binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.process.stderr.on("data", (part) => { this.log = (this.log + part).slice(-10_000); });
    const lines = createInterface({ input: this.process.stdout });
    this.url = await within(`start ${this.folder}`, new Promise((done, failed) => {
      lines.on("line", (line) => {
        const told = line.split("in the browser: ")[1];
        if (told) done(told.trim());
      });
      this.process.on("exit", () => failed(new Error(`the node ended: ${this.log}`)));
    }));
    this.origin = new URL(this.url).origin;
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = new Promise((done) => this.process.on("exit", done));
    this.process.kill("SIGTERM");
    await within(`stop ${this.folder}`, ended);
  }

  /** Runs a command beside it; gives its output. */
  async command(...args) {
    const child = spawn(this.binary, ["--data", this.folder, ...args]);
    let out = "";
    child.stdout.on("data", (part) => { out += part; });
    child.stderr.on("data", (part) => { out += part; });
    const code = await within(args.join(" "), new Promise((done) => child.on("close", done)));
    if (code !== 0) throw new Error(`${args.join(" ")}: ${out}`);
    return out.trim();
  }

  /** Adds lines to its settings. */
  set(lines) {
    const path = join(this.folder, "settings.toml");
    writeFileSync(path, `${readFileSync(path, "utf8")}\n${lines}\n`);
  }
}

/** A promise, or a failure when it takes too long. */
export async function within(what, promise, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`not within ${patience} ms: ${what}`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fails with what was expected. */
export function must(holds, what) {
  if (!holds) throw new Error(what);
}
