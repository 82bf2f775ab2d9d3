// Asks the API as any client of the account does, by the console's short-lived key, and shows answers as they stream.
'use strict'

const form = document.getElementById('play')
const said = document.getElementById('play-said')
const stop = document.getElementById('stop')
const at = (name) => form.elements[name].value.trim()
// What is said of an error in the page's language, by its code; its own words tell of the case.
const codes = JSON.parse(form.dataset.codes)
const reason = (error) => error && [codes[error.code] ?? codes[''], error.message].filter(Boolean).join(' ')
let access
let running

const getAccess = async () => {
  if (access) return access
  const body = new URLSearchParams({ form: form.dataset.form })
  const answer = await fetch(`${form.dataset.root}/playground/key`, { method: 'POST', body })
  if (!answer.ok) throw new Error(`${form.dataset.failed} ${answer.status}`)
  access = await answer.json()
  return access
}

const dataUrl = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader()
  reader.onload = () => resolve(reader.result)
  reader.onerror = () => reject(reader.error)
  reader.readAsDataURL(file)
})

const chatBody = async (model) => {
  const messages = at('system') ? [{ role: 'system', content: at('system') }] : []
  const [file] = form.elements.image.files
  const content = file
    ? [{ type: 'text', text: at('prompt') }, { type: 'image_url', image_url: { url: await dataUrl(file) } }]
    : at('prompt')
  const body = { model, messages: [...messages, { role: 'user', content }] }
  if (at('temperature')) body.temperature = Number(at('temperature'))
  if (at('max')) body.max_completion_tokens = Number(at('max'))
  if (at('tools')) body.tools = JSON.parse(at('tools'))
  if (form.elements.stream.checked) Object.assign(body, { stream: true, stream_options: { include_usage: true } })
  return body
}

const KINDS = {
  chat: { path: '/chat/completions', body: chatBody },
  image: { path: '/images/generations', body: (model) => ({ model, prompt: at('prompt'), response_format: 'b64_json' }) },
  speech: { path: '/audio/speech', body: (model) => ({ model, input: at('prompt'), voice: 'alloy' }) },
}

const call = async (kind, model, signal) => {
  const { key, base } = await getAccess()
  const { path, body } = KINDS[kind]
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(await body(model)), signal })
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}))
    throw new Error(reason(error) ?? `${form.dataset.failed} ${answer.status}`)
  }
  return answer
}

const showMessage = (out, message) => {
  if (message?.content) out.append(message.content)
  for (const tool of message?.tool_calls ?? []) out.append(`${tool.function?.name ?? ''}${tool.function?.arguments ?? ''}`)
}

// Reads server-sent events; a chunk may end anywhere, within a character too.
const showStream = async (answer, out) => {
  let rest = ''
  let told = {}
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const data = line.startsWith('data:') ? line.slice(5).trim() : ''
      if (!data || data === '[DONE]') continue
      const event = JSON.parse(data)
      if (event.error) throw new Error(reason(event.error))
      showMessage(out, event.choices?.[0]?.delta)
      told = { usage: event.usage ?? told.usage, nexevo: event.nexevo ?? told.nexevo }
    }
  }
  return told
}

const show = async (kind, answer, out) => {
  const type = answer.headers.get('content-type') ?? ''
  if (type.startsWith('text/event-stream')) return showStream(answer, out)
  if (kind === 'speech') {
    const audio = Object.assign(document.createElement('audio'), { controls: true, src: URL.createObjectURL(await answer.blob()) })
    out.append(audio)
    return {}
  }
  const told = await answer.json()
  if (kind === 'image') {
    for (const one of told.data) {
      out.append(Object.assign(document.createElement('img'), { alt: at('prompt'), src: one.url ?? `data:image/png;base64,${one.b64_json}` }))
    }
  } else showMessage(out, told.choices?.[0]?.message)
  return told
}

const run = async (side, kind, model, signal) => {
  const [name, out, facts] = ['name', 'out', 'facts'].map((part) => document.getElementById(`${side}-${part}`))
  name.textContent = `${side.toUpperCase()} · ${model}`
  out.replaceChildren()
  facts.textContent = ''
  const began = performance.now()
  const answer = await call(kind, model, signal)
  const { usage, nexevo } = await show(kind, answer, out)
  const shown = [`${((performance.now() - began) / 1000).toFixed(1)} s`]
  if (usage) shown.push(`${usage.prompt_tokens ?? usage.input_tokens ?? 0} → ${usage.completion_tokens ?? usage.output_tokens ?? 0} ${form.dataset.tokens}`)
  if (nexevo?.cost_usd) shown.push(`${nexevo.cost_usd} USD`)
  const served = nexevo?.models_tried?.filter((tried) => tried.outcome === 'served').at(-1)
  if (served) shown.push(served.model === model ? served.provider : `${served.provider} ${served.model}`)
  shown.push(answer.headers.get('x-trace-id') ?? '')
  facts.textContent = shown.join(' · ')
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  if (running) return
  running = new AbortController()
  stop.disabled = false
  said.textContent = form.dataset.working
  const kind = at('kind')
  const other = kind === 'chat' ? at('other') : ''
  document.getElementById('b-part').hidden = !other
  try {
    const runs = [run('a', kind, at('model'), running.signal)]
    if (other) runs.push(run('b', kind, other, running.signal))
    const ended = await Promise.allSettled(runs)
    const failed = ended.filter((one) => one.status === 'rejected').map((one) => one.reason.message)
    said.textContent = failed.length ? failed.join(' ') : form.dataset.done
  } finally {
    running = undefined
    stop.disabled = true
  }
})
stop.addEventListener('click', () => running?.abort())

const showCode = async () => {
  const origin = location.origin + form.dataset.root.replace(/\/console$/, '')
  const kind = at('kind')
  const model = at('model')
  const ask = JSON.stringify(at('prompt') || 'Hello')
  const calls = {
    chat: [
      `resp = client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": ${ask}}])\nprint(resp.choices[0].message.content)`,
      `const resp = await client.chat.completions.create({ model: '${model}', messages: [{ role: 'user', content: ${ask} }] })\nconsole.log(resp.choices[0].message.content)`,
      { model, messages: [{ role: 'user', content: at('prompt') || 'Hello' }] },
    ],
    image: [
      `resp = client.images.generate(model="${model}", prompt=${ask})`,
      `const resp = await client.images.generate({ model: '${model}', prompt: ${ask} })`,
      { model, prompt: at('prompt') || 'Hello' },
    ],
    speech: [
      `resp = client.audio.speech.create(model="${model}", input=${ask}, voice="alloy")`,
      `const resp = await client.audio.speech.create({ model: '${model}', input: ${ask}, voice: 'alloy' })`,
      { model, input: at('prompt') || 'Hello', voice: 'alloy' },
    ],
  }
  const [python, typescript, body] = calls[kind]
  // Ours take the key from NEXEVO_API_KEY.
  document.getElementById('code-python').textContent =
    `from nexevo_ai import Nexevo\n\nclient = Nexevo(base_url="${origin}")\n${python}`
  document.getElementById('code-typescript').textContent =
    `import Nexevo from '@nexevo/sdk'\n\nconst client = new Nexevo({ baseURL: '${origin}' })\n${typescript}`
  document.getElementById('code-openai').textContent =
    `import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${origin}/v1", api_key=os.environ["NEXEVO_API_KEY"])\n${python}`
  const quoted = JSON.stringify(body).replaceAll("'", String.raw`'\''`)
  document.getElementById('code-curl').textContent =
    `curl ${origin}/v1${KINDS[kind].path} \\\n  -H "Authorization: Bearer $NEXEVO_API_KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '${quoted}'`
}
form.addEventListener('input', showCode)
form.elements.kind.addEventListener('change', () => {
  const list = document.getElementById(`models-${at('kind')}`)
  form.elements.model.setAttribute('list', `models-${at('kind')}`)
  form.elements.model.value = list?.querySelector('option')?.value ?? ''
  showCode()
})
showCode()
