// The address of `huedb browse`: it lets one browser in, once. Arguments: the browser, a folder for screenshots, the address.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [, , executablePath, , address] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await (await browser.newContext()).newPage();
page.setDefaultTimeout(30_000);
const key = new URLSearchParams(new URL(address).hash.slice(1)).get("key");
assert.match(key, /^hdb_/);
await page.goto(address);
await page.waitForFunction(() => document.querySelector("#status").textContent.includes("of 64 records"));
assert.ok(!page.url().includes("key") && page.url().endsWith("#/default_database/notes/records"), page.url());
assert.equal(await page.locator("#sign-in").isVisible(), false);
assert.equal(await page.evaluate((key) => Object.values(sessionStorage).includes(key), key), false);
await page.reload();
await page.waitForFunction(() => document.querySelector("#status").textContent.includes("of 64 records"));
// Another browser is not let in.
const other = await (await browser.newContext()).newPage();
await other.goto(address);
await other.waitForFunction(() => document.querySelector("#sign-in-said").textContent.includes("opened a second time"));
assert.equal(await other.locator(".row").count(), 0);
await browser.close();
console.log("done");
