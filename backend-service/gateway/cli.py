"""`portcullis`: the command line. A command is a row here and a module in `commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from gateway.kong_config import KONG_YAML
from gateway.settings import REPOSITORY

STATE = REPOSITORY / ".local"
CONSUMERS = STATE / "secrets" / "consumers.yaml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status; what is wrong is said on standard error."""
    options = _parser().parse_args(arguments)
    try:
        # Imported only now: `token` need not wait for a web framework.
        module = import_module(f"gateway.commands.{options.command.replace('-', '_')}")
        status: int = module.run(options)
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="portcullis", description="An AI gateway that knows what may leave the building."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check", help="say whether the configuration is good and what it means")
    commands.add_parser("serve", help="run the backend behind a Kong (settings: .env.example)")
    _add_token(commands.add_parser("token", help="make a token for a tenant"))
    _add_local(commands.add_parser("local", help="run edge, backend and simulators on this machine"))
    _add_kong_config(
        commands.add_parser(
            "kong-config", help="render kong.yaml for a real Kong (its rate limits count in REDIS_URL)"
        )
    )
    _add_egress(commands.add_parser("egress", help="print the hosts that the gateway has to reach outside"))
    secrets = commands.add_parser("secrets", help="draw the tag's key and the tenants' credentials, once")
    secrets.add_argument("--state", type=Path, default=STATE, help="folder that keeps them")
    return parser


def _add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", default="demo", help="the consumer in Kong (default: demo)")
    parser.add_argument("--subject", help="who acts (claim sub; default: the tenant)")
    parser.add_argument("--tier", help="claim tier, such as gold")
    parser.add_argument("--project", help="claim project")
    parser.add_argument(
        "--scope", action="append", help="inference, admin; may be given again (default: inference)"
    )
    parser.add_argument("--model", action="append", help="a pattern of allowed models; may be given again")
    parser.add_argument(
        "--floor", help="claim class_floor: every request is at least this, such as phi or pii,pci"
    )
    parser.add_argument("--residency", action="append", help="a region that may process; may be given again")
    parser.add_argument("--life", default="7d", help="how long it is good: 7d, 12h, 30m, 45s (default: 7d)")
    parser.add_argument(
        "--consumers", type=Path, default=CONSUMERS, help="file with the tenants' credentials"
    )


def _add_local(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["start", "stop"], default="start")
    parser.add_argument("--port", type=_port, help="the gateway's port, 0 for any (default: 8000; stop: all)")
    parser.add_argument("--management-port", type=_port, help="default: the port after --port")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits, for load tests")
    parser.add_argument(
        "--simulate", action="store_true", help="ask no real provider, whatever the environment holds"
    )
    parser.add_argument(
        "--detach", action="store_true", help="go on in the background; prints one JSON line when ready"
    )
    parser.add_argument("--state", type=Path, default=STATE, help="folder for secrets, logs and what runs")
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def _add_kong_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, default=REPOSITORY / KONG_YAML)
    parser.add_argument(
        "--consumers", type=Path, default=CONSUMERS, help="file with the tenants' credentials"
    )
    parser.add_argument(
        "--output", type=Path, help="write it there, readable by nobody else (default: print it)"
    )
    parser.add_argument("--service-url", required=True, help="the backend as Kong reaches it")
    parser.add_argument(
        "--service-ca",
        type=Path,
        help="who signs the backend's certificate (https); KONG_LUA_SSL_TRUSTED_CERTIFICATE names it too",
    )
    parser.add_argument(
        "--tag-keys-file", default="/etc/portcullis/tag-keys.json", help="as the plugin sees it"
    )
    parser.add_argument(
        "--issuers", type=Path, help="file with the identity providers whose tokens are accepted too"
    )
    parser.add_argument("--tls", action="store_true", help="Kong listens with TLS: redirect those without")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits, for load tests")


def _add_egress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=["hosts", "squid", "fqdn-network-policy"],
        default="hosts",
        help="lines, an include file for squid, or GKE's resources (default: hosts)",
    )
    parser.add_argument(
        "--issuers", type=Path, help="file with the identity providers that Kong asks for their keys"
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
