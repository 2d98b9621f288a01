"""Health records: labelled record numbers, and health words together with something that identifies."""

from __future__ import annotations

from typing import Final

from compliance.detectors.rule import Compound, Rule

_LABEL: Final = (
    rb"(?:mrn|med(?:ical)?[ _-]?rec(?:ord)?s?|(?:patient|hospital|chart|encounter)[ _-]?(?:id|no|num|number"
    rb"|#)|patient[ _-]?identifier|nhs[ _-]?(?:id|no|num|number|#)|health[ _-]?(?:plan|insurance"
    rb"|card)[ _-]?(?:id|no|num|number|#)|medicare[ _-]?(?:id|no|num|number|#)|medicaid[ _-]?(?:id|no|num"
    rb"|number|#))"
)

# Words that are about health wherever they stand.
_CONDITIONS: Final = (
    rb"diabet(?:es|ic)|t[12]dm|htn|hcv|hbv|cvd|tbi|ibs|ibd|hfref|hfpef|nstemi|stemi|cardiovascular"
    rb"|hypertensi(?:on|ve)|hypotension|asthma(?:tic)?|copd|cancer|tumou?rs?|carcinoma|lymphoma|melanoma"
    rb"|leuka?emia|sarcoma|glioblastoma|myeloma|metasta(?:sis|ses|tic)|oncolog(?:y|ist)|epilep(?:sy|tic)"
    rb"|seizures?|migraines?|parkinson'?s|alzheimer'?s|dementia|schizophreni(?:a|c)|bipolar disorder"
    rb"|depressive|anxiety disorder|ptsd|adhd|autis(?:m|tic)|hiv|hepatitis|tuberculosis|covid(?:-19)?"
    rb"|influenza|pneumonia|sepsis|septic|infarction|myocardial|angina|arrhythmia|fibrillation"
    rb"|afib|a-fib|heart failure|chf|atheroscleros\w{1,4}|thrombosis|dvt|embolism|aneurysm"
    rb"|ana?emi(?:a|c)|ha?emophilia|sickle cell|lupus|rheumatoid|psoria\w{2,5}|eczema|crohn'?s|celiac"
    rb"|gerd|cirrhosis|ckd|esrd|kidney disease|renal (?:failure|disease)|dialysis|hypothyroid\w{0,3}"
    rb"|hyperthyroid\w{0,3}|cushing'?s|addison'?s|endometriosis|pcos|pregnan(?:t|cy)|pre-?eclampsia"
    rb"|miscarriage|osteoporosis|fractures?|scoliosis|sciatica|fibromyalgia|multiple sclerosis"
    rb"|cystic fibrosis|fibrosis|glaucoma|cataracts?|macular degeneration|neuropath(?:y|ic)|nephropathy"
    rb"|retinopathy|cardiomyopathy|encephalopathy|obes(?:e|ity)|insomnia|apnea|anorexia|bulimia|opioid use"
    rb"|alcohol use disorder|overdose|hyperlipida?emia|hypercholesterol\w{3,6}|hyperglyc\w{3,6}"
    rb"|hypoglyc\w{3,6}|hyperkal\w{3,6}|hyponatr\w{3,6}|gout|shingles|measles|malaria|lyme disease|syphilis"
    rb"|gonorrh\w{2,4}|chlamydia|herpes|hpv|urinary tract infection|uti|o?edema|neutropenia"
    rb"|thrombocytopenia|prostate|bph|palliative|hospice"
)
_CARE: Final = (
    rb"ehr|mri|ct scan|pet scan|x-?rays?|ultrasound|ecg|ekg|eeg|echocardiogra\w{1,3}|endoscopy|colonoscopy"
    rb"|biops(?:y|ies)|mammogra\w{1,3}|angiogra\w{1,4}|angioplasty|bypass surgery|cabg|stents?|pacemaker"
    rb"|chemotherapy|chemo|radiotherapy|radiation therapy|immunotherapy|transplant(?:ation)?|arthroplasty"
    rb"|(?:hip|knee) replacement|laparoscop\w{1,4}|c-?section|cesarean|intubat\w{2,4}|ventilator"
    rb"|catheter\w{0,8}|hba1c|a1c|ldl|egfr|creatinine|ha?emoglobin|blood (?:pressure|sugar|glucose"
    rb"|test|type|thinners?)|cholesterol|triglycerides|bmi|icd-?(?:9|10)(?:-cm)?|cpt code"
    rb"|anticoagula\w{2,4}|antibiotics?|antidepressants?|antipsychotics?|beta-?blockers?|ace inhibitors?"
    rb"|corticosteroids?|ssris?|statins?|nsaids?|opioids?|diuretics?|insulin|vaccin\w{2,6}|immuniz\w{2,5}"
    rb"|post-?op(?:erative)?|pre-?op(?:erative)?|comorbid\w{1,6}|prognosis|differential diagnosis"
    rb"|diagnos(?:ed|is) with|radiolog\w{1,4}|cardiolog\w{1,4}|neurolog\w{1,4}|psychiatr\w{1,4}"
    rb"|pediatric\w{0,6}|obstetric\w{0,3}|gyna?ecolog\w{1,4}|dermatolog\w{1,4}|orthopa?edic\w{0,2}"
    rb"|ana?esthe\w{2,6}|lab results|discharge summary|clinical trial"
)
# By how generic names of drugs and names of procedures end.
_DRUGS: Final = (
    rb"[a-z]{3,}(?:statin|sartan|olol|cillin|mycin|floxacin|prazole|conazole|tidine|dipine|gliptin"
    rb"|gliflozin|glutide|tinib|ciclib|zumab|ximab|lizumab|limumab|setron|triptan|parin|lukast|thiazide"
    rb"|oxetine|azepam|zolam|caine|vudine|navir|ciclovir|cyclovir)|[a-z]{2,}(?:ectomy|ostomy|itis)"
    rb"|(?:neur|my|arthr)algia"
    rb"|[a-z]{4,}pril|[a-z]{4,}plasty|metformin|warfarin|aspirin|ibuprofen|acetaminophen|paracetamol"
    rb"|prednisone|prednisolone|dexamethasone|levothyroxine|albuterol|gabapentin|pregabalin|tramadol"
    rb"|morphine|oxycodone|hydrocodone|fentanyl|methadone|buprenorphine|naloxone|lithium carbonate"
    rb"|sertraline|citalopram|escitalopram|bupropion|trazodone|quetiapine|risperidone|olanzapine|clozapine"
    rb"|aripiprazole|haloperidol|furosemide|spironolactone|clopidogrel|apixaban|rivaroxaban|dabigatran"
    rb"|digoxin|amiodarone|nitroglycerin|methotrexate|tamoxifen|letrozole|cisplatin|carboplatin|paclitaxel"
    rb"|doxorubicin|levetiracetam|lamotrigine|carbamazepine|valpro\w{2,4}|phenytoin|topiramate|levodopa"
    rb"|donepezil|memantine|allopurinol|colchicine|ozempic|humira|lipitor|xarelto|eliquis|prozac|zoloft"
    rb"|xanax|adderall"
)

RULES: Final = (
    Rule(
        "medical-record-number",
        "phi",
        rb"(?i)(?:\b|_)"
        + _LABEL
        + rb"[ _-]?(?:number|num|no|id)?[^a-z0-9]{0,6}(?:(?:is|was|of|number|no|id)[^a-z0-9]{1,4})?"
        rb"(?:[a-z]{1,6}[-_ ]?)?\d[-0-9a-z]{2}",
    ),
    Rule("health-condition", None, rb"(?i)\b(?:" + _CONDITIONS + rb")\b"),
    Rule("health-care", None, rb"(?i)\b(?:" + _CARE + rb")\b"),
    Rule("health-drug", None, rb"(?i)\b(?:" + _DRUGS + rb")\b"),
    Rule(
        "care-person",
        None,
        rb"(?i)\b(?:patients?|hospital(?:i[sz]ed)?|clinics?|physicians?|nurses?|admitted|discharged"
        rb"|inpatient|outpatient"
        rb"|\d{1,3}[- ]?(?:yo|y/o|year[- ]old)|icu|er visit|surgeon|follow-?up visit)\b",
    ),
    Rule(
        "care-act",
        None,
        rb"(?i)\b(?:diagnos\w{1,5}|symptom\w{0,7}|treatments?|treated|therap(?:y|ies|eutic)|surger(?:y|ies)"
        rb"|surgical|\d{1,4} ?mg|dos(?:e|es|age|ing)|prescri\w{2,7}|medications?|chronic|syndrome"
        rb"|infections?|lesions?|allerg(?:y|ies|ic)"
        rb"|pain|screening|relapse|strokes?|rehab(?:ilitation)?|tx|hx|dx|rx|mgmt)\b",
    ),
)

_IDENTIFIERS: Final = frozenset(
    {
        "ssn-us",
        "ssn-us-labelled",
        "email",
        "phone-international",
        "phone-us",
        "phone-labelled",
        "birth-date",
        "passport",
        "date",
        "name-with-title",
        "name-with-initial",
        "name-labelled",
        "name-given",
    }
)
_HEALTH: Final = frozenset({"health-condition", "health-care", "health-drug", "care-episode"})

COMPOUNDS: Final = (
    Compound("care-episode", None, (frozenset({"care-person"}), frozenset({"care-act"}))),
    Compound("health-record", "phi", (_HEALTH, _IDENTIFIERS)),
)
