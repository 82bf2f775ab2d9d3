// Plays scripts in sessions of OpenAI's realtime client in a page of Chromium, and prints the events of each as JSON.
//
// node realtime.mjs CLIENTS_FOLDER ROOT_URL REALTIME_URL API_KEY FILE, a JSON of {MODEL: {SCRIPT: {steps, secret}}}

import { readFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import chromium from '@sparticuz/chromium'
import puppeteer from 'puppeteer-core'

const [, , clients, rootUrl, realtimeUrl, apiKey, scripts] = process.argv

// The modules are what npm installed, as any server of a page has them.
const server = http.createServer(async (request, response) => {
  const file = path.join(clients, path.normalize(new URL(request.url, 'http://page').pathname))
  const isPage = request.url === '/'
  const body = isPage ? '<!doctype html><title>a page with a session</title>' : await readFile(file).catch(() => null)
  response.writeHead(body === null ? 404 : 200, { 'content-type': isPage ? 'text/html' : 'text/javascript' })
  response.end(body)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const browser = await puppeteer.launch({
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--ignore-certificate-errors'],
  executablePath: await chromium.executablePath(),
  headless: 'shell',
})

// The server of the page has the key, and gives the page a secret.
const minted = async (session) => {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const asked = { method: 'POST', headers, body: JSON.stringify({ session }) }
  const answer = await fetch(`${rootUrl}/v1/realtime/client_secrets`, asked)
  return (await answer.json()).value
}

// Runs in the page.
const played = async (key, baseURL, model, script) => {
  const { default: OpenAI } = await import('/node_modules/openai/index.mjs')
  const { OpenAIRealtimeWebSocket } = await import('/node_modules/openai/realtime/websocket.mjs')
  const { play } = await import('/realtime_play.mjs')
  const client = new OpenAI({ apiKey: key, baseURL, dangerouslyAllowBrowser: true })
  return await play(new OpenAIRealtimeWebSocket({ model }, client), script)
}

const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
// The models at once, since most of a session is waiting; each model's sessions one after another.
const told = {}
const every = async ([model, named]) => {
  told[model] = {}
  for (const [name, script] of Object.entries(named)) {
    const key = script.secret ? await minted(script.secret) : apiKey
    told[model][name] = await page.evaluate(played, key, `${realtimeUrl}/v1`, model, script).catch(String)
  }
}
await Promise.all(Object.entries(JSON.parse(await readFile(scripts))).map(every))
await browser.close()
server.close()
process.stdout.write(JSON.stringify(told))
