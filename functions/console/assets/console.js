// What a page can do beside its forms and links: each works without this script, but for copying.
'use strict'

const busy = document.getElementById('busy')
const showBusy = (is) => {
  busy.hidden = !is
  document.getElementById('main').setAttribute('aria-busy', String(is))
}
// A page that comes back from the browser's cache is not loading any more.
addEventListener('pageshow', () => showBusy(false))

document.addEventListener('submit', (event) => {
  const form = event.target
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) {
    event.preventDefault()
    return
  }
  if (form.id === 'play') return
  if (form.dataset.sent) {
    event.preventDefault()
    return
  }
  if (form.method === 'post') form.dataset.sent = '1'
  showBusy(true)
})
addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach((form) => delete form.dataset.sent))

document.addEventListener('click', async (event) => {
  const link = event.target.closest('a[href]')
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0
  if (link && isPlain && link.origin === location.origin && !link.hasAttribute('download') && !link.hash) showBusy(true)
  const button = event.target.closest('[data-copy]')
  if (!button) return
  const text = button.parentElement.querySelector('code')
  try {
    await navigator.clipboard.writeText(text.textContent)
    button.textContent += ' ✓'
  } catch {
    getSelection().selectAllChildren(text)
  }
})

// The token of a letter's link stands behind `#`, which no server and no log sees; it goes into the form from there.
// A visitor who has to sign in first finds it there afterwards.
const wanting = document.querySelector('form[data-token] input[name=token]')
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? sessionStorage.getItem('token')
if (token) {
  if (wanting) {
    wanting.value = token
    sessionStorage.removeItem('token')
  } else sessionStorage.setItem('token', token)
  if (location.hash) history.replaceState(null, '', location.pathname + location.search)
}

// The server does not know the port at which it was reached.
for (const code of document.querySelectorAll('[data-origin]')) {
  const base = location.origin + new URL(code.dataset.origin).pathname.replace(/\/$/, '')
  code.textContent = code.textContent.replaceAll(code.dataset.origin, base)
}

// On a narrow page each row of a table is a card: its cells have the names of their columns, and keep what they are.
for (const table of document.querySelectorAll('.wide:not(.fit) > table')) {
  const names = [...table.querySelectorAll('thead th')].map((head) => head.textContent)
  table.parentElement.classList.add('cells')
  table.setAttribute('role', 'table')
  for (const group of table.querySelectorAll('thead, tbody')) group.setAttribute('role', 'rowgroup')
  for (const row of table.rows) {
    row.setAttribute('role', 'row')
    for (const cell of row.cells) {
      cell.setAttribute('role', cell.tagName === 'TD' ? 'cell' : cell.scope === 'row' ? 'rowheader' : 'columnheader')
      if (cell.tagName !== 'TD') continue
      cell.dataset.name = names[cell.cellIndex]
      const text = cell.textContent.trim()
      cell.classList.toggle('none', text === '' || text === '-')
    }
  }
}

const menu = document.querySelector('.menu')
const narrow = matchMedia('(max-width: 47.99rem)')
const fit = () => { if (menu) menu.open = !narrow.matches }
narrow.addEventListener('change', fit)
fit()

// A page of work that goes on asks again, unless its reader is at one of its buttons.
const again = document.querySelector('[data-again]')
if (again) {
  setInterval(() => {
    if (!document.hidden && !document.activeElement?.closest('main button, main a')) location.reload()
  }, again.dataset.again * 1000)
}
