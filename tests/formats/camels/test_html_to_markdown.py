"""Saved HTML becomes Markdown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels.html_to_markdown import as_markdown, is_saved_page

ANSWER = (
    '<div class="markdown prose w-full"><p>Two <em>ways</em>:</p>'
    "<ol><li><p>Sort it.</p></li><li><p>Use a <strong>heap</strong>:</p>"
    '<pre><div class="bg-black"><div class="flex"><span>python</span><button>Copy code</button></div>'
    '<div><code class="hljs language-python"><span class="kw">for</span> x in heap:\n'
    "    print(x)\n\n\n\nprint(a &lt; b)\n</code></div></div></pre></li></ol>"
    "<p>See <a href='https://example.org/heap'>here</a>.</p></div>"
)


def test_an_answer_with_a_list_and_a_program() -> None:
    assert as_markdown(ANSWER) == (
        "Two *ways*:\n\n"
        "1. Sort it.\n"
        "2. Use a **heap**:\n"
        "   ```python\n"
        "   for x in heap:\n"
        "       print(x)\n"
        "\n\n\n"
        "   print(a < b)\n"
        "   ```\n\n"
        "See [here](https://example.org/heap)."
    )


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One<br>two</p><p>three</p>", "One\ntwo\n\nthree"),
        ("<h2>Rivers</h2><p>Long.</p>", "## Rivers\n\nLong."),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "* a\n  * b\n* c"),
        ("<blockquote><p>Said</p><p>twice</p></blockquote>", "> Said\n>\n> twice"),
        (
            "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "| x | y |\n| --- | --- |\n| 1 | 2 |",
        ),
        ("<p>Use <code>a  b</code>.</p>", "Use `a  b`."),
        ("<pre><code>x = 1\n</code></pre>", "```\nx = 1\n```"),
        ("<pre><code>a ``` b</code></pre>", "````\na ``` b\n````"),
        ("<p>a <b>b</p><p>c</b></p>", "a **b**\n\nc"),
        ("<p>left open", "left open"),
        ("</div><p>ok</p>", "ok"),
        ("<p>&lt;b&gt; &amp; &eacute;</p>", "<b> & é"),
        ("<script>steal()</script><p>ok</p>", "ok"),
    ],
)
def test_elements(page: str, text: str) -> None:
    assert as_markdown(page) == text


def test_a_text_that_speaks_of_html_is_no_saved_page() -> None:
    assert not is_saved_page("Use <p> and </p>")
    assert not is_saved_page("<div>Hello</div>"), "an answer that is itself a piece of HTML"
    assert not is_saved_page("<p>Hello</p> is a paragraph.")
    assert is_saved_page(ANSWER)


tags = st.sampled_from(
    ["p", "li", "ul", "ol", "pre", "code", "td", "tr", "table", "b", "blockquote", "div", "nonsense"]
)
pieces = st.one_of(tags.map("<{}>".format), tags.map("</{}>".format), st.text("ab \n&<>`*\x00", max_size=5))


@given(st.lists(pieces, max_size=40).map("".join))
def test_no_page_however_broken_stops_it_and_no_mark_of_ours_is_left(page: str) -> None:
    assert "\x00" not in as_markdown(page)


@given(st.lists(st.text("abcdefghij", min_size=1), min_size=1, max_size=6))
def test_no_word_is_lost(said: list[str]) -> None:
    page = "".join(f"<p>{word}</p><ul><li>{word}</li></ul><pre><code>{word}</code></pre>" for word in said)
    markdown = as_markdown(page)
    assert markdown.count("```") == 2 * len(said)
    for word in said:
        assert word in markdown


@pytest.mark.parametrize("page", ["<div>a" * 20_000, "<p>" + ">" * 100_000, "<code>" + " " * 100_000, "<li>" * 20_000])
def test_a_page_made_to_be_slow_is_read_all_the_same(page: str) -> None:
    assert len(as_markdown(page)) <= len(page)
