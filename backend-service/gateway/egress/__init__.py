"""What a gateway has to reach outside, and how a firewall, a proxy or a cluster's policy is told."""

from gateway.egress.formats import FORMATS, FormatError
from gateway.egress.hosts import Egress, Host, egress_of

__all__ = ["FORMATS", "Egress", "FormatError", "Host", "egress_of"]
