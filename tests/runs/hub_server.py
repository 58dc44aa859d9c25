"""A local server with the part of the Hub's HTTP interface that uploads and downloads use."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """Holds repositories: name -> {path: content}. Weights come by LFS, other files in the commit."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """No messages."""

    def _answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _missing(self) -> None:
        self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def do_POST(self) -> None:
        self.server.seen.append(f"POST {self.path}")
        body = self._body()
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            self.server.repositories.setdefault(name, {})
            self.server.private[name] = "private" in (
                asked.get("visibility"),
                asked.get("private") and "private",
            )
            return self._answer({"url": f"{self.server.address}/{name}", "name": name})
        if self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {
                    **entry,
                    "actions": {"upload": {"href": f"{self.server.address}/lfs/{entry['oid']}"}},
                }
                for entry in json.loads(body)["objects"]
            ]
            return self._answer({"transfer": "basic", "objects": objects})
        found = re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/(preupload|commit)/[\w%]+(\?.*)?", self.path)
        if not found:
            return self._answer({})
        if found[2] == "preupload":
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self._answer({"files": modes})
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                self.server.repositories[found[1]][value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                self.server.repositories[found[1]][value["path"]] = self.server.objects[value["oid"]]
        url = f"{self.server.address}/{found[1]}/commit/{COMMIT}"
        return self._answer({"success": True, "commitUrl": url, "commitOid": COMMIT})

    def do_PUT(self) -> None:
        content = self._body()
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.objects[oid] = content
        self._answer(b"")

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        path = unquote(self.path.partition("?")[0])
        if path == "/api/whoami-v2":
            return self._answer({"name": "ada", "type": "user", "orgs": []})
        if found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)(/revision/[\w.]+)?", path):
            files = self.server.repositories.get(found[1])
            if files is None:
                return self._missing()
            siblings = [{"rfilename": name} for name in files]
            private = self.server.private[found[1]]
            facts = {"id": found[1], "sha": COMMIT, "private": private, "siblings": siblings, "tags": []}
            return self._answer(facts)
        if found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/tree/[^/]+(/.*)?", path):
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in self.server.repositories.get(found[1], {}).items()
            ]
            return self._answer(entries)
        found = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/[\w.]+/(.+)", path)
        content = None if found is None else self.server.repositories.get(found[1], {}).get(found[2])
        if content is None:
            return self._answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        return self._answer(content, headers={"ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    do_HEAD = do_GET
