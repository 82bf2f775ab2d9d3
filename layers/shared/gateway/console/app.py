"""The ASGI app of the console: finds the page, keeps the visitor's state, and answers refusals as pages.

A form counts where the browser says that the console's own page has sent it, and where it brings the token of the
visitor's cookie. https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hmac import compare_digest
from pathlib import Path

from gateway.console.render import Renderer
from gateway.console.routes import Page, found
from gateway.console.state import COOKIE, State, read_state
from gateway.console.visit import Answer, Refused, SignedOut, Visit
from gateway.errors import GatewayError
from gateway.framing.percent import encoded
from gateway.http.exchange import Exchange
from gateway.http.request import Receive, Request, Scope, Send, read
from gateway.http.wires import wire_of
from gateway.ports.clock import Clock
from gateway.ports.families import Families
from gateway.wiring.process import prime_before_snapshot

HTML = "text/html; charset=utf-8"
STANDING = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; img-src 'self' data: blob:{media}; media-src 'self' data: blob:{media}"
)
# Marks a visit that a page of this site has led to.
HERE = "here"
UNFORESEEN = "The console failed while making this page."
NO_PAGE = Refused(404, "no_such_page", "There is no such page.")
NOT_OURS = Refused(403, "form_refused", "This form is too old, or was not sent by the console. Send it again.")


class ConsoleApp:
    """The console, over the folder that has its templates, assets and words."""

    def __init__(
        self, folder: Path, pages: Sequence[Page], families: Callable[[], Families], clock: Callable[[], Clock]
    ) -> None:
        self.pages = pages
        self._families = families
        self._clock = clock
        self.folder = folder
        self.renderer = Renderer(folder)
        prime_before_snapshot(families)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        request = await read(scope, receive)
        exchange = Exchange(request, wire_of(request), send)
        clock = self._clock()
        exchange.begin(clock)
        visit = Visit(request, read_state(request.headers), self._families(), clock, self.renderer)
        try:
            answer = await self._answer(visit, exchange)
            # An answer with a Cache-Control of its own (an asset, a document, the page `onward`) sets no cookie.
            headers = {
                **STANDING,
                **(self._told(visit) if "Cache-Control" not in answer.headers else {}),
                **answer.headers,
            }
            content_type = headers.pop("Content-Type", HTML)
            await exchange.start(answer.status, content_type, headers)
            await exchange.write(b"" if request.method == "HEAD" else answer.body, more=False)
        finally:
            exchange.log()

    def _told(self, visit: Visit) -> dict[str, str]:
        """The headers that depend on the visitor."""
        media = "".join(f" {origin}" for origin in sorted(visit.media_origins))
        told = {"Content-Security-Policy": POLICY.format(media=media)}
        written = visit.state.written()
        # An answer that changes nothing writes nothing: another page of the visitor's may have, meanwhile.
        if written.partition(";")[0] not in visit.request.headers.get("cookie", ""):
            told["Set-Cookie"] = written
        return told

    async def _answer(self, visit: Visit, exchange: Exchange) -> Answer:
        if visit.request.path.endswith("/") and visit.request.method in {"GET", "HEAD"}:
            return _without_slash(visit.request)
        if f"{visit.request.path}/".startswith("/docs/"):
            from gateway.console.guide import guide_page  # noqa: PLC0415  # no cold start pays for it

            return guide_page(self.renderer, visit.request)
        path = visit.request.path.removeprefix("/console") or "/"
        if path.startswith("/assets/"):
            return self.renderer.asset(path.removeprefix("/assets/"))
        if _is_from_elsewhere(visit.request):
            return self._once_more(visit)
        method = "GET" if visit.request.method == "HEAD" else visit.request.method
        at = found(self.pages, method, path)
        if at is None:
            return self._failed(visit, NO_PAGE)
        page, visit.path = at
        if not page.for_strangers and not visit.state.signed_in:
            return _to_sign_in(visit)
        return await self._shown(visit, page, exchange)

    async def _shown(self, visit: Visit, page: Page, exchange: Exchange) -> Answer:
        """The page, or one of the refusal."""
        try:
            return await self._foreseen(visit, page)
        except SignedOut:
            return _to_sign_in(visit)
        except Refused as refused:
            if refused.code in {"insufficient_role", "organization_not_found"}:
                await _learn_role(visit)
            return self._failed(visit, refused)
        except GatewayError as error:
            exchange.note(error)
            return self._failed(visit, Refused(error.status, error.code or "", str(error)))

    async def _foreseen(self, visit: Visit, page: Page) -> Answer:
        """Raises a failure that was not foreseen as the cause of a `GatewayError`."""
        try:
            return await self._made(visit, page)
        except (GatewayError, Refused, SignedOut):
            raise
        except Exception as unforeseen:
            raise GatewayError(UNFORESEEN) from unforeseen

    async def _made(self, visit: Visit, page: Page) -> Answer:
        """The page; a form that is refused is shown again with what was wrong."""
        if page.method == "POST":
            if not _is_ours(visit.request, visit.state, visit.form.get("form", "")):
                raise NOT_OURS
            try:
                return await page.make(visit)
            except Refused as refused:
                if page.again is None:
                    raise
                visit.error = refused
                answer = await page.again(visit)
                answer.status = refused.status
                return answer
        return await page.make(visit)

    def _once_more(self, visit: Visit) -> Answer:
        """Has the browser make the visit again from a page of this site; no cookie is written over the one it keeps."""
        given = [(name, value) for name, value in visit.request.query_fields if name != HERE]
        query = _query([*given, (HERE, "1")])
        path = encoded(visit.request.path.removeprefix("/console"), "/")
        answer = self.renderer.page(visit, "onward", onward=f"{visit.root}{path}?{query}")
        answer.headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY.format(media="")}
        return answer

    def _failed(self, visit: Visit, refused: Refused) -> Answer:
        """The page of a refusal."""
        visit.error = refused
        answer = self.renderer.page(visit, "error", title="Something went wrong")
        answer.status = refused.status
        return answer


async def _learn_role(visit: Visit) -> None:
    """Has the page of a refusal show the menu of the person's role; it is shown without that too."""
    with suppress(Refused, SignedOut, GatewayError):
        await visit.learn_role()


def _query(fields: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields)


def _without_slash(request: Request) -> Answer:
    """Leads from an address with a slash at its end to the page's own, which every link names."""
    path = encoded(request.path.rstrip("/"), "/")
    query = f"?{_query(request.query_fields)}" if request.query_fields else ""
    headers = {"Location": f"{request.base_path}{path}{query}", "Cache-Control": "public, max-age=300"}
    return Answer(status=308, headers=headers)


def _is_ours(request: Request, state: State, token: str) -> bool:
    """True for a form that a page of the console has sent for this visitor."""
    site = request.headers.get("sec-fetch-site")
    if site is None:
        # Browsers older than Fetch Metadata still say where a form comes from.
        origin = request.headers.get("origin", "")
        is_same = bool(origin) and origin.partition("://")[2] == request.headers.get("host")
    else:
        is_same = site == "same-origin"
    return is_same and compare_digest(state.form.encode(), token.encode())


def _is_from_elsewhere(request: Request) -> bool:
    """True for a visit that another site led to (a letter, the payment page): such a one brings no cookie.

    The cookie is kept to this site, so the visitor may have one all the same.
    """
    is_led = request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET"
    return is_led and COOKIE not in request.headers.get("cookie", "") and HERE not in request.query


def _to_sign_in(visit: Visit) -> Answer:
    """Leads to the sign-in, and from there back to the page."""
    request = visit.request
    here = request.path.removeprefix("/console") if request.method == "GET" else ""
    onward = f"?next={encoded(here)}" if here not in {"", "/"} else ""
    return Answer(status=303, headers={"Location": f"{visit.root}/sign-in{onward}"})
