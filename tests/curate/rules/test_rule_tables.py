"""What the rules on whole records meet, and what they let pass."""

import base64
import string
import unicodedata
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from selfinstruct.curate.exchanges import Exchange
from selfinstruct.curate.rules import private_data_rules as private_data
from selfinstruct.curate.rules.answer_rules import (
    empty_output,
    merged_items,
    no_input_mark,
    refusal,
    same_as_instruction,
    says_none,
    unfinished,
    unfounded_link,
)
from selfinstruct.curate.rules.any_text_rules import misread_encoding, misspelt_key, repeated_phrases, template_token
from selfinstruct.curate.rules.instruction_rules import control_characters
from selfinstruct.curate.rules.password_rule import password
from selfinstruct.curate.rules.private_data_rules import (
    access_key,
    bank_account,
    email_address,
    identity_number,
    ip_address,
    masked,
    payment_card,
    phone_number,
    private_key,
)
from selfinstruct.curate.rules.rule_tables import RECORD_SETS


def answer(text: str, asked: str = "Tell me about it.") -> Exchange:
    return Exchange(asked, "", text)


@pytest.mark.parametrize(
    "text",
    [
        "Rivers carry water to the sea. The longest of them is the",
        "Rivers carry water to the sea.\n\nMany towns were built on their banks because boats could carry goods",
        "It flows through Turin, Piacenza and",
        "The town has three parts:",
        "```python\nprint(1)",
        "It is the longest river (and the widest",
        "\u201cCome in,\u201d she said. \u201cThe tea is",
        'He looked at the water and said, "I would rather',
        "\u6cb3\u6d41\u5f88\u957f\u3002\u5b83\u6d41\u7ecf\u5f88\u591a\u57ce\u5e02\u548c\u4e61",
        "\u6cb3\u6d41\u6709\u4e09\u90e8\u5206\uff1a",
    ],
)
def test_an_answer_that_was_cut_off_is_seen(text: str) -> None:
    assert unfinished(answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Po",
        "positive",
        "The longest river of Italy is the Po",
        "The Po rises in the Alps. It ends in the Adriatic.",
        "- the Po\n- the Adige",
        "1. The Po is long. It ends in the sea\n2. The Adige is short",
        "def f(x):\n    return [x, (x + 1",
        "for x in xs: print(x)",
        "Dear Ann,\n\nCome to tea on Friday.\n\nYours,\nBea",
        "Dear Ann,\n\nCome to tea on Friday.\n\nBest regards,",
        "I was late again :(",
        "What a day! #tea #sunshine",
        'The rug is 5" wide.',
        "\u201eKomm herein\u201c, sagte sie",
        "\u6cb3\u6d41\u5f88\u957f\u3002",
        "\u957f\u6c5f\u3001\u9ec4\u6cb3",
        "\u0e41\u0e21\u0e48\u0e19\u0e49\u0e33\u0e22\u0e32\u0e27\u0e21\u0e32\u0e01",
        "\u0646\u0647\u0631 \u0637\u0648\u064a\u0644\u061f",
        "Roses are red,\nViolets are blue,\nThe river is long\nAnd so are you",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "It is 3.5 km long (2.2 miles).",
    ],
)
def test_lists_labels_code_poems_and_letters_may_end_as_they_do(text: str) -> None:
    assert unfinished(answer(text)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "I cannot assist with that.",
        "I\u2019m sorry, but I can\u2019t help with this request.",
        "Sorry, as an AI language model I have no favourite river.",
        "As an artificial intelligence, I do not travel.",
        "I apologize, but I am unable to provide medical advice.",
        "Unfortunately, I don't have access to live data.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Es tut mir leid, aber ich kann das nicht beantworten.",
        "Je suis d\u00e9sol\u00e9, mais je ne peux pas r\u00e9pondre.",
        "Beklager, men jeg kan ikke hj\u00e6lpe.",
        "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5\u56de\u7b54\u3002",
        "\u4f5c\u4e3a\u4e00\u4e2aAI\u52a9\u624b\uff0c\u6211\u6ca1\u6709\u7ecf\u5386\u3002",
    ],
)
def test_a_refusal_is_heard_in_several_languages(text: str) -> None:
    assert refusal(answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that you are ill.",
        "I am sorry, but the shop is closed on Sundays.",
        "I can't help but smile when it rains.",
        "I cannot wait to see you.",
        "As an AI researcher, I work on rivers.",
        "Say: \u201cI cannot swim.\u201d",
        "Sorrow is a feeling.",
        "\u8fd9\u53e5\u8bdd\u8bf4\u660e\u6211\u4f5c\u4e3a\u4e00\u4e2a\u4eba\u5de5\u667a\u80fd\u5f88\u597d\u3002",
        "Many people think so. " * 20 + "As an AI, I do not.",
    ],
)
def test_an_answer_that_is_sorry_without_refusing_passes(text: str) -> None:
    assert refusal(answer(text)) == ""


@pytest.mark.parametrize(
    ("asked", "text", "leak"),
    [
        ("Name a river.", "Po\n\n5. Instruction: Name a lake.\n5. Input:\nnone", "5. Instruction:"),
        ("Name a river.", "Po\n\n### Response:\nPo", "### Response:"),
        ("Name a river.", "Po\nInstruction: Name a lake.", "Instruction:"),
        ("Continue the list.\n1. Instruction: Name a lake.", "2. Instruction: Name a sea.", ""),
        ("Write a summary.", "### Output\nrivers", ""),
        ("Write a manual.", "The instruction: press it.", ""),
    ],
)
def test_the_next_item_is_seen_where_it_leaks_into_an_answer(asked: str, text: str, leak: str) -> None:
    assert merged_items(Exchange(asked, "", text)) == leak


@pytest.mark.parametrize(
    ("asked", "text", "met"),
    [
        ("Who sells tea?", "Look at www.tea-of-ten-towns.com.", True),
        ("Who sells tea?", "[here](https://tea.shop/a)", True),
        ("Who sells tea at tea.shop?", "Look at https://tea.shop/menu.", False),
        ("Call an API.", "requests.get('https://api.tea.shop/v1')", False),
        ("Download it.", "Run curl -s https://tea.shop/menu", False),
        ("Write HTML.", '<svg xmlns="http://www.w3.org/2000/svg">', False),
        ("Where does it run?", "At http://localhost:3000/ and https://example.com/a", False),
        ("Write to a shop.", "Visit www.yourshop.com", False),
    ],
)
def test_a_link_is_unfounded_where_the_request_names_no_such_host(asked: str, text: str, met: bool) -> None:  # noqa: FBT001 - a table
    assert bool(unfounded_link(Exchange(asked, "", text))) == met


def test_marks_for_nothing_are_told_from_answers() -> None:
    assert [
        mark for mark in ("<noinput>", "No input.", "N/A", "none") if not no_input_mark(Exchange("Go", mark, "x"))
    ] == []
    assert [
        text for text in ("nonetheless", "a", "No inputs were lost") if no_input_mark(Exchange("Go", text, "x"))
    ] == []
    assert says_none(answer("<nooutput>"))
    assert not says_none(answer("None"))
    assert empty_output(answer("```\n\n```"))
    assert not empty_output(answer("0"))
    assert same_as_instruction(Exchange("Go home.", "", " go HOME.\n"))


def test_running_in_circles_is_told_from_saying_much() -> None:
    assert repeated_phrases(answer("It is what it is and " * 12))
    assert repeated_phrases(answer("\u6211\u559c\u6b22\u6cb3\u6d41\u3002" * 20))
    assert not repeated_phrases(answer(" ".join(f"word{number}" for number in range(400))))
    assert not repeated_phrases(answer("no " * 10))
    assert not repeated_phrases(answer("x" * 500))
    assert repeated_phrases(answer("It is what it is and " * 12), at_most=0.99) == ""


def test_tokens_of_templates_and_misread_letters_are_seen() -> None:
    for text in ("<|endoftext|>", "[INST] Hi", "x</s>", "<<SYS>>", "<start_of_turn>user"):
        assert template_token(text)
    for text in ("if a <| b", "<s>old</s> new", "a[INSTANCE]", "[1] <b>"):
        assert template_token(text) == ""
    for text in ("caf\u00e9", "na\u00efve", "It\u2019s late", "\u201cquoted\u201d", "20\u00a0\u00b0C", "\ufeffstart"):
        assert misread_encoding(text) == ""
        assert misread_encoding(text.encode().decode("cp1252", errors="replace"))
    assert misread_encoding("\u00c2ge, \u00c3O, \u00e2me") == ""
    assert misspelt_key({"Output": 1, "id": 2}) == "Output"
    assert misspelt_key({"inputs_count": 1, "source": 2, "put": 3}) == ""


@pytest.mark.parametrize(
    "key",
    [
        "AKIA2J7QXNVLPB5RTZKD",
        "ghp_" + "a1B2c3D4e5F6" * 3,
        "github_pat_" + "11A2B3C4D5E6F7G8H9I0J1" + "_" + "kQwErTyUiOpAsDfGhJkLzXcVbNm" * 2 + "a1B2c",
        "glpat-x7Kp2mQz9LrT4vWn8sYbHh3.01.1a2b3c4d5",
        "glrt-x7Kp2mQz9LrT4vWn8sYb",
        "sk-or-v1-" + "9fa2c47e8b3d6015" * 4,
        "gsk_" + "kQwErTyUiOpAsDfGhJkLzXcVbN" * 2,
        "dop_v1_" + "9fa2c47e8b3d6015" * 4,
        "dckr_pat_kQwErTyUiOpAsDfGhJkLzXcVbNm",
        "hvs.kQwErTyUiOpAsDfGhJkLzXcVbNm",
        "shpat_" + "9fa2c47e8b3d6015" * 2,
        "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",
        "xapp-1-A02BCDE3F-kQwErTyUiOpA",
        "glpat-x7Kp2mQz9LrT4vWn8sYb",
        "xoxb-2837465019-kQwErTyUiOpA",
        "sk-proj-9fK2LmQ7xR4tV8wZ1bN6cY3dH5gJ0pSa",
        "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",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
    ],
)
def test_keys_of_services_are_seen_and_masked(key: str) -> None:
    shown = access_key(f'token = "{key}"')
    assert shown == masked(key)
    assert key[4:] not in shown


@pytest.mark.parametrize(
    "text",
    [
        "sk-" + "x" * 40,
        "ghp_" + "0" * 36,
        "AIzaYOUR_API_KEY_GOES_HERE_0123456789abc",
        "risk-free-and-then-some-more-words-that-go-on",
        "eyJub3QiOiJhIGhlYWQifQ.eyJzdWIiOiI0MiJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
        "eyJ!!.eyJ.x",
    ],
)
def test_keys_made_up_for_show_pass(text: str) -> None:
    assert access_key(text) == ""


def drawn(length: int, of: str = string.ascii_letters + string.digits, seed: int = 5) -> str:
    """Letters and digits that nobody ever used."""
    return "".join(Random(seed).choices(of, k=length))


@pytest.mark.parametrize("seed", range(5))
def test_tokens_with_numbers_in_a_row_and_keys_that_only_their_name_tells_are_seen(seed: int) -> None:
    def key(length: int, of: str = string.ascii_letters + string.digits) -> str:
        return drawn(length - 3, of, seed) + "7x4" if length > 30 else drawn(length, of, seed)

    some_hex = "0123456789abcdef"
    for line in (
        f"xoxb-123456789012-1234567890123-{key(24)}",
        f"xoxp-123456789012-123456789012-123456789012-{key(32, some_hex)}",
        f"https://discord.com/api/webhooks/{key(18, string.digits)}/{key(68)}",
        f"https://shop.blob.core.windows.net/c?sv=2022-11-02&sig={key(43)}%3D",
        f"AWS_SECRET_ACCESS_KEY={key(40)}",
        f"client_secret: {key(34)}",
        f'"api_key": "{key(32)}"',
        f"config['auth_token'] = '{key(40, some_hex)}'",
        f"Authorization: Bearer {key(40)}",
        f"curl -H 'Authorization: token {key(40)}'",
    ):
        assert access_key(f"Set it up like this:\n{line}\nThen go on."), line
    escaped = "\\n".join(key(64) for _ in range(4))
    assert private_key('{"private_key": "-----BEGIN PRIVATE KEY-----' + f'\\n{escaped}"}}')


def test_what_stands_for_a_key_is_none() -> None:
    for line in (
        'api_key = "your_api_key_goes_here_123"',
        'api_key = os.environ["SHOP_API_KEY_FOR_2024_ORDERS"]',
        "api_key = settings.services.shop.api_key_2024",
        "access_token = get_access_token_from_the_cache_v2(user)",
        "client_secret=xxxxxxxxxxxxxxxxxxxxxxxx",
        "secret_key: /run/secrets/the_key_of_2024_01",
        "Authorization: Bearer YOUR_ACCESS_TOKEN_1234",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9",
    ):
        assert access_key(line) == "", line


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('password = "hunter2secret"', "hunter2secret"),
        ("pwd: rT8jLpZ4q", "rT8jLpZ4q"),
        ("passwd=kestrel44barn", "kestrel44barn"),
        ("export DB_PASSWORD=kestrel44barn", "kestrel44barn"),
        ("MYSQL_ROOT_PASSWORD: 'kestrel44barn'", "kestrel44barn"),
        ('{"user": "mia", "password": "kestrel44barn"}', "kestrel44barn"),
        ("self.smtpPassword = 'Kestrel-44'", "Kestrel-44"),
        ("$config['password'] => 'kestrel44barn',", "kestrel44barn"),
        ("Server=db;User Id=sa;Password=Kestrel$44;Encrypt=yes", "Kestrel$44"),
        ("the password: rT8$jLpZ. Keep it.", "rT8$jLpZ"),
        ("passphrase := `kestrel44barn`", "kestrel44barn"),
        ("postgres://shop:kestrel44@db.corner.shop:5432/orders", "kestrel44"),
        ("mongodb+srv://app:kestrel44@cluster0.corner.shop", "kestrel44"),
        ("redis://:kestrel44@cache.corner.shop", "kestrel44"),
        ("Authorization: Basic " + base64.b64encode(b"mia:kestrel44").decode(), "kestrel44"),
    ],
)
def test_a_password_that_stands_in_a_text_is_seen_and_masked(line: str, secret: str) -> None:
    assert password(f"Do it like this:\n{line}\nThen go on.") == masked(secret)
    assert "password" in RECORD_SETS["secrets"]


@pytest.mark.parametrize(
    "line",
    [
        'password = "your_password"',
        'password = "mypassword123"',
        'password = "P@ssw0rd1"',
        "password = 'secret123'",
        "password: ********",
        "password: <password1>",
        "password = '{password1}'",
        "password=${DB_PASSWORD1}",
        "password=$DB_PASSWORD1",
        'password = os.environ["DB_PASSWORD_1"]',
        "password = getenv('PW1')",
        "password = user2.password",
        "password = hash2(text)",
        'password = "correct horse battery 9"',
        "password: 12345678",
        "password: aaaaaaaa1",
        "Passwords: use 8 to 16 characters",
        "Your password is what you type",
        "password_length = 1234567a",
        "bypass: route66north",
        "compass = 'north44east'",
        "postgres://user:password1@localhost:5432/db",
        "https://corner.shop:8080/@mia2",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    ],
)
def test_what_stands_for_a_password_is_none(line: str) -> None:
    assert password(line) == ""


def fabricated() -> dict[str, str]:
    """Lines with a key of each kind, drawn here: none ever opened anything."""
    draw = Random(7)
    letters, some_hex, small = string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_lowercase
    small += string.digits

    def key(length: int, of: str = letters) -> str:
        return "".join(draw.choices(of, k=length))

    return {
        "aws id": "AKIA" + key(16, string.ascii_uppercase + "234567"),
        "aws secret": f'aws_secret_access_key = "{key(40, letters + "/+")}"',
        "azure storage": f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={key(86)}==",
        "artifactory": "api: AKC" + key(60),
        "cloudant": f"https://shop:{key(64, some_hex)}@shop.cloudant.com",
        "database": f"postgres://shop:{key(22)}@db.corner.shop/orders",
        "discord": f"M{key(23)}.{key(6)}.{key(27)}",
        "github": "ghp_" + key(36),
        "gitlab": "glpat-" + key(20),
        "gitlab runner": "GR1348941" + key(20),
        "gitlab agent": "glagent-" + key(50),
        "google": "AIza" + key(35),
        "groq": "gsk_" + key(52),
        "hugging face": "hf_" + key(34),
        "ibm": f'ibm_cloud_iam_key = "{key(44)}"',
        "ibm storage": f'secret_access_key = "{key(48, some_hex)}"',
        "mailchimp": key(32, small) + "-us12",
        "npm": "npm_" + key(36),
        "npm registry": f"//npm.corner.shop/:_authToken={'-'.join(key(many, some_hex) for many in (8, 4, 4, 4, 12))}",
        "openai": "sk-proj-" + key(48),
        "pypi": "pypi-AgEIcHlwaS5vcmc" + key(80),
        "sendgrid": f"SG.{key(22)}.{key(43)}",
        "shopify": "shpat_" + key(32, some_hex),
        "slack": f"xoxb-{key(12, string.digits)}-{key(12, string.digits)}-{key(24)}",
        "slack hook": f"https://hooks.slack.com/services/T{key(8)}/B{key(8)}/{key(24)}",
        "softlayer": f'softlayer_api_key = "{key(64, small)}"',
        "square": "sq0csp-" + key(43),
        "stripe": "sk_live_" + key(24),
        "telegram": f"{key(9, '123456789')}:{key(35)}",
        "twilio": "SK" + key(32, some_hex),
        "vault": "hvs." + key(24),
    }


def test_the_table_and_the_detectors_find_more_together_than_either_alone() -> None:
    lines = fabricated()
    table = {name for name, line in lines.items() if private_data._KEY.search(line)}
    detectors = {name for name, line in lines.items() if any(private_data._detected(line))}
    both = {name for name, line in lines.items() if access_key(f"Set it up like this:\n{line}\nThen go on.")}
    assert set(lines) - both == set()
    assert table < both
    assert detectors < both
    assert (len(table), len(detectors), len(both)) == (15, 19, 31)


def test_digests_addresses_and_files_are_no_keys() -> None:
    draw = Random(1)
    digest = draw.randbytes(32).hex()
    image = "".join(draw.choices(string.ascii_letters + string.digits + "+/", k=5_000))
    for text in (
        digest,
        digest[:40],
        f"key: {digest}",
        f"sha256-{image[:43]}=",
        f"data:image/png;base64,{image}",
        "key = 550e8400-e29b-41d4-a716-446655440000",
        "https://corner.shop/2024/11/30/how-to-bake-bread-in-10-steps?page=2&sort=new",
        "postgres://user:password@localhost:5432/example_database_1",
        "THE APARTMENTS, THE APACHE2SERVER AND THE APPLICATION1SERVER2024",
        "AccountKey=" + "x" * 86 + "==",
    ):
        assert access_key(text) == "", text


def test_a_long_text_is_looked_through_in_time() -> None:
    for text in (
        "//a1" * 50_000,
        "key=a1 " * 50_000,
        "aws " * 50_000 + "a1" * 20,
        "a1" * 500_000,
        "://a1:" * 50_000,
        "pwd_" * 50_000,
        "password" * 20_000,
    ):
        begun = process_time()
        access_key(text)
        password(text)
        assert process_time() - begun < 5


def test_private_keys_are_seen_and_not_shown() -> None:
    body = "MIIEowIBAAKCAQEA" * 4
    shown = private_key(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----")
    assert shown
    assert body[:16] not in shown


def test_numbers_that_are_no_telephone_pass() -> None:
    for text in ("Call +44 20 7946 0958", "tel: 0171 836 4902", "\u624b\u673a\uff1a13972680415", "(415) 982-3417"):
        assert phone_number(text)
    for text in ("192.168.100.200", "2024-01-31", "100-200-3000", "555-0100", "1234567890", "+1 2", "x = 4159823417"):
        assert phone_number(text) == ""


def test_addresses_of_machines_and_people_are_told_from_their_like() -> None:
    assert email_address("mail jan@bakery.dk now")
    for text in ("@app.route('/')", "a@b", "me@your-domain.com", "git@github.com:a/b", "x@example.org"):
        assert email_address(text) == ""
    for text in ("10.0.0.1", "section 12.13.14.15", "1.2.3.4.5", "999.1.2.3", "10:20:30", "std::vector", "a[::2]"):
        assert ip_address(text) == ""


@given(st.text("0123456789", min_size=15, max_size=15))
def test_one_wrong_digit_makes_a_card_number_wrong(digits: str) -> None:
    right = "4" + digits[1:] + luhn.calc_check_digit("4" + digits[1:])
    assert payment_card(right) or right in private_data._TRIAL_CARDS
    for position in range(1, 16):
        other = str((int(right[position]) + 1) % 10)
        assert payment_card(right[:position] + other + right[position + 1 :]) == ""


@given(st.text("0123456789", min_size=16, max_size=16))
def test_an_account_number_is_met_with_its_own_check_digits_only(digits: str) -> None:
    checks = iban.calc_check_digits(f"DK00{digits[:14]}")
    assert bank_account(f"to DK{checks}{digits[:14]}.")
    assert bank_account(f"to DK{(int(checks) + 1) % 97:02}{digits[:14]}.") == ""


def test_an_account_number_has_the_shape_and_the_digits_of_its_country() -> None:
    assert bank_account("to BE71 0961 2345 6769 please")
    short, nowhere, national = (
        start + iban.calc_check_digits(f"{start}00{rest}") + rest
        for start, rest in (("DK", "0040044011624"), ("QQ", "00400440116243"), ("BE", "096123456770"))
    )
    assert bank_account(f"{short}, {nowhere}, {national}") == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("390.533.447-05", "390.533.447-15"),
        ("11010519491231002X", "110105194912310021"),
        ("211062-5629", "321362-5629"),
        ("X2482300W", "X2482300A"),
        ("131052-308T", "131052-308U"),
        ("2 95 10 99 126 111 93", "2 95 10 99 126 111 94"),
        ("2341 2341 2346", "2341 2341 2347"),
        ("RCCMNL83S18D969H", "RCCMNL83S18D969X"),
        ("971013-9019902", "971013-9019903"),
        ("880320-0016", "880320-0017"),
        ("536-90-4399", "666-90-4399"),
    ],
)
def test_the_number_of_a_person_is_met_with_its_own_check_digits_only(right: str, wrong: str) -> None:
    assert identity_number(f"My number is {right}, thank you.") == masked(right)
    assert identity_number(f"My number is {wrong}, thank you.") == ""


def test_other_numbers_are_nobodys() -> None:
    for text in (
        "123.456.789-09",
        "111.111.111-11",
        "078-05-1120",
        "2024-01-31 10:20",
        "4539 1488 0343 6467",
        "5555-1234",
    ):
        assert identity_number(text) == ""


def test_a_card_number_is_met_in_the_ways_people_write_it() -> None:
    for text in ("5425233430109903", "5425 2334 3010 9903", "5425-2334-3010-9903"):
        assert payment_card(f"card {text}")
    assert payment_card("order 1234567812345670") == ""
    assert payment_card("0.5425233430109903") == ""


@given(st.text() | st.text(st.sampled_from("a\n\t\r \x00\x1f\x7f\x85\xa0\u200b\u2028\ufffd\ud800\ue000")))
def test_control_characters_are_those_that_unicode_calls_so(text: str) -> None:
    control = [
        char
        for char in text
        if (unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t\r") or char == "\ufffd"
    ]
    assert control_characters(text) == (f"U+{ord(control[0]):04X}" if control else "")


@pytest.mark.parametrize(
    "text",
    [
        *("I'm sorry, but I cannot assist.", "Sorry, I can't help.", "My apologies, but I am unable to do that."),
        *("Apologies, I cannot answer.", "Unfortunately, I can't generate it.", "I do not have access to it."),
        *("Lo siento, no puedo.", "Lamento que no puedo.", "Je suis d\u00e9sol\u00e9, je ne peux pas."),
        *(
            "D\u00e9sol\u00e9e, je ne suis pas l\u00e0.",
            "Es tut mir leid, ich kann es nicht.",
            "Tut mir leid, ich kann nicht.",
        ),
        *("Desculpe, n\u00e3o posso.", "Lamento, n\u00e3o posso.", "Sinto muito, n\u00e3o posso."),
        *("Mi dispiace, non posso.", "Beklager, jeg kan ikke.", "Undskyld, jeg kan desv\u00e6rre ikke."),
        *("\u0418\u0437\u0432\u0438\u043d\u0438\u0442\u0435, \u044f \u043d\u0435 \u043c\u043e\u0433\u0443.",),
        *("\u041f\u0440\u043e\u0441\u0442\u0438\u0442\u0435, \u044f \u043d\u0435 \u043c\u043e\u0433\u0443.",),
        "\u041a \u0441\u043e\u0436\u0430\u043b\u0435\u043d\u0438\u044e, \u044f \u043d\u0435 \u043c\u043e\u0433\u0443.",
        *(
            "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5",
            "\u975e\u5e38\u62b1\u6b49\u6211\u4e0d\u80fd",
            "\u5f88\u9057\u61be\u6211\u4e0d\u4f1a",
        ),
        *("\u5bf9\u4e0d\u8d77\uff0c\u6211\u4e0d\u80fd", "\u9057\u61be\uff0c\u4f46\u6211\u6ca1\u6709"),
        "\u7533\u3057\u8a33\u3042\u308a\u307e\u305b\u3093\u304c\u3001\u3067\u304d\u307e\u305b\u3093",
    ],
)
def test_every_opening_of_a_refusal_is_looked_at(text: str) -> None:
    assert refusal(answer(text))
