"""What stays of an answer that was cut off."""

import pytest

from selfinstruct.generate.whole import whole_part

TALE = "Bread needs flour, water and salt. Knead it for ten minutes, and let it rest for an hour."


@pytest.mark.parametrize(
    ("torn", "whole"),
    [
        (f"{TALE} Then you sh", TALE),
        (f"{TALE} Ask Mr. Bak", TALE),
        (f"{TALE}\n\n1. Flour, as fine as can be.\n2. Wat", f"{TALE}\n\n1. Flour, as fine as can be."),
        (f"{TALE}\n\n- flour\n- water\n- sa", f"{TALE}\n\n- flour\n- water"),
        (f"{TALE} You need:\n\n1. **", TALE),
        (f"{TALE} It costs 2.", TALE),  # perhaps 2.50
        (
            "\u9762\u5305\u8981\u9762\u7c89\u3001\u6c34\u548c\u76d0\u3002\u63c9\u5341\u5206\u949f\u3002\u7136\u540e",
            "\u9762\u5305\u8981\u9762\u7c89\u3001\u6c34\u548c\u76d0\u3002\u63c9\u5341\u5206\u949f\u3002",
        ),
    ],
)
def test_the_text_ends_with_its_last_whole_sentence_or_item(torn: str, whole: str) -> None:
    assert whole_part(torn) == whole


@pytest.mark.parametrize(
    "torn",
    [
        "",
        "Bread needs flour",
        "Bread is fine. It needs flour and water and a good hour in which nobody looks at it, and then an oven that",
        f"{TALE} {TALE} Bread",
        f"{TALE}\n```python\nprint('a. b')\nThat is all. And",
    ],
    ids=["nothing", "no sentence", "too little", "in circles", "open code"],
)
def test_where_too_little_is_whole_nothing_stays(torn: str) -> None:
    assert whole_part(torn) == ""
