// Goes from a clean machine to a first answer in the console as a newcomer does, with a person's delays.
//
// node newcomer.mjs '{"root", "data", "email"}'
// `root` is the stack's address and `data` its folder, which has the letters. Prints one JSON object: {steps, keys, clicks,
// work_s, whole_s}: the newcomer's own work, and the time with all that it has waited for, once the stack serves.
//
// Delays are those of the keystroke-level model (Card, Moran, Newell: The Psychology of Human-Computer Interaction,
// 1983, chapter 8): a key of an average typist, pointing at something and pressing it, and a hand's way between keyboard and mouse.

import { readFile } from 'node:fs/promises'
import chromium from '@sparticuz/chromium'
import puppeteer from 'puppeteer-core'

const KEY_S = 0.2
const CLICK_S = 1.1 + 0.2
const HAND_S = 0.4
const PASSWORD = 'correct horse'

const { root, data, email } = JSON.parse(process.argv[2])
const told = { steps: [], keys: 0, clicks: 0, work_s: 0, whole_s: 0 }
let hand = 'keyboard'

const sleep = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000))
const work = async (seconds, onto) => {
  const spent = seconds + (hand === onto ? 0 : HAND_S)
  hand = onto
  told.work_s += spent
  await sleep(spent)
}
const step = (name) => told.steps.push(name)
// In the terminal, where no browser is.
const types = async (text) => {
  told.keys += text.length
  await work(text.length * KEY_S, 'keyboard')
}
const points = async () => {
  told.clicks += 1
  await work(CLICK_S, 'mouse')
}

const browser = await puppeteer.launch({
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'],
  executablePath: await chromium.executablePath(),
  headless: 'shell',
})
const page = await browser.newPage()
page.setDefaultTimeout(30_000)
await page.setExtraHTTPHeaders({ 'accept-language': 'en' })

const click = async (selector, leads = true) => {
  await points()
  const target = await page.waitForSelector(selector)
  if (leads) await Promise.all([page.waitForNavigation(), target.click()])
  else await target.click()
}
const fill = async (name, text) => {
  await points()
  const input = await page.waitForSelector(`main [name="${name}"]`)
  await input.click()
  told.keys += text.length
  hand = 'keyboard'
  told.work_s += HAND_S + text.length * KEY_S
  await sleep(HAND_S)
  await page.keyboard.type(text, { delay: KEY_S * 1000 })
}
const letter = async () => {
  for (;;) {
    const lines = (await readFile(`${data}/mail.jsonl`, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)
    const link = lines.map(JSON.parse).filter((one) => one.to[0] === email).at(-1)?.text.match(/https?:\S+#token=[\w-]+/)
    if (link) return link[0]
    await sleep(0.1)
  }
}

const began = performance.now()
step('paste the address behind git clone, type cd nexgate && make run')
await types('git clone ')
await types('^V')
await types(' && cd nexgate && make run\n')
step('click on the console that the terminal names')
await points()
await page.goto(`${root}/console`)
step('register')
await click('a[href$="/register"]')
await fill('email', email)
await fill('password', PASSWORD)
await click('main form button')
step('click on the link of the letter, which the terminal shows, and confirm')
const link = await letter()
await points()
await page.goto(`data:text/html,<a href="${link.replace('#', '%23')}">a letter</a>`)
await page.$eval('a', (anchor) => anchor.click())
await page.waitForSelector('form[data-token]')
await click('main form button')
step('sign in')
await fill('password', PASSWORD)
await click('main form button')
step('top up the balance, by the simulated payment page')
await click('main a[href$="/billing"]')
await click('form[action$="checkout"] button')
await click('main a.button')
await click('button[value=pay]')
step('ask in the playground')
await click('a[href$="/playground"]')
await fill('prompt', 'Say one word.')
await click('#play button', false)
await page.waitForFunction(() => document.querySelector('#play').dataset.done === document.querySelector('#play-said').textContent)
told.answer = await page.$eval('#a-out', (part) => part.innerText)
told.whole_s = (performance.now() - began) / 1000
process.stdout.write(JSON.stringify(told))
await browser.close()
