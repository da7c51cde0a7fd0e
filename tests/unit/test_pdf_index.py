"""The index of terms: what is a mention, and what is printed of them."""

from __future__ import annotations

import re

import pytest

from generator.diagnostics import Position
from generator.exporters.glossary import reading
from generator.exporters.print_index import (
    IndexEntry,
    IndexGroup,
    Mention,
    TermFinder,
    index_groups,
)
from generator.model import Block, Role, Term

PLACE = Position("content/glossary.yaml")


def term(name: str, zh: str, en: str = "", abbr: str = "") -> Term:
    definition = Block(Role.DEFINITION, "", PLACE, "", ())
    return Term(name, zh, en, abbr, definition, (), (), "", PLACE)


TERMS = (
    term("attention", "注意力", "attention"),
    term("mha", "多头注意力", "multi-head attention", "MHA"),
    term("rag", "检索增强生成", "retrieval-augmented generation", "RAG"),
    term("key", "键", "key"),
    term("ffn", "前馈网络", "FFN & co"),
)
FINDER = TermFinder(TERMS)


def article(text: str, title: str = "题", name: str = "one") -> str:
    return f'<article class="question"><h2 id="q-{name}">{title}</h2>{text}</article>'


def marked(text: str, title: str = "题") -> dict[str, str]:
    """What is marked in a text, by the id of the term."""
    markup, mentions = FINDER.mark(article(text, title))
    assert re.sub(r'<span id="i-[^>]*>([^<]*)</span>', r"\1", markup) == article(text, title)
    found = dict(re.findall(r'<span id="(i-[^"]*)">([^<]*)</span>', markup))
    assert found.keys() <= {mention.anchor for mention in mentions}
    return {mention.term: found.get(mention.anchor, mention.anchor) for mention in mentions}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("注意力与注意力", {"attention": "注意力"}),
        ("多头注意力", {"mha": "多头注意力"}),
        ("多头注意力是注意力", {"mha": "多头注意力", "attention": "注意力"}),
        ("Attention 或 attention", {"attention": "Attention"}),
        ("attentions、inattention、FlashAttention", {}),
        ("RAG、GraphRAG", {"rag": "RAG"}),
        ("rag、RAGs、GraphRAG", {}),
        ("用RAG做", {"rag": "RAG"}),
        ("Retrieval-Augmented Generation", {"rag": "Retrieval-Augmented Generation"}),
        ("关键在此，按键", {}),
        ("键与值：键、值", {"key": "键"}),
        ("FFN &amp; co", {"ffn": "FFN &amp; co"}),
        ("<b>注意力</b>", {"attention": "注意力"}),
        ('<a href="#attention" title="注意力">看</a>', {}),
        ('<img alt="注意力"/>', {}),
        ("<code>attention</code>，<pre><span>attention</span></pre>", {}),
        ('<span class="footnote">注意力</span>', {}),
        ('<sup class="citation"><a href="#r">RAG</a></sup><br>注意力', {"attention": "注意力"}),
    ],
)
def test_mentions(text: str, found: dict[str, str]) -> None:
    assert marked(f"<p>{text}</p>") == found


def test_what_the_title_mentions_stands_at_the_question() -> None:
    assert marked("<p>注意力</p>", "注意力 <b>RAG</b>") == {"attention": "q-one", "rag": "q-one"}


def test_each_question_has_a_first_mention_and_other_sections_have_none() -> None:
    markup = article("<p>注意力</p>") + article("<p>注意力</p>", name="two") + "<p>注意力</p>"
    _, mentions = FINDER.mark(markup)
    assert mentions == [
        Mention("attention", "i-attention-one"), Mention("attention", "i-attention-two"),
    ]  # fmt: skip


def test_a_glossary_without_terms_marks_nothing() -> None:
    assert TermFinder(()).mark(article("注意力")) == (article("注意力"), [])


def test_the_index_is_in_the_order_of_pinyin_and_prints_a_page_once() -> None:
    terms = (*TERMS, term("kv", "KV 缓存"), term("four", "4D 并行"), term("none", "从未提到"))
    mentions = [Mention(name, anchor) for name, anchor in (
        ("attention", "a1"), ("attention", "a2"), ("attention", "a3"), ("rag", "r"), ("mha", "m"),
        ("key", "k"), ("kv", "v"), ("four", "f"),
    )]  # fmt: skip
    labels = {"a1": "3", "a2": "3", "a3": "12", "r": "3", "m": "5", "k": "6", "v": "7", "f": "8"}
    assert index_groups(terms, mentions, labels) == [
        IndexGroup("#", (IndexEntry("4D 并行", "", ("f",)),)),
        IndexGroup("D", (IndexEntry("多头注意力", "MHA", ("m",)),)),
        IndexGroup(
            "J",
            (IndexEntry("检索增强生成", "RAG", ("r",)), IndexEntry("键", "key", ("k",))),
        ),
        IndexGroup("K", (IndexEntry("KV 缓存", "", ("v",)),)),
        IndexGroup("Z", (IndexEntry("注意力", "attention", ("a1", "a3")),)),
    ]


def test_a_word_of_nearly_every_page_is_listed_where_titles_have_it() -> None:
    places = [Mention("rag", f"r{number}", is_title=number % 10 == 0) for number in range(30)]
    labels = {place.anchor: str(number) for number, place in enumerate(places)}
    ((group,),) = (group.entries for group in index_groups(TERMS, places, labels))
    assert group.anchors == ("r0", "r10", "r20")
    ((group,),) = (group.entries for group in index_groups(TERMS, places[:20], labels))
    assert len(group.anchors) == 20


def test_words_of_several_readings_and_names_in_brackets_stand_where_readers_look() -> None:
    names = ["去重", "去污染", "似然", "思维链", "秩稳定 LoRA", "秩（LoRA）", "重参数化", "重排"]
    order = ["重参数化", "重排", "去重", "去污染", "思维链", "似然", "秩（LoRA）", "秩稳定 LoRA"]
    assert sorted(names, key=reading) == order
