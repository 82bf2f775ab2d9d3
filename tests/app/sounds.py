"""Builds small sound files for tests."""

from local.providers import sounds


def spoken(seconds: float, form: str = "wav") -> bytes:
    """Returns a sound file of so many seconds."""
    return sounds.whole(form, "a tone", seconds)


def form(fields: list[tuple[str, str]], file: bytes | None = None, name: str = "said.wav") -> tuple[bytes, str]:
    """Returns the body and the content type of a form, as SDKs send it."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in fields]
    body = "".join(parts).encode()
    if file is not None:
        head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body += head.encode() + file + b"\r\n"
    return body + b"--b--\r\n", "multipart/form-data; boundary=b"
