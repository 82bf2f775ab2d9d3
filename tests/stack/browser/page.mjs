// Opens pages of other origins in Chromium, and has each try to read the ports that it is given.
//
// node page.mjs '{"targets": [{"name", "origin", "path"}], "tries": [{"method", "path", "headers", "body"}]}'
// Prints a JSON array of what each try came to: {page, target, way, try, read}; `read` is null where nothing was read.

import http from 'node:http'
import chromium from '@sparticuz/chromium'
import puppeteer from 'puppeteer-core'

const { targets, tries } = JSON.parse(process.argv[2])
// A name that leads to this machine, as a hostile DNS server may make its own do: then page and port have one origin.
const REBOUND = 'rebound.test'

const server = http.createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' })
  response.end('<!doctype html><title>a page of another origin</title>')
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const elsewhere = server.address().port

const browser = await puppeteer.launch({
  // Not the package's own arguments: they switch web security off, which is what is to be seen here.
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  executablePath: await chromium.executablePath(),
  headless: 'shell',
})

// Runs in the page: every way in which a script can read an address.
const read = async (address, one) => {
  const options = { method: one.method, headers: one.headers, body: one.body }
  const found = {}
  const within = (promise) =>
    Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error('late')), 3000))])
  for (const mode of ['cors', 'no-cors', 'same-origin']) {
    try {
      const answer = await within(fetch(address, { ...options, mode, credentials: 'include' }))
      found[`fetch ${mode}`] = answer.type === 'opaque' ? null : `${answer.status} ${await within(answer.text())}`
    } catch {
      found[`fetch ${mode}`] = null
    }
  }
  found.xhr = await new Promise((resolve) => {
    const asked = new XMLHttpRequest()
    asked.open(one.method, address)
    for (const [name, value] of Object.entries(one.headers ?? {})) asked.setRequestHeader(name, value)
    asked.timeout = 3000
    asked.onload = () => resolve(`${asked.status} ${asked.responseText}`)
    asked.onerror = asked.ontimeout = () => resolve(null)
    asked.send(one.body ?? null)
  })
  if (one.method === 'GET') {
    found.script = await new Promise((resolve) => {
      const names = new Set(Object.keys(window))
      const script = Object.assign(document.createElement('script'), { src: address })
      const done = () => resolve(Object.keys(window).filter((name) => !names.has(name)).join() || null)
      script.onload = script.onerror = done
      setTimeout(done, 3000)
      document.head.append(script)
    })
    found.frame = await new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { src: address })
      const done = () => {
        try {
          const text = frame.contentDocument?.documentElement?.innerText ?? null
          resolve(frame.contentDocument?.URL === 'about:blank' ? null : text)
        } catch {
          resolve(null)
        }
      }
      frame.onload = done
      setTimeout(done, 3000)
      document.body.append(frame)
    })
  }
  return found
}

const outcomes = []
for (const target of targets) {
  const port = new URL(target.origin).port
  // The second page is of the port's own origin: what remains of a page once its name leads to another machine.
  for (const [page, address] of [
    ['another origin', `http://127.0.0.1:${elsewhere}/`],
    ['another site', `http://evil.test:${elsewhere}/`],
    ['rebound name', `http://${REBOUND}:${port}/`],
  ]) {
    const tab = await browser.newPage()
    await tab.goto(address, { waitUntil: 'domcontentloaded' }).catch(() => {})
    const host = page === 'rebound name' ? `http://${REBOUND}:${port}` : target.origin
    for (const one of tries) {
      for (const [way, text] of Object.entries(await tab.evaluate(read, host + target.path + one.path, one)))
        outcomes.push({ page, target: target.name, way, try: `${one.method} ${one.path}`, read: text })
    }
    await tab.close()
  }
}
await browser.close()
server.close()
process.stdout.write(JSON.stringify(outcomes))
