// The program that drives Chromium for "browser" steps, run by Node with its orders on standard
// input and what it saw on standard output. Its commands are the table of steps/browser.cpp.
#pragma once
#include <string_view>

namespace scenarios {

inline constexpr std::string_view kBrowserScript = R"JS(
'use strict';
const orders = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const { chromium } = require(orders.playwright);

// The first word, or what stands in quotes; then the rest.
function split(text) {
  const quoted = /^"([^"]*)"\s*([\s\S]*)$/.exec(text) || /^(\S+)\s*([\s\S]*)$/.exec(text);
  return quoted ? [quoted[1], quoted[2]] : ['', ''];
}

const commands = {
  open: (page, rest) => page.goto(orders.urls[rest], { waitUntil: 'load' }),
  reload: (page) => page.reload(),
  back: (page) => page.goBack(),
  click: (page, rest) => page.locator(rest).first().click(),
  fill: (page, rest) => { const [where, value] = split(rest); return page.locator(where).first().fill(value); },
  select: (page, rest) => { const [where, value] = split(rest); return page.locator(where).first().selectOption(value); },
  press: (page, rest) => page.keyboard.press(rest),
  see: (page, rest) => page.locator(rest).first().waitFor({ state: 'visible' }),
  hide: (page, rest) => page.locator(rest).first().waitFor({ state: 'hidden' }),
  screenshot: (page, rest) => page.screenshot({ path: orders.files[rest], fullPage: true }),
};

(async () => {
  const seen = { console: [], url: '', html: '', failed: null };
  const browser = await chromium.launch({ executablePath: orders.chromium, args: orders.flags });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    page.setDefaultTimeout(orders.patience);
    page.setDefaultNavigationTimeout(orders.patience);
    page.on('console', (message) => { if (message.type() === 'error') seen.console.push(message.text()); });
    page.on('pageerror', (error) => seen.console.push(String(error)));
    for (let i = 0; i < orders.commands.length && !seen.failed; ++i) {
      const [verb, rest] = split(orders.commands[i]);
      try {
        await commands[verb](page, rest);
      } catch (error) {
        seen.failed = { index: i, message: String(error.message).split('\n')[0] };
      }
    }
    seen.url = page.url();
    seen.html = await page.content();
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(seen));
})().catch((error) => { process.stderr.write(String(error.stack || error)); process.exit(1); });
)JS";

}  // namespace scenarios
