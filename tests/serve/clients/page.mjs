// The page as a person uses it, in headless Chromium. Arguments: the browser, a folder for screenshots, the server, a token.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [, , executablePath, shots, base, token] = process.argv;
// Root, as containers have it, has no sandbox in Chromium.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
const page = await context.newPage();
page.setDefaultTimeout(30_000);
const wrong = [];
page.on("pageerror", (error) => wrong.push(`an error: ${error.message}`));
page.on("console", (message) => {
  // What the server refuses on purpose is also told on the console.
  if (message.type() === "error" && !message.text().includes("the server responded with a status of")) wrong.push(message.text());
});
page.on("request", (request) => {
  if (!request.url().startsWith(base)) wrong.push(`a request to ${request.url()}`);
  if (request.url().includes(token)) wrong.push("the token in an address");
});

const status = (text) => page.waitForFunction((text) => document.querySelector("#status").textContent.includes(text), text);
const said = (text) => page.waitForFunction((text) => document.querySelector("#where-said").textContent.includes(text), text);
const ids = () => page.locator("#panel .row .id").allTextContents();
const focused = () => page.evaluate(() => document.activeElement.dataset.id ?? document.activeElement.id);

// A token is asked for, and kept in the session of the tab alone.
await page.goto(base);
await page.locator("#sign-in").waitFor();
await page.keyboard.type("hdb_wrong");
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.querySelector("#sign-in-said").textContent !== "");
await page.locator("#token").fill(token);
await page.keyboard.press("Enter");
await page.getByRole("link", { name: "notes" }).click();
await status("1–25 of 64 records");
assert.deepEqual(await page.evaluate((token) => [Object.values(sessionStorage).includes(token), localStorage.length, document.cookie, location.href.includes(token)], token), [true, 0, "", false]);
await page.reload();
await status("1–25 of 64 records");
assert.deepEqual(await page.locator("#collection-list a bdi").allTextContents(), ["empty", "notes"]);
await page.waitForFunction(() => [...document.querySelectorAll(".count")].map((one) => one.textContent).join() === "0,64");

// Pages by the keyboard.
await page.keyboard.press("ArrowRight");
await status("26–50 of 64 records");
await page.keyboard.press("ArrowLeft");
await status("1–25 of 64 records");

// Search as one types; what answers stands in the excerpt, and is marked.
await page.keyboard.press("/");
await page.keyboard.type("red fox jumping");
await status("20 hits of 64 records");
assert.equal((await ids())[0], "fox");
const first = page.locator("#panel .row").first();
assert.match(await first.locator(".text").textContent(), /^… .*a red fox jumps/);
assert.deepEqual(await first.locator("mark").allTextContents(), ["red", "fox", "jumps"]);
assert.match(await first.locator(".distance").textContent(), /^\d\.\d{4}$/);
await page.reload();
await status("20 hits of 64 records");

// A filter as one types: refused in the server's words, or applied.
await page.keyboard.press("f");
await page.keyboard.type("year >> 3");
const refusal = await page.evaluate(async () => {
  const headers = { authorization: `Bearer ${sessionStorage.getItem("huedb.token")}` };
  const [one] = (await (await fetch("/api/v2/tenants/default_tenant/databases/default_database/collections", { headers })).json()).filter(({ name }) => name === "notes");
  return (await (await fetch(`/huedb/v1/tenants/default_tenant/databases/default_database/collections/${one.id}/where?where=${encodeURIComponent("year >> 3")}`, { headers })).json()).message;
});
assert.match(refusal, /where/);
await said(refusal);
assert.equal(await page.locator("#where").getAttribute("aria-invalid"), "true");
await page.locator("#where").fill("yaer = 3");
await said('no record has the metadata key "yaer"');
await page.locator("#where").fill('topic = "sea"');
await status("20 hits of 20 records that pass the filter");
assert.equal(await page.locator("#where-said").textContent(), "");
assert.equal(await page.locator("#where").getAttribute("aria-invalid"), "false");
for (const id of await ids()) assert.equal(Number(id.slice(1)) % 3, 0, id);

// From the search to the second hit, into the record and out again.
await page.keyboard.press("Escape");
await page.keyboard.press("/");
await page.keyboard.press("ArrowDown");
const [one, second] = await ids();
assert.equal(await focused(), one);
await page.keyboard.press("ArrowDown");
assert.equal(await focused(), second);
await page.keyboard.press("Enter");
await page.locator("#record .nearest .row").first().waitFor();
assert.equal(await page.locator("#record-title").textContent(), second);
assert.equal(await focused(), "record-title");
await page.keyboard.press("Escape");
await page.locator("#record").waitFor({ state: "hidden" });
assert.equal(await focused(), second);
await page.keyboard.press("/");
await page.keyboard.press("Escape");
await page.locator("#where").fill("");
await status("1–25 of 64 records");

// Neighbours, and back.
await page.goto(`${base}/#/default_database/notes/records?id=twin-a`);
await page.locator("#record .nearest .row").first().waitFor();
const twin = page.locator("#record .nearest .row").first();
assert.equal(await twin.getAttribute("data-id"), "twin-b");
assert.equal(await twin.locator(".distance").textContent(), "0.0000");
assert.equal(await page.locator("#record .nearest .row").count(), 10);
await twin.click();
await page.waitForFunction(() => document.querySelector("#record-title").textContent === "twin-b");
await page.goBack();
await page.waitForFunction(() => document.querySelector("#record-title").textContent === "twin-a");

// Hostile text is text.
await page.goto(`${base}/#/default_database/notes/records?id=${encodeURIComponent("hostile<b>")}`);
await page.waitForFunction(() => document.querySelector("#record-title")?.textContent === "hostile<b>");
assert.match(await page.locator("#record .document").textContent(), /^<script>window\.pwned = 1<\/script><img src=x/);
assert.equal(await page.locator("#record th").first().textContent(), "<i>key</i>");
assert.deepEqual(await page.evaluate(() => [window.pwned, document.querySelectorAll("script, img, i, b").length]), [undefined, 1]);
await page.keyboard.press("Escape");
assert.equal(await page.locator("#record").isVisible(), false);

// The map: what the pointer is over is named, and how many are there.
await page.keyboard.press("2");
await status("64 records at 63 places");
const box = await page.locator("canvas").boundingBox();
const seen = new Set();
for (let y = 4; y < box.height; y += 14) {
  for (let x = 4; x < box.width; x += 14) {
    await page.mouse.move(box.x + x, box.y + y);
    if (await page.locator(".tip").isVisible()) seen.add(await page.locator(".tip").textContent());
  }
}
const tips = [...seen];
assert.ok(tips.length > 10, `${tips.length} points were pointed at`);
assert.ok(tips.some((tip) => tip.startsWith("2 records at this placetwin-atwin-b")), tips.join("\n"));
const painted = () => page.evaluate(() => document.querySelector("canvas").toDataURL());
const before = await painted();
await page.locator("canvas").focus();
await page.keyboard.press("+");
const nearer = await painted();
assert.notEqual(nearer, before);
await page.keyboard.press("ArrowLeft");
assert.notEqual(await painted(), nearer);
await page.keyboard.press("0");
await page.locator("#color").selectOption("topic");
const sea = page.getByRole("list", { name: "Colours" }).getByRole("button", { name: "sea" });
await sea.click();
assert.equal(await sea.getAttribute("aria-pressed"), "true");
await sea.click();
// Clusters are named, and their names lead to them.
const clusters = page.getByRole("list", { name: "Clusters" }).getByRole("button");
assert.ok((await clusters.allTextContents()).some((name) => name.includes("law")), String(await clusters.allTextContents()));
const whole = await painted();
await clusters.first().click();
assert.notEqual(await painted(), whole);
assert.equal(await page.evaluate(() => document.activeElement.tagName), "CANVAS");

// Statistics.
await page.locator("#tab-map").focus();
await page.keyboard.press("ArrowRight");
await status("measured 64 records");
assert.equal(await page.locator("figure").count(), 4);
assert.ok((await page.locator("figure").first().locator("rect").count()) > 2);
assert.deepEqual(await page.locator(".keys-table tbody th").allTextContents(), ["<i>key</i>", "topic", "year"]);

// Help.
await page.keyboard.press("?");
await page.locator("#help").waitFor();
await page.keyboard.press("Escape");
await page.locator("#help").waitFor({ state: "hidden" });

// An empty collection says so.
await page.getByRole("link", { name: "empty" }).click();
await status("no records yet");

// What a screen reader goes by: landmarks, and a name for whatever is operated.
for (const role of ["banner", "navigation", "main", "search", "tablist", "status"]) assert.ok((await page.getByRole(role).count()) >= 1, role);
await page.goto(`${base}/#/default_database/notes/records?id=fox`);
await page.locator("#record .nearest .row").first().waitFor();
assert.equal(await page.getByRole("complementary").count(), 1);
const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select, a")].filter((one) =>
  !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length)).map((one) => one.outerHTML));
assert.deepEqual(nameless, []);

// Every width, light and dark: nothing sticks out, and texts are read on their paper.
const views = { records: "records", search: "records?q=red%20fox&where=year%20%3E%201990", refused: "records?where=year%20%3E%3E%203", record: "records?q=red%20fox&id=fox", map: "map?color=topic", plain: "map", statistics: "statistics" };
for (const colorScheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme });
  for (const [width, height] of [[360, 740], [1280, 800], [3840, 2160]]) {
    await page.setViewportSize({ width, height });
    for (const [name, view] of Object.entries(views)) {
      await page.goto(`${base}/#/default_database/notes/${view}`);
      await page.waitForFunction(() => document.querySelector("#status").textContent !== "");
      if (name === "record") await page.locator("#record .nearest .row").first().waitFor();
      const wide = await page.evaluate(() => [...document.querySelectorAll("html, body, main, #record")].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.tagName));
      assert.deepEqual(wide, [], `${name} at ${width}`);
      // One operator of a filter is called so.
      assert.doesNotMatch((await page.locator("body").innerText()).replaceAll("is null", ""), /\b(null|undefined|NaN)\b/, name);
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png` });
    }
  }
  const contrast = await page.evaluate(() => {
    const light = (color) => color.match(/\d+/g).slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const against = (ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const colors = ["body", ".facts", ".status", "#tab-records", "dt"].map((which) => getComputedStyle(document.querySelector(which)).color);
    return { paper, least: Math.min(...colors.map((color) => against(light(color)))) };
  });
  assert.equal(contrast.paper < 0.2, colorScheme === "dark", colorScheme);
  assert.ok(contrast.least >= 4.5, `${colorScheme}: ${contrast.least}`);
}

assert.deepEqual(wrong, []);
await browser.close();
console.log("done");
