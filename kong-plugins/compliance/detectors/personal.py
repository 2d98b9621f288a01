"""What identifies a person: numbers, addresses on the net, dates of birth; and, as signals, names and
dates."""

from __future__ import annotations

from typing import Final

from compliance.detectors.checks import (
    given_name,
    not_a_repository,
    phone_length,
    public_ip,
    ssn,
    stands_alone,
)
from compliance.detectors.rule import Rule

_MONTH: Final = (
    rb"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    rb"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY: Final = rb"\d{1,2}(?:st|nd|rd|th)?"
_DATE: Final = (
    rb"(?:" + _MONTH + rb"[- ]" + _DAY + rb"\b|" + _DAY + rb"[- ](?:of )?" + _MONTH + rb"\b"
    rb"|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}\b|(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}\b)"
)
# The given names most common in the United States over the last century, and some frequent elsewhere.
_GIVEN: Final = (
    b"James|Mary|Michael|Patricia|Robert|Jennifer|John|Linda|David|Elizabeth|William|Barbara|Richard|Susan|Joseph"
    b"|Jessica|Thomas|Karen|Christopher|Sarah|Charles|Lisa|Daniel|Nancy|Matthew|Sandra|Anthony|Ashley|Mark|Emily"
    b"|Steven|Kimberly|Donald|Betty|Andrew|Margaret|Joshua|Donna|Paul|Michelle|Kenneth|Carol|Kevin|Amanda|Brian"
    b"|Melissa|Timothy|Deborah|Ronald|Stephanie|Jason|Rebecca|George|Sharon|Edward|Laura|Jeffrey|Cynthia|Ryan|Amy"
    b"|Jacob|Kathleen|Nicholas|Angela|Gary|Dorothy|Eric|Shirley|Jonathan|Emma|Stephen|Brenda|Larry|Nicole|Justin"
    b"|Pamela|Scott|Samantha|Brandon|Anna|Benjamin|Katherine|Samuel|Christine|Gregory|Debra|Alexander|Rachel"
    b"|Patrick|Olivia|Frank|Carolyn|Raymond|Maria|Jack|Janet|Dennis|Heather|Jerry|Diane|Tyler|Catherine|Aaron"
    b"|Julie|Jose|Victoria|Adam|Helen|Nathan|Joyce|Henry|Lauren|Zachary|Kelly|Douglas|Christina|Peter|Joan|Kyle"
    b"|Judith|Noah|Ruth|Ethan|Hannah|Jeremy|Evelyn|Walter|Andrea|Keith|Virginia|Roger|Megan|Terry|Cheryl|Austin"
    b"|Jacqueline|Sean|Teresa|Gerald|Madison|Carl|Sophia|Harold|Martha|Dylan|Sara|Arthur|Janice|Lawrence|Ann"
    b"|Jordan|Kathryn|Jesse|Gloria|Bryan|Isabella|Billy|Grace|Bruce|Alice|Gabriel|Amber|Joe|Judy|Logan|Denise"
    b"|Alan|Julia|Juan|Beverly|Luis|Carlos|Mohammed|Muhammad|Ahmed|Wei|Priya|Fatima|Hans|Pierre|Ivan|Olga|Yuki"
)

RULES: Final = (
    Rule("ssn-us", "pii", rb"\d{3}[-. _/]{1,3}\d{2}[-. _/]{1,3}\d{4}", ssn),
    Rule(
        "ssn-us-labelled",
        "pii",
        rb"\d[-. ]?\d[-. ]?\d[-. ]{0,3}\d[-. ]?\d[-. ]{0,3}\d[-. ]?\d[-. ]?\d[-. ]?\d",
        ssn,
        context=rb"(?i)ssn|social.{0,3}sec|\bsocial\b|taxpayer|\bitin\b|\bss ?#",
    ),
    Rule("email", "pii", rb"(?i)[a-z0-9._%+-]@(?:[a-z0-9-]{1,63}\.)+[a-z]{2}", not_a_repository),
    Rule(
        "phone-international",
        "pii",
        rb"(?:\+|\b00)[1-9]\d{0,2}[-. /]{0,2}(?:\(\d{1,5}\)[-. /]?)?\d(?:[-. /]{0,2}\d){5,12}",
        phone_length,
    ),
    Rule("phone-us", "pii", rb"(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. /])[2-9]\d{2}[-.]\d{4}", stands_alone),
    Rule(
        "phone-labelled",
        "pii",
        rb"(?i)(?:phone|mobile|\btel\b|\bcell\b|\bfax\b|whatsapp|call (?:me|us|him|her|them)|text (?:me|us"
        rb"|him|her))"
        rb"[^0-9]{1,20}\d(?:[-. /()]{0,2}\d){6,14}",
        phone_length,
    ),
    Rule("ipv4", "pii", rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", public_ip),
    Rule("ipv6", "pii", rb"(?i)[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){2,6}[0-9a-f]{0,4}", public_ip),
    Rule(
        "birth-date",
        "pii",
        rb"(?i)\b(?:d\.?o\.?b\.?|date[ _]?of[ _]?birth|birth[ _]?(?:date|day)"
        rb"|born(?: on)?)[^a-z0-9]{1,6}(?:is |on )?" + _DATE,
    ),
    Rule(
        "passport",
        "pii",
        rb"(?i)\bpassport(?: (?:number|no|num))?[^a-z0-9]{1,5}(?:is )?[a-z]{0,2}\d{6,9}\b",
    ),
    Rule("date", None, rb"(?i)\b" + _DATE),
    Rule("name-with-title", None, rb"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? [A-Z]"),
    Rule("name-with-initial", None, rb"\b[A-Z][a-z\x80-\xff]{2,20} [A-Z]\.", given_name),
    Rule(
        "name-labelled",
        None,
        rb"(?:(?i:patient|named|name is|name:|client|member) )[A-Z][a-z\x80-\xff]+ [A-Z]",
    ),
    Rule("name-given", None, rb"\b(?:" + _GIVEN + rb") (?:[A-Z]\.? )?[A-Z][a-z\x80-\xff']+"),
)
