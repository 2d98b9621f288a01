"""People's names, as signals: by lists of frequent names, and by the places where a name stands.

A name alone raises nothing. Beside words of health it makes a health record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from compliance.detectors.health_words import ANY_HEALTH_WORD
from compliance.detectors.name_lists import COMMON_WORDS, GIVEN, SURNAMES
from compliance.detectors.rule import Rule, compiled

_CAP: Final = rb"(?:[A-Z]'|Ma?c|D[ei]|L[ae])?[A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)?"
_MIDDLE: Final = rb"(?:[A-Z]\.? |[A-Z][a-z]+ )?"

# Capitalised words that stand where names do and are none: titles of things, peoples, places, days.
_NOT_NAMES: Final = frozenset(
    b"""
a about academy acute add addison adult advise african african-american after agency all alzheimer am amazon
american an analyse analyze and android annual answer any apgar appendix apple apply april arctic are army
arrange as asia asian ask asperger assess assessment assign assist association at atlantic august aunt
australia australian austria authority avenue aws azure baby bank barre barrett based bay be beach beck been
before being belgium bell best better block blood board body boston both boulevard boy braden brain brazil
breast bridge brief britain british brother build building business by calculate california call campus can
canada canadian cancel cancer capital care case category caucasian cell center central centre chagas chapter
charlson chart chest chicago chief child children china chinese chrome chronic church cite city clarify
class classification classify clinic clinical club co code college colombia colon combine comment commission
committee common community company compare compile complete compose compute conduct conference configure
confirm consider construct contrast convert correct could council count county court cover create credit
criteria critique croatia crohn cuba curate current cushing customer dad data day dear debug december decide
define deliver denmark department deploy describe design detail determine develop development diagnose did
diet different differential director discuss disease disorder display district division do docker doctor
does dose down dr draft draw drive drug dublin due during dutch each ear early east eastern edit education
effect effective effects egypt either electronic eligible emergency employee england english enter estimate
europe european evaluate every evidence examine example excel exhibit explain explore extract eye facebook
factor family fast father february federal festival figure fill final find finland first fix florida follow
following food foot for format forward foundation fracture framingham france free french friday from fund
further garden gate gather general generate german germany get ghana girl github give glasgow global go good
google government grade grand graves great greece greek group growth guide guideline guidelines guillain gut
had haiti hand handle has hashimoto have health heart hello help her here hey hi high highway hill hip his
hispanic history hodgkin hospital hotel house how hubspot hungary huntington i iceland identify if illness
impact implement improve in inc include increase index india indian indicate indonesia influenza inform
initial insert instructions insurance intensive international interpret introduce invite iphone ireland
irish is island israel issue it italian italy item january japan japanese java jewish joint journal july
june junior just kaposi kawasaki keep kenya key kidney kind knee know korea korean kubernetes lake latest
latin latino law lay layperson league leave let letter level life like likely likert limited line linkedin
linux list liver locate london look low lower ltd lung lyme madam mail main make male management manager
maneuver many map march marfan market mass master may maybe me mean measure medical medicine mediterranean
meeting memorial men meniere mental mercy meta method mexican mexico microsoft mid middle might minor
minutes model mom monday month more morse most mother mount mountain move mr mrs ms much mum muscle museum
muslim my name national native natural need needs nerve netflix netherlands never new next nice nigeria no
node normal north northern norway norwegian not note november now nurse nursing october of offer office old
on once one only open option or oracle order organise organization organize other otherwise our outcome
outcomes outline outlook over overview pacific page pain pakistan paraphrase paris park parkinson part
partners patient pediatric people perform peru phase phenomenon philippines place plan plaza please pls
point poland policy polish portugal portuguese possible practice predict prepare present president pressure
prevalence prevent prevention primary prime print prize procedure process product prof professor program
project proofread propose protein protocol provide pt public pulse put python quality quarter question quick
quote rank rate rather raynaud re read really recent recommend recommendations recommended record red reduce
refactor refer reference regarding region regional register rehearse reject relate remind remove rename
render repeat replace reply report request research resident respond rest return review revise reword
rewrite rewritten reye risk risks river road role roleplay romania room rule run russia russian s safe
salesforce same sample saturday say scale scan schedule school science score scotland scottish screen
screening search seattle section see seek select send senior september serbia series service services set
several share she shopify short should show side sign signs simple simplify since singapore sir sister
sjogren sketch skin slack sleep small social society solutions solve some sort sources south southern spain
spanish special speech spell spine square st stage standard start state states station status step still
stop street stripe stroke student study subject submit such suggest sum summarise summarize summary sunday
super support sweden swedish swiss switzerland syndrome system table tabulate taiwan take talk teach team
teams technology tell ten terminal tesla test texas text thailand than thank thanks the their them then
there these they thing think this three through thursday ticket tier time tips tissue title to today tokyo
top topic toronto tourette toward towards town track train transcribe translate trauma treat treated
treatment triad trial try tuesday tumor turkey turkish turn turner twitter two type typical ukraine uncle
under understand unit united university until up update upload upper urgent us usa use used using usual
vaccine valley van vein verify version via vice vienna vietnam village virus visit vitamin vs wales want
ward warn was watch way we wednesday week weekly welcome wernicke west western what when where
whether which while who whom whose why will wilson windows with within without women word work world worth
would write year yes you your youth zone zoom
""".split()
)
_PARTS: Final = re.compile(rb"[A-Za-z][A-Za-z'-]*")


def no_title(data: bytes, start: int, end: int) -> bool:
    """Every word of it could be a name: none is a word of titles or of medicine."""
    words = [word.lower() for word in _PARTS.findall(data, start, end)]
    return _NOT_NAMES.isdisjoint(words) and compiled(ANY_HEALTH_WORD).search(data[start:end]) is None


_TWO_NAMES: Final = re.compile(rb"(?=\b(" + _CAP + rb" (?:[A-Z]\.? )?" + _CAP + rb"))")


def positioned(data: bytes, start: int, end: int) -> bool:
    """Two capitalised words where a person's name stands: the pattern has found what is around them."""
    return any(no_title(data, *found.span(1)) for found in _TWO_NAMES.finditer(data, start, end))


_SAINT: Final = re.compile(rb"\b(?:St|Saint)\.? ?$")


_BEFORE_NAME: Final = re.compile(rb"([A-Za-z][A-Za-z'-]*)[ ]$")
_AFTER_NAME: Final = re.compile(rb" ([A-Z][a-z]+)")


_LAST_TWO: Final = re.compile(_CAP + rb",? (?:[A-Z]\.? )?" + _CAP + rb"$")


def positioned_patient(data: bytes, start: int, end: int) -> bool:
    """The two capitalised words behind "patient" could be a name."""
    words = _LAST_TWO.search(data[start:end])
    return words is not None and no_title(data, start + words.start(), end)


def relative(data: bytes, start: int, end: int) -> bool:
    """The word behind "my aunt" could be a name."""
    return no_title(data, data.rindex(b" ", start, end), end)


def like_a_name(data: bytes, start: int, end: int) -> bool:
    """Two or three capitalised words, and no more in a row than that (a title has more): none of titles."""
    before = _BEFORE_NAME.search(data, max(0, start - 24), start)
    after = _AFTER_NAME.match(data, end, end + 24)
    if before is not None and before[1][:1].isupper() and before[1].lower() not in _NOT_NAMES:
        return False
    return after is None and no_title(data, start, end)


def no_saint(data: bytes, start: int, end: int) -> bool:
    """ "John's" names a person, "St. John's" does not."""
    del end
    return _SAINT.search(data, max(0, start - 8), start) is None


def given_name(data: bytes, start: int, end: int) -> bool:
    """ "John L." is a person, "Hepatitis B." is not, nor is "Part A."."""
    return no_title(data, start, end - 2)


def _words(words: Iterable[str], *, capitalised: bool) -> bytes:
    return "|".join(sorted(word.capitalize() if capitalised else word for word in words)).encode()


_G: Final = _words(GIVEN, capitalised=True)
_S: Final = _words(SURNAMES - COMMON_WORDS, capitalised=True)
_G_LOWER: Final = _words(GIVEN - COMMON_WORDS, capitalised=False)
_S_LOWER: Final = _words(SURNAMES, capitalised=False)
_S_LOWER_RARE: Final = _words(SURNAMES - COMMON_WORDS - GIVEN, capitalised=False)
_G_RARE: Final = _words(GIVEN - COMMON_WORDS, capitalised=True)

_IS_A_PATIENT: Final = (
    rb"(?i:has|had|was|is|takes|took|presents|presented|presenting|needs|underwent|complains|reports|came|visited"
    rb"|lives|denies|suffers|tested|missed|started|developed|admitted|diagnosed|aged?|with|keeps|refuses|refused|asks|asked|wants|wanted|meets|failed|reported|says|said|died|stopped)"
)

_FAMILY: Final = (
    rb"mother|father|wife|husband|son|daughter|brother|sister|mom|dad|mum|aunt|uncle|cousin|grandmother"
    rb"|grandfather|grandma|grandpa|niece|nephew|friend|colleague|neighbou?r|roommate|partner"
)

RULES: Final = (
    Rule(
        "patient-named",
        "phi",
        rb"\b(?:[Pp]atient|PATIENT|[Pp]t)(?i:'s)?(?i: name(?: is)?)?[:,]? "
        + _CAP
        + rb",? (?:[A-Z]\.? )?"
        + _CAP,
        0.8,
        positioned_patient,
    ),
    Rule(
        "name-with-title",
        None,
        rb"\b(?:Mr|Mrs|Ms|Miss|Mx|Sr|Sra|Herr|Frau|Mme|M)\.? [A-Z][a-z']|\b(?i:mrs?)\.? [a-z]{3}",
        0.8,
    ),
    Rule("name-of-doctor", None, rb"\b(?:Dr|Doctor|Prof|Professor|Nurse)\.? [A-Z]", 0.8),
    Rule("name-with-initial", None, rb"\b[A-Z][a-z][a-z]+ [A-Z]\.", 0.7, given_name),
    Rule(
        "name-initials",
        None,
        rb"\b[A-Z]\. ?(?:[A-Z]\. ?)?(?:" + _S + rb")\b",
        0.8,
    ),
    Rule("name-given", None, rb"\b(?:" + _G + rb") " + _MIDDLE + _CAP, 0.8, no_title),
    Rule("name-surname", None, rb"\b" + _CAP + rb" (?:[A-Z]\.? )?(?:" + _S + rb")\b", 0.8, no_title),
    Rule(
        "name-any-case",
        None,
        rb"(?i)\b(?:" + _G_LOWER + rb") (?:[a-z]\.? )?(?:" + _S_LOWER + rb")\b"
        rb"|\b(?:" + _S_LOWER_RARE + rb"),? (?:" + _G_LOWER + rb")\b"
        rb"|\b(?:"
        + _G_LOWER
        + rb") [a-z]{2,15},? (?:has|had|needs|takes|wants|got|is on|c/o|\d{1,3} ?(?:yo|m|f)\b)",
        0.8,
    ),
    Rule(
        "name-labelled",
        None,
        rb"\b(?i:patients?|pts?|name(?: is|d)?|client|member|"
        + _FAMILY
        + rb")[:,]? (?:"
        + _CAP
        + rb"|[A-Z]\.) (?:[A-Z]\.? )?"
        + _CAP,
        0.7,
        positioned,
    ),
    Rule(
        "name-positioned",
        None,
        rb"\b"
        + _CAP
        + rb" (?:[A-Z]\.? )?"
        + _CAP
        + rb"(?:'s)?(?:,? ?\(|,? (?:(?i:aged? )?\d{1,3}\b|(?:an?|who|our) )"
        rb"|,? " + _IS_A_PATIENT + rb"\b|'s\b)",
        0.6,
        positioned,
    ),
    Rule(
        "name-addressed",
        None,
        rb"\b(?i:for|about|regarding|tell|ask|asked|does|is|can|should|may|will|did|has|was|let|help|that|from"
        rb"|see|saw|call|called|check|of|to|by|remind|discharge|treat|counsel|examine|examined) "
        + _CAP
        + rb" (?:[A-Z]\.? )?"
        + _CAP,
        0.5,
        positioned,
    ),
    Rule(
        "name-introduced",
        None,
        rb"\b(?i:i am|i'm|this is|me is|called|signed|sincerely|regards),? "
        + _CAP
        + rb" (?:[A-Z]\.? )?"
        + _CAP,
        0.7,
        positioned,
    ),
    Rule(
        "name-inverted",
        None,
        rb"(?:\b(?i:patients?|pts?|name|client|member|of|for|re)[:,]? |: ?|^|\n)" + _CAP + rb", " + _CAP,
        0.5,
        positioned_patient,
    ),
    Rule("name-like", None, rb"\b" + _CAP + rb" (?:[A-Z]\.? )?" + _CAP, 0.3, like_a_name),
    Rule(
        "name-single",
        None,
        rb"\b(?i:patients?|pts?|named|name is|does|is|can|should|will|did|has|for|"
        + _FAMILY
        + rb"),? (?:"
        + _G_RARE
        + rb")\b|\b(?:"
        + _G_RARE
        + rb")(?:'s\b| "
        + _IS_A_PATIENT
        + rb"\b|, \d)",
        0.6,
        no_saint,
    ),
    Rule("name-of-relative", None, rb"\b[Mm]y (?:" + _FAMILY + rb"),? " + _CAP, 0.7, relative),
)
