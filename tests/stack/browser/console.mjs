// Walks the console in Chromium as a new person does, in English and in Chinese, and looks at every page.
//
// node console.mjs '{"root", "data", "shots", "people"}'
// `root` is the stack's address and `data` its folder, which has the letters; pictures go to `shots`. `people` are two
// addresses for each language. Prints one JSON object: {pages, violations, overflows, complaints, facts}. Exits 1 where a step cannot be done.

import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import chromium from '@sparticuz/chromium'
import puppeteer from 'puppeteer-core'

const { root, data, shots, people } = JSON.parse(process.argv[2])
const PASSWORD = 'correct horse battery'
const WIDTHS = [360, 1280]
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const found = { pages: [], violations: [], overflows: [], complaints: [], facts: {} }

const browser = await puppeteer.launch({
  // Not the package's own arguments: they switch web security off, and with it what the console relies on.
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  executablePath: await chromium.executablePath(),
  headless: 'shell',
})

let language
const newPerson = async () => {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  await page.setExtraHTTPHeaders({ 'accept-language': language })
  page.on('console', (line) => { if (line.type() === 'error' && !/status of 4\d\d/.test(line.text())) found.complaints.push(`${page.url()} ${line.text()}`) })
  page.on('pageerror', (error) => found.complaints.push(`${page.url()} ${error.message}`))
  page.on('dialog', (dialog) => dialog.accept())
  return page
}

const judged = async (page, name) => {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  for (const one of violations) found.violations.push(`${name}: ${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`)
}

// Looks at the page as it stands, light and dark, at each width: by axe at opposite corners of these, and by pictures.
const look = async (page, of) => {
  const name = language === 'en' ? of : `${of}-${language}`
  found.pages.push(name)
  for (const scheme of ['dark', 'light']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    for (const width of WIDTHS) {
      await page.setViewport({ width, height: 900 })
      const is = await page.evaluate(() => document.documentElement.scrollWidth)
      if (is > width) found.overflows.push(`${name}: ${is} > ${width}`)
      // Chromium makes no picture of more than 16,384 pixels: https://crbug.com/770769
      const height = Math.min(await page.evaluate(() => document.documentElement.scrollHeight), 8000)
      await page.screenshot({ path: `${shots}/${name}-${width}-${scheme}.png`, clip: { x: 0, y: 0, width, height } })
      if ((width === 360) === (scheme === 'dark')) await judged(page, `${name} ${width} (${scheme})`)
    }
  }
}

const visit = (page, path) => page.goto(`${root}/console${path === '/' ? '' : path}`)
const fill = (page, fields) => page.evaluate((wanted) => {
  for (const [name, value] of Object.entries(wanted)) {
    const input = document.querySelector(`main [name="${name}"]`)
    input.value = value
    input.dispatchEvent(new Event('input', { bubbles: true }))
  }
}, fields)
const send = async (page, selector) => {
  await Promise.all([page.waitForNavigation(), page.$eval(selector, (button) => button.click())])
}
const text = (page, selector = 'main') => page.$eval(selector, (part) => part.innerText)
const until = async (what, is) => {
  for (const ends = Date.now() + 60_000; Date.now() < ends; await new Promise((go) => setTimeout(go, 250))) {
    const value = await is()
    if (value) return value
  }
  throw new Error(`not within a minute: ${what}`)
}
const expect = (is, what) => { if (!is) throw new Error(`expected: ${what}`) }

const letter = (to) => until(`a letter to ${to}`, async () => {
  const lines = (await readFile(`${data}/mail.jsonl`, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)
  const link = lines.map(JSON.parse).filter((one) => one.to[0] === to).at(-1)?.text.match(/https?:\S+#token=[\w-]+/)
  return link?.[0]
})

// RFC 6238, of the step that is `ahead` of now.
const code = (secret, ahead = 0) => {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead))
  const hash = createHmac('sha1', key).update(step).digest()
  return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1e6).padStart(6, '0')
}

// Opens a link as one of a letter is opened: from a page of another site, so that no strict cookie comes along.
const followed = async (page, link) => {
  await page.goto(`data:text/html,<a href="${link.replace('#', '%23')}">a letter</a>`)
  await page.$eval('a', (anchor) => anchor.click())
  await page.waitForSelector('form[data-token], form[action$="/sign-in"]')
}

const register = async (page, address, looks) => {
  await visit(page, '/register')
  if (looks) await look(page, 'register')
  await fill(page, { email: address, full_name: 'Jane Doe', password: PASSWORD })
  await send(page, 'main button')
  if (looks) await look(page, 'verify-email')
  await followed(page, await letter(address))
  await send(page, 'main button')
}
const signIn = async (page, address) => {
  await fill(page, { email: address, password: PASSWORD })
  await send(page, 'main button')
}

const walk = async () => {
  const { email, colleague } = people[language]
  const jane = await newPerson()
  await visit(jane, '/keys')
  await look(jane, 'sign-in')
  await visit(jane, '/forgot-password')
  await look(jane, 'forgot-password')
  await visit(jane, '/reset-password')
  await look(jane, 'reset-password')
  await register(jane, email, true)
  await fill(jane, { email, password: 'not the password' })
  await send(jane, 'main button')
  expect((await text(jane)).includes('invalid_credentials'), 'a wrong password is refused')
  await look(jane, 'sign-in-refused')
  await signIn(jane, email)
  await look(jane, 'overview-empty')
  for (const empty of ['usage', 'requests', 'jobs', 'webhooks', 'keys', 'organizations']) {
    await visit(jane, `/${empty}`)
    await look(jane, `${empty}-empty`)
  }

  await visit(jane, '/account')
  await look(jane, 'account')
  await jane.type('#d-password', PASSWORD)
  await send(jane, 'form[action$="2fa/setup"] button')
  await look(jane, 'two-factor')
  const secret = await text(jane, '.copy code')
  await fill(jane, { code: code(secret) })
  await send(jane, 'form[action$="2fa/enable"] button')
  await look(jane, 'recovery-codes')
  await send(jane, 'form[action$="/sign-out"] button')
  await signIn(jane, email)
  await look(jane, 'sign-in-code')
  await fill(jane, { email, password: PASSWORD, code: code(secret, 1) })
  await send(jane, 'main button')
  expect((await jane.$('.menu')) !== null, 'signed in by a second factor')

  await visit(jane, '/keys/new')
  await look(jane, 'key-new')
  await fill(jane, { name: 'by a browser', monthly_spend_cap_usd: '5', allowed_models: 'gpt-4o*' })
  await send(jane, 'main form button')
  await look(jane, 'key-made')
  const key = await text(jane, '.copy code')
  await visit(jane, '/keys')
  await look(jane, 'keys')

  await visit(jane, '/billing')
  await look(jane, 'billing')
  await fill(jane, { amount_usd: '20' })
  await send(jane, 'form[action$="checkout"] button')
  await look(jane, 'checkout')
  await send(jane, 'main a.button')
  await send(jane, 'button[value=pay]')
  expect(jane.url().includes('/console/billing?topup=done'), `the payment page leads back, not to ${jane.url()}`)
  await until('20 USD', async () => { await visit(jane, '/billing'); return (await text(jane)).includes('20.00 USD') })
  await look(jane, 'billing-paid')

  await visit(jane, '/models?q=gpt-4o')
  await look(jane, 'models')
  await visit(jane, '/playground')
  await look(jane, 'playground')
  const ask = async (fields) => {
    await fill(jane, fields)
    await jane.click('#play button')
    const said = await until('an answer', async () => {
      const shown = await text(jane, '#play-said')
      return shown === (await jane.$eval('#play', (form) => form.dataset.working)) ? '' : shown
    })
    expect(said === (await jane.$eval('#play', (form) => form.dataset.done)), `the playground answers ${JSON.stringify(fields)}, not: ${said}`)
  }
  await ask({ model: 'gpt-4o', other: 'gpt-4o-mini', prompt: 'Say one word.' })
  found.facts.answer = await text(jane, '#a-out')
  expect(found.facts.answer.length > 0 && (await text(jane, '#b-out')).length > 0, 'two streamed answers')
  await look(jane, 'playground-answered')
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
  await ask({ model: 'claude-haiku-4-5', other: '', prompt: 'Hello.', tools: JSON.stringify(tools) })
  for (const [model, shown] of [['gpt-image-1', 'img'], ['dall-e-3', 'img'], ['tts-1', 'audio']]) {
    await jane.select('#f-kind', shown === 'img' ? 'image' : 'speech')
    await ask({ model, prompt: 'A horse that runs.' })
    const size = await until(`what ${model} made`, () => jane.$eval(`#a-out ${shown}`, (part) => part.naturalWidth || part.duration))
    found.facts[model] = size
  }
  await look(jane, 'playground-speech')

  await visit(jane, '/jobs')
  await fill(jane, { prompt: 'A horse that runs.' })
  await send(jane, 'form[action$="/jobs"] button')
  await look(jane, 'job-running')
  await until('a video', async () => (await jane.$('figure video').catch(() => null)) !== null)
  await look(jane, 'job-done')
  found.facts.job = await text(jane, '.figures')
  found.facts.media = await jane.$$eval('figure a', (links) => links.length)
  await visit(jane, '/jobs')
  await look(jane, 'jobs')
  for (const by of ['day', 'model', 'key', 'member']) {
    await visit(jane, `/usage?by=${by}`)
    await look(jane, `usage-${by}`)
  }
  await visit(jane, '/usage?by=model')
  found.facts.usage = await text(jane, 'tbody')
  await visit(jane, '/requests')
  await look(jane, 'requests')
  await visit(jane, '/')
  await look(jane, 'overview')
  await visit(jane, '/webhooks')
  await look(jane, 'webhooks')

  await visit(jane, '/organizations')
  await fill(jane, { name: 'Acme' })
  await send(jane, 'form[action$="/organizations"] button')
  await look(jane, 'members')
  await fill(jane, { email: colleague })
  await send(jane, 'form[action$="/invite"] button')
  await look(jane, 'members-invited')
  const john = await newPerson()
  const invitation = await letter(colleague)
  await register(john, colleague, false)
  await followed(john, invitation)
  await signIn(john, colleague)
  await send(john, 'form[action$="/join"] button')
  expect((await text(john)).includes(email), 'the colleague sees the members')
  await visit(john, '/')
  await look(john, 'overview-developer')
  const open = await john.$$eval('.menu nav a', (links) => links.map((link) => link.href))
  for (const page of open) expect((await john.goto(page)).status() === 200, `a developer may open ${page}`)
  await visit(john, '/usage')
  await look(john, 'not-for-developers')
  await visit(jane, '/members')
  expect((await text(jane)).includes(colleague), 'the colleague is a member')
  await look(jane, 'members-two')
  await visit(jane, '/audit')
  await look(jane, 'audit')
  await visit(jane, '/organizations')
  await send(jane, 'button[name=org][value=""]')

  await visit(jane, '/keys')
  await Promise.all([jane.waitForNavigation(), jane.$eval('tbody a', (link) => link.click())])
  await look(jane, 'key')
  await send(jane, 'form[action$="/revoke"] button')
  await look(jane, 'keys-revoked')
  await until('the key has ended', async () => (await fetch(`${root}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status === 401)

  await visit(jane, '/operator')
  expect((await text(jane)).includes(colleague), 'the operator sees all people')
  await look(jane, 'operator')
  await visit(jane, '/nothing-here')
  await look(jane, 'no-page')
  if (language !== 'en') return
  await jane.goto(`${root}/docs`)
  const documents = await jane.$$eval('nav[aria-label="Documents"] a', (links) => links.map((link) => link.href))
  expect(documents.length > 15, 'the menu of documents')
  for (const page of documents) {
    await jane.goto(page)
    await look(jane, `docs-${page.split('/').at(-1)}`)
  }
  await jane.goto(`${root}/docs/nothing-here`)
  await look(jane, 'docs-no-page')
}

try {
  for (language of Object.keys(people)) await walk()
} catch (error) {
  found.complaints.push(`the walk stopped after ${found.pages.at(-1)}: ${error.stack}`)
  process.exitCode = 1
}
process.stdout.write(JSON.stringify(found))
await browser.close()
