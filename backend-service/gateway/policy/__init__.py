"""Step 5: which deployments may see a request. Pure functions; every drop has its reason."""

from gateway.policy.caller import caller_of, may_use
from gateway.policy.eligibility import Drop, Eligibility, eligible

__all__ = ["Drop", "Eligibility", "caller_of", "eligible", "may_use"]
