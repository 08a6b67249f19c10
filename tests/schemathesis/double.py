"""Kratos as the service sees it: whoami and identities, answering what was recorded. Prints its port."""

import datetime
import http.server
import json
import pathlib

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures/kratos/v26.2.0"
TOKEN = "ory_st_schemathesis0123456789"


def recorded(path):
    return json.loads((FIXTURES / path).read_text())


def session():
    now = datetime.datetime.now(datetime.timezone.utc)
    body = recorded("public/whoami-fresh.json")["body"]
    body["authenticated_at"] = body["issued_at"] = now.isoformat()
    body["expires_at"] = (now + datetime.timedelta(days=1)).isoformat()
    for method in body["authentication_methods"]:
        method["completed_at"] = now.isoformat()
    return {"status": 200, "body": body}


class Kratos(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/sessions/whoami":
            known = self.headers.get("X-Session-Token") == TOKEN
            answer = session() if known else recorded("public/error-whoami-no-session.json")
        elif self.path.startswith("/admin/identities/"):
            answer = recorded("admin/identity-created.json")
        else:
            answer = recorded("admin/identity-404.json")
        body = json.dumps(answer["body"]).encode()
        self.send_response(answer["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kratos)
print(server.server_port, flush=True)
server.serve_forever()
