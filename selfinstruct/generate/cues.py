"""What in an English instruction hints at a fixed set of labels, or at open text, for the offline classifier."""

import re

_I = re.IGNORECASE
CUES: dict[str, re.Pattern[str]] = {
    "whether": re.compile(r"\bwhether\b|\b(?:decide|determine|tell|say|judge|check|see|predict) if\b", _I),
    "two_words": re.compile(
        r"\b(?:true or false|yes or no|right or wrong|fact or opinion|valid or invalid|positive or negative"
        r"|pass or fail|yes/no|true/false|or not)\b",
        _I,
    ),
    "label_noun": re.compile(
        r"\b(?:labels?|categor(?:y|ies)|classes|class|options?|choices?"
        r"|sentiment|stance|polarity|genre|intent|multiple[- ]choice)\b",
        _I,
    ),
    "classify": re.compile(
        r"\b(?:classif(?:y|ication|ies)|categori[sz]\w+|label|triage|rout(?:e|ing)|moderate|detect|tag)\b", _I
    ),
    "pick_one": re.compile(
        r"\b(?:choose|choosing|pick|select|which of|one of|out of|chosen|assign|identify (?:the|a|if|whether))\b", _I
    ),
    "answer_with": re.compile(
        r"\b(?:answer|reply|respond|output|return|state|report|say|give|write|print|mark)\b[^.?!]{0,12}"
        r"[\"'\u2018\u201c]?\b(?:yes|no|true|false|0|1|right|wrong|spam|[A-D], [A-D]|positive|negative)\b",
        _I,
    ),
    "listed_labels": re.compile(
        r"\b[\w'-]+(?: \w+)?, [\w'-]+(?: \w+)?,? (?:or|and) (?:an? )?[\w'-]+(?: \w+)?[.?)\"']*\s*$", _I
    ),
    "listed_after": re.compile(r"[:(]\s*[\"']?\w+(?: \w+)?[\"']?(?:, | or |/)", _I),
    "or": re.compile(r"\b\w+,? or (?:an? |the )?\w+", _I),
    "or_at_end": re.compile(r",? or \w+(?: \w+){0,2}[?.]?\s*$", _I),
    "asks_yes_or_no": re.compile(
        r"^(?:is|are|does|do|did|was|were|would|can|could|should|has|have|must)\b(?!.*\byou\b)", _I
    ),
    "given_text": re.compile(
        r"\b(?:given|following|this|provided|the) (?:\w+ )?(?:sentence|text|review|tweet|e-?mail|message|comment"
        r"|statement|passage|article|post|argument|dialogue|conversation|claim|headline|news)\b",
        _I,
    ),
    "judge": re.compile(
        r"^(?:analy[sz]e|determine|evaluate|assess|decide|detect|judge|predict|rate|check|verify|label)\b", _I
    ),
    "sets_of_opposites": re.compile(
        r"\b(?:positive|negative|neutral|spam|true|false|formal|informal|sarcas\w+|offensive|toxic|hate|biased|relevant"
        r"|grammatical|correct|entail\w+|contradict\w+|similar|duplicate|factual|satisfied|valid|plausible)\b",
        _I,
    ),
    "grade": re.compile(r"\b(?:low|medium|high|scale of|stars|urgent|level of|how (?:formal|likely|urgent))\b", _I),
    "open_verb": re.compile(
        r"(?:^|[.:;] )(?:write|create|design|develop|generate|compose|draft|list|explain|describe|summari[sz]e|suggest"
        r"|propose|make|give me|rewrite|translate|invent|plan|tell|construct|outline|produce|provide|imagine|convert"
        r"|find|compute|calculate|brainstorm|come up|discuss|paraphrase|edit|correct|turn|fix|add"
        r"|implement|build|craft)\b",
        _I,
    ),
    "open_question": re.compile(
        r"^(?:how (?:do|can|would|does|should|to|did|is|many|much)|why|what|who|where|when)\b", _I
    ),
    "open_noun": re.compile(
        r"\b(?:story|poem|essay|paragraph|list of|plan|strategy|recipe|speech|script|dialogue between|letter|summary"
        r"|report|guide|steps|ideas|examples?|tips|ways|list (?:\w+ )?(?:ten|five|three|four|six|\d+)"
        r"|reasons|synopsis|proposal)\b",
        _I,
    ),
    "counted": re.compile(r"\b(?:two|three|four|five|six|seven|eight|ten|\d+) (?:\w+ )?\w+s\b", _I),
    "explain_too": re.compile(r"\b(?:explain|justify|describe|discuss|summari[sz]e|suggest)\b", _I),
}
"""Each is present in an instruction or absent."""

PRIOR: dict[str, float] = {
    "whether": 1.5,
    "two_words": 1.5,
    "label_noun": 1.0,
    "classify": 1.5,
    "pick_one": 0.5,
    "answer_with": 1.0,
    "listed_labels": 0.5,
    "listed_after": 0.5,
    "or": 0.5,
    "or_at_end": 0.5,
    "asks_yes_or_no": 1.5,
    "given_text": 0.5,
    "judge": 0.5,
    "sets_of_opposites": 1.0,
    "grade": 0.5,
    "open_verb": -1.0,
    "open_question": -1.0,
    "open_noun": -1.0,
    "counted": -0.5,
    "explain_too": -0.5,
}
"""What each adds to the log-odds before any seed is seen; seeds move it."""
