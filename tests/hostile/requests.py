"""Generators of hostile requests to the explorer: bytes on a connection, most of them no HTTP."""

from __future__ import annotations

import json

from hypothesis import strategies as st

PATHS = (
    "/",
    "/api/models",
    "/api/decode",
    "/api/sample",
    "/api/image?index=1",
    "/api/encode",
    "/api/nothing",
)

_methods = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"TRACE", b"get", b"\xff", b"", b"A" * 200]
)
_targets = st.one_of(
    st.sampled_from([path.encode() for path in PATHS]),
    st.sampled_from(
        [
            b"/%",
            b"/%00",
            b"/%ff%fe",
            b"/..%2f..%2fetc/passwd",
            b"//",
            b"*",
            b"http://evil/",
            b"/?token=%ff&token",
            b"/api/image?index=" + b"9" * 5000,
            b"/api/image?index=1&index=2",
            b"/\xc3\xa9",
            b"/\r\n",
            b"/" + b"a" * 70_000,
            b"/api/image?" + b"a=1&" * 9000,
            b"/api/image?index=nan",
            b"/api/map?kind=umap",
            b"/?%00",
        ]
    ),
    st.binary(max_size=30).map(lambda text: b"/" + text),
)
_versions = st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/9.9", b"HTTP", b""])
_header = st.one_of(
    st.sampled_from(
        [
            b"Content-Length: -1",
            b"Content-Length: 9" + b"9" * 50,
            b"Content-Length: 5, 6",
            b"Content-Length: 3",
            b"Content-Length: 10000000",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Content-Type: application/json",
            b"Content-Type: text/plain",
            b"Expect: 100-continue",
            b"Upgrade: websocket",
            b"Connection: upgrade",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Cookie: vaekit-token=\xff; =; a",
            b"Cookie: " + b"a=b;" * 2000,
            b"Origin: http://evil",
            b"Origin: null",
            b"Host: evil",
            b"Sec-Fetch-Site: cross-site",
            b"X-Vaekit-Client: \xff",
            b" folded",
            b": no name",
            b"no colon",
            b"A\0: b",
            b"A: \0",
            b"X: " + b"y" * 70_000,
        ]
    ),
    st.binary(max_size=30),
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(10**400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["z", "point", "model", "index", "label", "seed", "pixels", "file", "mask", "n", "kind"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
_bodies = st.one_of(
    st.binary(max_size=60),
    _json.map(lambda tree: json.dumps(tree).encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            b"[" * 50_000,
            b'{"z": [[1e999]]}',
            b'{"a": 1, "a": 2}',
            b"5\r\nhello\r\n0\r\n\r\n",
            b"ffffffff\r\n",
            b"-1\r\n",
            b"\xff\xfe{}",
            b'{"pixels": "!!!!"}',
            b'{"file": "AAAA"}',
            b'{"n": ' + b"9" * 5000 + b"}",
        ]
    ),
)


@st.composite
def requests(draw: st.DrawFn, host: bytes = b"localhost") -> bytes:
    """The bytes of one request; its Host header is mostly right, its length often."""
    body = draw(_bodies)
    lines = [b" ".join([draw(_methods), draw(_targets), draw(_versions)])]
    if draw(st.integers(0, 9)):
        lines.append(b"Host: " + host)
    if draw(st.booleans()):
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    lines += draw(st.lists(_header, max_size=4))
    end = draw(st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r", b""]))
    return end.join([*lines, b"", b""]) + body


@st.composite
def connections(draw: st.DrawFn, host: bytes = b"localhost") -> bytes:
    """What one client sends: requests, cut or not, with garbage in between."""
    sent = b"".join(
        draw(
            st.lists(
                st.one_of(requests(host), requests(host), st.binary(max_size=80)), min_size=1, max_size=3
            )
        )
    )
    return sent[: draw(st.integers(0, len(sent)))] if draw(st.booleans()) else sent
