"""Finding an explicit wish for a person, without a model, in several languages."""

import re
from typing import Final

# Each pattern needs both a wish (speak to, connect me, I want) and a person (human, agent, someone real), or is a
# phrase that people use for nothing else. Adding a language is adding its lines; tests/core/test_humans.py lists phrases.
_PERSON_EN: Final = (
    r"(?:a |an |the |your |some |any )?(?:real |actual |live |human |proper )?"
    r"(?:human(?: being)?|person|people|agent|representative|rep|operator|advisor|adviser|supervisor|manager|"
    r"somebody|someone|member of (?:staff|your team)|customer (?:service|support|care))"
)
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # English
        rf"\b(?:speak|talk|chat|connect|transfer|pass|put|hand|escalate|forward|get)\b[^.!?\n]{{0,25}}?"
        rf"\b(?:to|with|through to|over to|me)\s+{_PERSON_EN}\b",
        r"\b(?:want|need|give me|get me|prefer|like|demand|require)\s+(?:to (?:speak|talk|chat) (?:to|with)\s+)?"
        r"(?:a |an |the )?(?:real |actual |live |human )(?:human(?: being)?|person|agent|representative|rep|operator|being)\b",
        r"\b(?:want|need|give me|get me)\s+(?:a |an )?(?:human|person|supervisor|manager)\b(?! (?:error|resources))",
        r"\b(?:is|are) (?:there|this|you) (?:a |an )?(?:real |actual |live )?(?:human|person|robot|bot|machine)\b",
        r"\b(?:stop|no more|not (?:a|another)|don[’']?t want (?:a|to talk to a|to speak to a)|instead of a) "
        r"(?:chat ?)?(?:bot|robot|machine|automated)\b",
        r"\b(?:human|live agent|real person|operator|representative|agent) (?:please|now|pls)\b|^\s*(?:human|agent|operator|representative)[.! ]*$",
        r"\b(?:call|phone|ring) me(?: back)?\b|\bcan (?:someone|somebody|anyone) (?:call|phone|ring) me\b",
        # German
        r"\b(?:mit|zu|an) (?:einem|einer|nem|ner|eine[nm]?) (?:echten |richtigen |menschlichen |realen )?"
        r"(?:menschen|mitarbeiter(?:in)?|person|kundenberater(?:in)?|berater(?:in)?|ansprechpartner(?:in)?|vorgesetzten)\b",
        r"\b(?:echte[nr]?|richtige[nr]?) (?:menschen?|person|mitarbeiter(?:in)?)\b|\bkein(?:en)? (?:bot|roboter)\b|\brufen sie mich\b",
        # French
        r"\b(?:parler|discuter|échanger|joindre|avoir|contacter)\b[^.!?\n]{0,20}\b(?:(?:à|avec) )?(?:un |une |des )?"
        r"(?:vrai[es]* )?(?:humain|personne|conseiller|conseillère|agent|opérateur|responsable|être humain|quelqu[’']un)\b",
        r"\bvraie personne\b|\brappelez[- ]moi\b",
        # Spanish
        r"\b(?:hablar|comunicar\w*|contactar|p[aá]s[ae]\w*|con[eé]ct\w+)\b[^.!?\n]{0,20}\b(?:con|a) (?:un |una |el |la )?\s?"
        r"(?:persona|humano|agente|operador[a]?|representante|supervisor[a]?|encargado|asesor[a]?|ser humano|alguien)\b",
        r"\bpersona real\b|\bllámenme\b",
        # Italian
        r"\b(?:parlare|passatemi|passami|contattare)\b[^.!?\n]{0,15}\b(?:con )?(?:un |una |qualcuno|l[’'])?\s?"
        r"(?:operatore|operatrice|persona|umano|essere umano|responsabile|addetto)\b|\bpersona (?:vera|reale)\b",
        # Portuguese
        r"\b(?:falar|conversar)\b[^.!?\n]{0,15}\bcom (?:um |uma |alguém|o |a )?\s?(?:atendente|pessoa|humano|agente|gerente|supervisor)\b",
        r"\batendente humano\b|\bpessoa (?:real|de verdade)\b",
        # Dutch
        r"\b(?:spreken|praten|doorverbonden|contact)\b[^.!?\n]{0,20}\b(?:met )?(?:een )?(?:echt(?:e)? )?(?:mens|persoon|medewerker|iemand)\b",
        r"\bmet iemand (?:spreken|praten|bellen)\b",
        r"\b(?:een|met een) (?:echt(?:e)? )?(?:mens|persoon|medewerker)\b[^.!?\n]{0,20}\b(?:spreken|praten)\b",
        # Swedish, Danish, Norwegian
        r"\b(?:prata|tala|snakke|tale)\b[^.!?\n]{0,15}\b(?:med|til) (?:en |et )?(?:riktig |rigtig |ekte )?"
        r"(?:människa|person|handläggare|medarbetare|menneske|medarbejder|kundebehandler)\b",
        # Polish
        r"\b(?:porozmawiać|rozmawiać|połącz\w*|skontaktować)\b[^.!?\n]{0,20}\b(?:z|ze) (?:człowiekiem|konsultantem|osobą|pracownikiem|kimś|kierownikiem)\b",
        # Turkish
        r"\b(?:insan|temsilci|yetkili|müşteri temsilcisi)\w*\b[^.!?\n]{0,20}\b(?:konuş|görüş|bağla)\w*",
    )
)


def asks_for_a_person(text: str) -> str:
    """The customer's words that ask for a person, at most 120 characters; empty if none do."""
    for pattern in _PATTERNS:
        if match := pattern.search(text):
            return match.group(0).strip()[:120]
    return ""
