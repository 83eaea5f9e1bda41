"""TLS, spoken by a real server with a real certificate."""

import socket
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import openai
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from mserve.errors import StartupError
from mserve.server.tls import tls_context
from processes import Serve

PASSWORD = "open-sesame"
PROGRAM = """
import os

async def serve(prompt):
    yield "over "
    yield "TLS"
    print("environment", *os.environ, flush=True)
"""


class Files:
    """A certificate of an authority that only its clients know, in all the ways that files can hold it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued, other = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert("127.0.0.1")
        key = issued.private_key_pem.bytes()
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)
        self.both = self._file(folder / "both.pem", issued.private_key_and_cert_chain_pem.bytes())
        self.cert = self._file(folder / "cert.pem", issued.cert_chain_pems[0].bytes())
        self.key = self._file(folder / "key.pem", key)
        self.other = self._file(folder / "other.pem", other.private_key_pem.bytes())
        loaded = serialization.load_pem_private_key(key, None)
        locked = loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode()))
        self.locked = self._file(folder / "locked.pem", locked)
        self.text = self._file(folder / "text.pem", b"no PEM at all")
        self.missing, self.folder = str(folder / "missing.pem"), str(folder)

    def _file(self, path: Path, content: bytes) -> str:
        path.write_bytes(content)
        return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


def test_an_official_client_streams_over_tls(serve: Serve, files: Files) -> None:
    flags = ("--ssl-certfile", files.cert, "--ssl-keyfile", files.locked)
    server = serve(PROGRAM, flags=flags, env={"MSERVE_SSL_KEYFILE_PASSWORD": PASSWORD})
    assert server.base_url.startswith("https://127.0.0.1:")
    with openai.OpenAI(
        base_url=server.base_url, api_key="none", http_client=openai.DefaultHttpxClient(verify=files.client)
    ) as client:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "over TLS"
    own_page = httpx.get(f"{server.base_url}/models", verify=files.client, headers={
        "Origin": server.base_url.removesuffix("/v1")})  # fmt: skip
    assert own_page.status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{server.base_url}/models")
    assert PASSWORD not in server.output
    assert "SSL_KEYFILE_PASSWORD" not in server.wait_for("(?m)^environment .*")[0]


def test_what_speaks_no_tls_or_an_old_one_gets_nothing_and_harms_nobody(serve: Serve, files: Files) -> None:
    server = serve(PROGRAM, flags=("--ssl-certfile", files.both))
    url = urlsplit(server.base_url)
    address = (url.hostname or "", url.port or 0)
    with socket.create_connection(address, timeout=10) as plain:
        plain.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(cadata=b"".join(files.client.get_ca_certs(binary_form=True)))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(address, timeout=10) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection, server_hostname="localhost")
    assert httpx.get(f"{server.base_url}/models", verify=files.client).status_code == 200
    assert "Traceback" not in server.output


def test_without_files_no_tls_is_spoken() -> None:
    assert tls_context(None, None, None) is None


@pytest.mark.parametrize(
    ("cert", "key", "password", "told"),
    [
        ("missing", None, None, "--ssl-certfile {missing} cannot be read: No such file or directory"),
        ("cert", "missing", None, "--ssl-keyfile {missing} cannot be read: No such file or directory"),
        ("folder", None, None, "--ssl-certfile {folder} cannot be read: Is a directory"),
        ("cert", "other", None, "cannot use {cert} with {other}: the key is another certificate's"),
        ("cert", None, None, "cannot use {cert}: these are PEM files"),
        ("text", "key", None, "cannot use {text} with {key}: these are PEM files"),
        ("cert", "text", None, "cannot use {cert} with {text}: these are PEM files"),
        ("key", "cert", None, "cannot use {key} with {cert}: these are PEM files"),
        ("cert", "locked", None, "cannot use {cert} with {locked}: these are PEM files"),
        ("cert", "locked", "wrong-sesame", "cannot use {cert} with {locked}: these are PEM files"),
        ("cert", "locked", "p" * 2000, "cannot use {cert} with {locked}: these are PEM files"),
        (None, "key", None, "--ssl-keyfile and --ssl-keyfile-password need --ssl-certfile"),
        (None, None, PASSWORD, "--ssl-keyfile and --ssl-keyfile-password need --ssl-certfile"),
    ],
)
def test_files_that_do_not_serve_are_told_and_nobody_is_asked(
    files: Files, cert: str | None, key: str | None, password: str | None, told: str
) -> None:
    of = vars(files)
    with pytest.raises(StartupError) as error:
        tls_context(of[cert] if cert else None, of[key] if key else None, password)
    assert str(error.value).startswith(told.format(**of))
    assert password is None or password not in str(error.value)


def test_a_name_that_no_file_can_have_is_told() -> None:
    with pytest.raises(StartupError, match="--ssl-certfile a\0b cannot be read: embedded null byte"):
        tls_context("a\0b", None, None)


def test_a_server_with_wrong_files_does_not_start(files: Files, tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mserve", "run", str(program), "--port", "0", "--ssl-certfile", files.cert]
    done = subprocess.run(
        [*command, "--ssl-keyfile", files.locked], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mserve: cannot use {files.cert} with {files.locked}: these are PEM files")
