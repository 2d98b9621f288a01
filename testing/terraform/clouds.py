"""A stand-in for what a provider asks before it can plan: who am I, which project, which zones."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

PROJECT = {
    "projectId": "portcullis-test",
    "projectNumber": "123456789012",
    "name": "portcullis-test",
    "lifecycleState": "ACTIVE",
    "billingAccountName": "billingAccounts/000000-000000-000000",
    "billingEnabled": True,
}

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::123456789012:user/somebody</Arn><UserId>SOMEBODY</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)
ZONES = (
    '<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>'
    "<availabilityZoneInfo>"
    + "".join(
        f"<item><zoneName>us-east-1{letter}</zoneName><zoneState>available</zoneState><regionName>us-east-1</regionName>"
        f"<zoneId>use1-az{number}</zoneId><optInStatus>opt-in-not-required</optInStatus></item>"
        for number, letter in enumerate("abc", 1)
    )
    + "</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
)


class Cloud:
    """Listens on this machine only while it is entered; `asked` holds what it was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Cloud:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def as_google(self) -> dict[str, str]:
        """Environment that sends Google's provider here."""
        return {
            "GOOGLE_OAUTH_ACCESS_TOKEN": "none",
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT": f"{self.url}/v1/",
            "GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT": f"{self.url}/v1/",
        }

    def as_aws(self) -> dict[str, str]:
        """Environment that sends AWS's provider here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self._answer("application/json", json.dumps(PROJECT))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asked.append(body)
                self._answer("text/xml", ZONES if "DescribeAvailabilityZones" in body else IDENTITY)

            def _answer(self, kind: str, text: str) -> None:
                data = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        return Handler
