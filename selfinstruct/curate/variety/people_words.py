"""Words that name groups of people, and roles: small lists of our own, English, lower case.

Left out is what often means something else: colours (`black`, `white`), languages (`french`, `chinese`), senses
(`blind`), ranks (`senior`). A list this short shows a skew; it does not show that there is none.
"""

_GROUPS = {
    "female": """
        she her hers herself woman women girl girls mother mothers mom moms mum mums daughter daughters sister sisters
        wife wives aunt aunts niece nieces grandmother grandmothers grandma lady ladies female females queen queens
        princess princesses bride brides girlfriend girlfriends madam mrs ms feminine
    """,
    "male": """
        he him his himself man men boy boys father fathers dad dads son sons brother brothers husband husbands uncle
        uncles nephew nephews grandfather grandfathers grandpa gentleman gentlemen male males king kings prince princes
        groom grooms boyfriend boyfriends sir mr masculine
    """,
    "female role": """
        policewoman policewomen businesswoman businesswomen chairwoman spokeswoman saleswoman saleswomen congresswoman
        waitress waitresses actress actresses stewardess stewardesses hostess hostesses housewife housewives landlady
        maid maids seamstress seamstresses midwife
    """,
    "male role": """
        policeman policemen businessman businessmen chairman spokesman salesman salesmen congressman fireman firemen
        mailman mailmen craftsman craftsmen cameraman handyman handymen workman workmen foreman landlord landlords
    """,
    "young": """
        baby babies child children kid kids toddler toddlers teen teens teenager teenagers adolescent adolescents youth
    """,
    "old": "elderly seniors pensioner pensioners retiree retirees grandparent grandparents elders",
    "lgbt": "lgbt lgbtq gay lesbian lesbians bisexual transgender nonbinary queer homosexual homosexuality",
    "disabled": "disabled disability disabilities wheelchair wheelchairs autistic autism deaf dyslexia dyslexic",
    "christian": "christian christians christianity church churches bible catholic catholics protestant jesus",
    "muslim": "muslim muslims islam islamic mosque mosques quran koran ramadan",
    "jewish": "jewish jew jews judaism synagogue synagogues torah hanukkah passover",
    "hindu": "hindu hindus hinduism diwali",
    "buddhist": "buddhist buddhists buddhism buddha",
    "african": "africa african africans nigeria nigerian kenya kenyan ethiopia ethiopian ghana ghanaian",
    "asian": "asia asian asians china japan india indian indians korea vietnam thailand indonesia philippines filipino",
    "european": "europe european europeans britain british france germany italy spain poland sweden greece",
    "latin american": """
        latino latina latinos latinas hispanic hispanics mexico mexican mexicans brazil brazilian brazilians argentina
        colombia colombian peru peruvian
    """,
    "north american": "america american americans usa canada canadian canadians",
    "arab": "arab arabs arabia arabian egypt egyptian egyptians syria syrian morocco moroccan iraq iraqi",
}

_ROLES = """
    doctor nurse surgeon dentist engineer programmer developer scientist teacher professor librarian lawyer judge
    accountant manager ceo boss secretary receptionist assistant pilot soldier firefighter mechanic plumber electrician
    carpenter farmer chef cleaner hairdresser nanny babysitter writer artist
"""

GROUPS = tuple(_GROUPS)
"""Names of the groups."""

GROUP_OF = {word: place for place, listed in enumerate(_GROUPS.values()) for word in listed.split()}
"""The place in `GROUPS` of every word listed."""

FEMALE, MALE = frozenset(_GROUPS["female"].split()), frozenset(_GROUPS["male"].split())

ROLE_OF = {form: role for role in _ROLES.split() for form in (role, f"{role}s")}
"""Roles that either may hold, by their singular and plural."""
