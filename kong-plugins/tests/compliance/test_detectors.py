"""Each rule finds what it is for and leaves its neighbours alone; tricks of spelling change nothing."""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import base64
import importlib
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.classes import ORDER
from compliance.detectors import COMPOUNDS, EVERY_RULE, RULES, RULES_REVISION, scan, scan_all
from compliance.detectors.rule import REACH
from compliance.detectors.scanner import MAX_MATCHES

# Put together here, so that no scanner of repositories takes the examples for real keys.
LETTERS = string.ascii_letters + string.digits
RANDOM = "".join(random.Random(7).choices(LETTERS, k=200))
UPPER = "".join(random.Random(7).choices(string.ascii_uppercase, k=40))
DASHES = "-" * 5


def rules(text: str) -> set[str]:
    return {finding.rule for finding in scan(text)}


def categories(text: str) -> set[str]:
    return {finding.category for finding in scan(text)}


FOUND = [
    ("ssn-us", "my number is 123-45-6789."),
    ("ssn-us", "123.45.6789"),
    ("ssn-us", "it is 123 45 6789, thanks"),
    ("ssn-us", "x123-45-6789y"),
    ("ssn-us", "000-12-3456 and 123-45-6789"),
    ("ssn-us", "taxpayer 912-70-1234"),
    ("ssn-us-labelled", "SSN 123456789"),
    ("ssn-us-labelled", "ssn\n|\n123456789"),
    ("ssn-us-labelled", "social security number: 1 2 3 4 5 6 7 8 9"),
    ("email", "write to jane.doe+x@mail.example.co.uk"),
    ("phone-international", "+49 (0)30 901820"),
    ("phone-international", "reach me on +1-984-182-0190"),
    ("phone-us", "(415) 555-2671"),
    ("phone-us", "415-555-2671"),
    ("phone-labelled", "call me at 0688 872 49 99"),
    ("phone-us-any-area", "(123) 456-7890"),
    ("phone-spelled", "4 1 5 5 5 5 2 6 7 1"),
    ("phone-national", "020 7946 0958"),
    ("phone-national", "06 12 34 56 78"),
    ("email-spelled", "jane (at) example [dot] org"),
    ("ssn-us-spelled", "1 2 3 - 4 5 - 6 7 8 9"),
    ("ssn-us-spelled", "1-2-3 4-5 6-7-8-9"),
    ("ssn-us-label-after", "219099999 is my SSN"),
    ("driving-licence", "driver's license D1234-5678-9012"),
    ("bank-account", "account number 12345678"),
    ("bank-routing", "sort code 12-34-56"),
    ("ipv4", "my ip address is 192.168.0.7"),
    ("ipv4", "client 203.0.113.7"),
    ("card-number", "41-11 1111-1111 1111"),
    ("ipv4", "seen from 93.184.216.34"),
    ("ipv6", "seen from 2606:2800:220:1:248:1893:25c8:1946"),
    ("birth-date", "DOB: 12/11/1958"),
    ("birth-date", "born on March 3, 1961"),
    ("passport", "passport no: C01234567"),
    ("card-number", "4111111111111111"),
    ("card-number", "4111 1111 1111 1111"),
    ("card-number", "4111-1111-1111-1111 12/29 123"),
    ("card-number", "order 2024 4111 1111 1111 1111"),
    ("card-number", "3782 822463 10005"),
    ("card-number", "6011.0009.9013.9424"),
    ("card-number", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
    ("card-number", "a4111111111111111b"),
    ("card-number", "5555555555554444"),
    ("card-number", "2223003122003222"),
    ("card-security-code", "CVV: 123"),
    ("iban", "GB82 WEST 1234 5698 7654 32 is my account"),
    ("iban", "DE89370400440532013000"),
    ("iban", "no93 8601 1117 947"),
    ("medical-record-number", "MRN: 112-45-789"),
    ("medical-record-number", "MRN is UCSF-12345"),
    ("medical-record-number", "medical_record_number\n|\n4711"),
    ("medical-record-number", "patient id #88123"),
    ("patient-named", "Patient: Xiomara Quintanilla"),
    ("health-record", "55-year-old with hypertension, John Smith"),
    ("health-episode", "biopsy on March 5th, 2021"),
    ("health-episode", "a 70yo patient with sepsis at Mercy Hospital"),
    ("health-record", "metformin for patient Xiomara Quintanilla"),
    ("health-record", "his cholesterol, tell mr hendricks"),
    ("medical-record-number", "member id: W2210 98841"),
    ("nhs-number", "NHS no 943 476 5919"),
    ("medicare-number-us", "1EG4-TE5-MK73"),
    ("npi", "NPI 1234567893"),
    ("dea-number", "DEA registration BB1388568"),
    ("nino-gb", "AB 12 34 56 C"),
    ("sin-ca", "SIN 123 456 782"),
    ("cpf-br", "390.533.447-05"),
    ("tax-id-de", "Steuer-ID 36 574 261 809"),
    ("dni-es", "DNI 54362315-K"),
    ("nie-es", "X-2482300-W"),
    ("nir-fr", "2 95 10 99 126 111 93"),
    ("codice-fiscale-it", "RCCMNL83S18D969H"),
    ("bsn-nl", "BSN 1112.22.333"),
    ("pesel-pl", "PESEL 44051401359"),
    ("personnummer-se", "personnummer 880320-0016"),
    ("aadhaar-in", "Aadhaar 2341 2341 2346"),
    ("pan-in", "PAN ACUPA7085R"),
    ("tfn-au", "TFN 123 456 782"),
    ("health-record", "Sarah P. takes atorvastatin"),
    ("health-record", "the patient, jane@example.org, was discharged after surgery"),
    ("aws-access-key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("aws-secret-key", "aws_secret_access_key = " + RANDOM[:40]),
    ("google-api-key", "AIza" + RANDOM[:35]),
    ("google-oauth", "ya29." + RANDOM[:40]),
    ("azure-key", "AccountName=x;AccountKey=" + RANDOM[:86] + "=="),
    ("github-token", "ghp_" + RANDOM[:36]),
    ("github-token", "github_pat_" + RANDOM[:50]),
    ("gitlab-token", "glpat-" + RANDOM[:20]),
    ("slack-token", "xoxb-" + "123456789012-" + RANDOM[:20]),
    (
        "slack-webhook",
        "https://hooks.slack.com/services/T" + UPPER[:8] + "/B" + UPPER[:8] + "/" + RANDOM[:24],
    ),
    ("openai-key", "sk-proj-" + RANDOM[:40]),
    ("openai-key", "sk-" + RANDOM[:48]),
    ("anthropic-key", "sk-ant-api03-" + RANDOM[:80]),
    ("groq-key", "gsk_" + RANDOM[:52]),
    ("huggingface-token", "hf_" + RANDOM[:34]),
    ("stripe-key", "sk_live_" + RANDOM[:24]),
    ("sendgrid-key", "SG." + RANDOM[:22] + "." + RANDOM[:43]),
    ("npm-token", "npm_" + RANDOM[:36]),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc" + RANDOM[:60]),
    ("vault-token", "hvs." + RANDOM[:24]),
    ("databricks-token", "dapi" + "0123456789abcdef" * 2),
    ("digitalocean-token", "dop_v1_" + "0123456789abcdef" * 4),
    ("private-key", DASHES + "BEGIN RSA PRIVATE KEY" + DASHES),
    ("private-key", DASHES + "BEGIN PGP PRIVATE KEY BLOCK" + DASHES),
    ("jwt", "eyJ" + RANDOM[:20] + ".eyJ" + RANDOM[:30] + "." + RANDOM[:43]),
    ("password-in-url", "postgresql+psycopg://app:" + RANDOM[:12] + "@db.internal/app"),
    ("password-in-url", "redis://:" + RANDOM[:12] + "@cache:6379/0"),
    ("password-in-connection-string", "Server=db;Database=x;User Id=sa;Password=hunter22;"),
    ("labelled-secret", 'api_key = "' + RANDOM[:32] + '"'),
    ("labelled-secret", "API_KEY\n|\n" + RANDOM[:32]),
]


@pytest.mark.parametrize(("rule", "text"), FOUND)
def test_found(rule: str, text: str) -> None:
    assert rule in rules(text)


def test_every_rule_with_a_category_has_an_example() -> None:
    tried = {rule for rule, _ in FOUND}
    assert {rule.id for rule in EVERY_RULE if rule.category is not None} - tried == set()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The quarterly report is ready for review.",
        "000-12-3456",
        "666-12-3456",
        "123-00-4567",
        "123-45-0000",
        "912-10-1234",
        "1123-45-67891",
        "invoice 123456789",
        "4111111111111112",
        "41111111111111111",
        "9999 9999 9999 9995",
        "0.4111 1.1111 2.1111 3.1111 4.22 5.17 12.8 4.4 41.9",
        "GB82 WEST 1234 5698 7654 33",
        "ZZ82 WEST 1234 5698 7654 32",
        "version 1.2.3.4.5",
        "listen on 127.0.0.1, 10.1.2.3, 192.168.0.7, 0.0.0.0 or ::1",
        "999.1.1.1",
        "12:30:45",
        "a@b",
        "git clone git@github.com:kong/kong.git",
        "release 4.12.0.1 resolves through 8.8.8.8",
        "0.00123456789",
        "a::b::c and std::fs::read",
        "12345678-1234-5678-1234-567812345678",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "1700000000000 1700000000000000 2024-05-01T00:15:30.123456Z",
        "secret: my-app-credentials-v2",
        "@decorator.method",
        "postgresql://user:password@localhost/app",
        "postgresql://user:${DB_PASSWORD}@localhost/app",
        "https://example.com:8443/a@b",
        "password: ",
        "token = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "max_tokens: 4096",
        DASHES + "BEGIN PUBLIC KEY" + DASHES,
        "AKIA is a prefix",
        "What are the guidelines for hypertension in a 55-year-old diagnosed in 2021?",
        "Meeting with John Smith on March 5th, 2024 about the roadmap.",
        "Dear Mrs. Miller, thank you for your order of May 3.",
        "Vitamin D. and Hepatitis B. are covered: vaccination, chemotherapy.",
        "Be patient, the treatment of errors is described in chapter 3.",
    ],
)
def test_left_alone(text: str) -> None:
    assert scan(text) == ()


def test_health_word_and_identifier_may_stand_in_different_texts() -> None:
    assert "health-record" in {finding.rule for finding in scan_all(["metformin dosing", "for John Smith"])}
    assert scan_all(["metformin dosing"]) == scan_all(["for John Smith"]) == ()


TRICKS = {
    "full-width digits": "１２３-４５-６７８９",
    "arabic-indic digits": "١٢٣-٤٥-٦٧٨٩",
    "mathematical digits": "𝟏𝟐𝟑-𝟒𝟓-𝟔𝟕𝟖𝟗",
    "circled digits": "①②③-④⑤-⑥⑦⑧⑨",
    "zero-width space": "12\u200b3-4\u200b5-67\u200b89",
    "zero-width joiner": "12\u200d3-45-6789",
    "word joiner and soft hyphen": "1\u20602\u00ad3-45-6789",
    "byte order mark": "123\ufeff-45-6789",
    "right-to-left marks": "\u200f123\u202e-45-6789",
    "variation selectors": "1\ufe0f2\ufe0f3-45-6789",
    "keycaps": "1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e3-45-6789",
    "strike-through": "1\u03362\u03363\u0336-45-6789",
    "tag characters": "".join(chr(0xE0000 + ord(character)) for character in "123-45-6789"),
    "control characters": "123\x00-\x0145-6\x7f789",
    "en dash": "123–45–6789",
    "minus": "123−45−6789",
    "non-breaking hyphen": "123\u201145\u20116789",
    "no-break spaces": "123\u00a045\u00a06789",
    "spaces around": "123 - 45 - 6789",
    "between letters": "n123-45-6789n",
    "digit by digit": "1 2 3 - 4 5 - 6 7 8 9",
    "digit by digit with dashes": "1-2-3 4-5 6-7-8-9",
    "accents": "1\u03012\u03013-45-6789",
    "devanagari digits": "१२३-४५-६७८९",
    "superscript digits": "¹²³-⁴⁵-⁶⁷⁸⁹",
    "cyrillic and greek around": "жλ123-45-6789λж",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_of_spelling_lowers_nothing(trick: str) -> None:
    assert "pii" in categories(f"my number is {TRICKS[trick]} ok")


LOOK_ALIKES = {
    "cyrillic label": ("ЅЅN 123456789", "ssn-us-labelled"),
    "greek and cyrillic label": ("МRΝ: 4471209", "medical-record-number"),
    "full-width label": ("ＳＳＮ　１２３４５６７８９", "ssn-us-labelled"),
    "cyrillic e-mail": ("jаnе@ехаmрlе.org", "email"),
    "accents in a name": ("Jósé Hérnandez takes metformin", "health-record"),
    "cyrillic name": ("Jоhn Ѕmith takes metformin", "health-record"),
    "cyrillic drug": ("John Smith takes mеtfоrmin", "health-record"),
    "mathematical name": ("𝐉𝐨𝐡𝐧 𝐒𝐦𝐢𝐭𝐡 takes metformin", "health-record"),
    "zero-width in a word": ("John Smith takes met\u200bformin", "health-record"),
    "arabic card": ("٤١١١١١١١١١١١١١١١", "card-number"),
    "card digit by digit": ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "card-number"),
    "card with dashes at random": ("41-11 1111-1111 1111", "card-number"),
    "full-width iban": ("ＧＢ82 WEST 1234 5698 7654 32", "iban"),
    "iban with dashes": ("GB82-WEST-1234-5698-7654-32", "iban"),
    "phone digit by digit": ("4-1-5-5-5-5-2-6-7-1", "phone-spelled"),
}


@pytest.mark.parametrize("trick", LOOK_ALIKES)
def test_look_alike_letters_hide_nothing(trick: str) -> None:
    text, rule = LOOK_ALIKES[trick]
    assert rule in rules(text)


@given(st.text(max_size=200))
def test_any_text_is_scanned(text: str) -> None:
    assert {finding.category for finding in scan(text)} <= set(ORDER)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_stands_around_hides_nothing(before: str, after: str) -> None:
    assert "private-key" in rules(f"{before}{DASHES}BEGIN PRIVATE KEY{DASHES}{after}")


def test_a_text_that_holds_everything_is_found_whole() -> None:
    """Every pattern at once, amid 300 kB that make the automaton forget states: it forgets no match."""
    noise = "".join(random.Random(3).choices("0123456789-. aAbB@:/", k=150_000))
    everything = "\n".join(text for _, text in FOUND)
    assert rules(f"{noise}\n{everything}\n{noise}") >= {rule for rule, _ in FOUND}


def test_the_revision_is_stable_and_short() -> None:
    assert len(RULES_REVISION) == 12
    assert int(RULES_REVISION, 16) >= 0


def test_rule_ids_are_unique_and_categories_known() -> None:
    ids = [rule.id for rule in EVERY_RULE]
    assert len(ids) == len(set(ids))
    assert {rule.category for rule in EVERY_RULE} <= {*ORDER, None}
    assert all(group <= set(ids) for compound in COMPOUNDS for group in compound.groups)


ADVERSARIAL = {
    "dashes and digits": "123-45-678 ",
    "bad cards": "4111 1111 1111 1112 ",
    "spaced digits": "4 1 1 1 ",
    "bad ibans": "GB82 WEST 1234 5698 7654 33 ",
    "loopback": "127.0.0.1 ",
    "colons": "1:2:3:4:",
    "mail": "a.b.c@d.e@",
    "urls": "https://a:password@b ",
    "zero-width": "1\u200b",
    "arabic": "٣٤-",
    "backslashes": "\\u003",
    "words": "diabetesdiabetes ",
    "base64": base64.b64encode(random.Random(1).randbytes(3000)).decode(),
    "digits": "".join(random.Random(2).choices("0123456789-. ", k=50_000)),
}


@pytest.mark.parametrize("pattern", ADVERSARIAL)
def test_no_input_takes_long(pattern: str) -> None:
    """Linear time: 400 kB in well under what a quadratic rule would need (minutes). Generous for busy
    machines."""
    unit = ADVERSARIAL[pattern]
    text = (unit * (400_000 // len(unit) + 1))[:400_000]
    started = time.process_time()
    scan(text)
    assert time.process_time() - started < 1.0


def test_a_rule_that_matches_too_often_counts_as_found() -> None:
    wrong = "4111 1111 1111 1112, "
    assert "card-number" not in rules(wrong * MAX_MATCHES)
    assert "card-number" in rules(wrong * (MAX_MATCHES + 1))


def test_rules_that_match_too_often_together_count_as_found() -> None:
    wrong = ["5111 0000 0000 0001, ", "000-12-3456, ", "GB82 WEST 1234 5698 7654 33, ", "9.1.1.999, "]
    few = "".join(unit * 660 for unit in wrong)
    assert scan(few) == ()
    found = rules("".join(unit * 900 for unit in wrong))
    assert {"card-number", "ssn-us", "iban", "ipv4"} <= found


def test_a_long_row_of_digits_is_no_number_of_a_person() -> None:
    digits = "".join(random.Random(5).choices(string.digits, k=100_000))
    assert scan(digits) == ()


def test_patterns_without_a_check_are_bounded() -> None:
    """A match longer than REACH would be cut off where a stream is."""
    parser = importlib.import_module("re._parser")
    widths = {rule.id: parser.parse(rule.pattern).getwidth()[1] for rule in RULES if rule.check is None}
    assert {rule: width for rule, width in widths.items() if width > REACH} == {}


def test_rows_are_complete() -> None:
    for rule in EVERY_RULE:
        assert 0 < rule.confidence <= 1


ORDINARY = [
    "Dr. Miller's lecture on cancer research is on Oct 12.",
    "Change the stroke width to 2px, says John Smith.",
    "Flu shots are available in room 204 on October 8, ask Diane.",
    "Summarise the merger talks between Ms. Fox and Mr. Hale of 28 November.",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_names_and_days_of_ordinary_business_are_no_health_records(text: str) -> None:
    assert "phi" not in categories(text)


CLINICAL = [
    "Summarise treatment options for Maria Gonzalez, who has ovarian cancer.",
    "maria gonzalez has copd and keeps smoking",
    "Patient Thandiwe Nkosi was diagnosed with asthma",
    "the patient in bed 4, 415-555-0182, has a positive strep test",
    "a 93-year-old woman with a hip fracture",
    "72yo M admitted to Mercy General with NSTEMI",
]


@pytest.mark.parametrize("text", CLINICAL)
def test_a_health_record_needs_no_date(text: str) -> None:
    assert "phi" in categories(text)
