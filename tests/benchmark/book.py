"""Writes a book to measure with: as large as a handbook, as varied as content/, always the same.

The words mean nothing; their number and kind do. An answer has about 600 Han characters and what
answers in content/ have: formulas, tables, lists, code, citations, links, boxes, clozes, and now
and then a figure or a footnote.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
PARTS, CHAPTERS, QUESTIONS = 10, 5, 10
"""Parts, chapters a part, questions a chapter: 500 questions in 50 files."""

FORMULAS = 150
WORKS = 200
FIGURES = 20
INDEXED = 6


def _words(text: str) -> list[str]:
    return text.split()


_SUBJECTS = _words(
    "注意力层 前馈网络 词嵌入 位置编码 残差连接 归一化层 键值缓存 优化器 学习率 梯度 损失函数 "
    "奖励模型 策略网络 参考模型 检索器 重排模型 向量索引 推理引擎 调度器 量化权重 专家路由 词表 "
    "分词器 训练语料 评测集 智能体 工具调用 上下文窗口 混合精度 流水线并行"
)
_VERBS = _words(
    "决定 限制 放大 抵消 依赖 近似 取代 约束 估计 压缩 平滑 改写 复用 截断 缓解 暴露 掩盖 校正"
)
_OBJECTS = _words(
    "序列长度 显存占用 收敛速度 数值精度 吞吐量 首字延迟 参数数量 通信开销 采样方差 长程依赖 "
    "泛化误差 训练稳定性 注意力分布 激活值 输出分布 批大小 带宽瓶颈 召回率 事实错误 偏好数据"
)
_CLAUSES = (
    "在其余条件不变时", "以常见的配置计算", "如果只看第一步", "换成更长的输入", "按原论文的设定",
    "训练初期尤其如此", "推理阶段则相反", "与直觉不同", "从量纲上看", "逐层累积之后",
)  # fmt: skip
_LATIN = _words(
    "Transformer RoPE RMSNorm SwiGLU FlashAttention LoRA AdamW BF16 GQA MoE DPO PPO GRPO RAG BM25 "
    "HNSW vLLM ZeRO Llama-2 Qwen3 DeepSeek-V3 GPT-3"
)
_CODE_WORDS = _words("x.shape torch.float16 max_len=4096 top_p d_model --tp-size kv_cache softmax")

_PYTHON = '''import numpy as np


def {name}(x, w, scale={scale}, *, causal=True):
    """{comment}"""
    scores = x @ w.T * scale                      # ({rows}, {columns})
    if causal:
        scores = np.where(np.tri(len(x)) > 0, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


rng = np.random.default_rng({seed})
for step in range({columns}):                     # {comment}
    out = {name}(rng.standard_normal(({rows}, 8)), np.eye(8))
    print(f"{{step:>3}} {{out.mean():.4f}}", out.shape == ({rows}, {rows}))
'''
_SHELL = """# {comment}
python -m {name}.serve --model "model-{seed}" --tp {rows} --max-len {columns}00 \\
    --dtype bfloat16 > "$HOME/{name}.log" 2>&1 &
curl -s localhost:8{rows:03}/v1/completions -d '{{"prompt": "你好", "max_tokens": {columns}}}'
"""
_JSON = """{{
  "name": "{name}", "hidden_size": {columns}, "num_attention_heads": {rows},
  "rope_theta": {scale}, "tie_word_embeddings": false, "seed": {seed}
}}
"""
_CODE = (("python", _PYTHON), ("python", _PYTHON), ("bash", _SHELL), ("json", _JSON))

_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 320">
<rect x="8" y="8" width="704" height="304" fill="none" stroke="#888"/>
{marks}
<text x="360" y="300" font-size="18" text-anchor="middle">{title}</text>
</svg>
"""


def write_book(root: Path, seed: int = 20170612, parts: int = PARTS) -> list[Path]:
    """Write the book below ``root``; returns its chapters in order."""
    writer = _BookWriter(random.Random(seed), parts)
    chapters = [
        (root / "content" / f"part-{part}" / f"chapter-{part}-{number}.md", part, number)
        for part in range(parts)
        for number in range(CHAPTERS)
    ]
    for path, part, number in chapters:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(writer.chapter(part, number), encoding="utf-8")
    for number in range(FIGURES):
        path = root / "content" / "figures" / f"drawing-{number}.svg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(writer.drawing(), encoding="utf-8")
    for name, data in (
        ("book", _book(parts)),
        ("references", {"references": [*map(writer.work, range(WORKS))]}),
        ("glossary", [*map(writer.term, range(100))]),
    ):
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        (root / "content" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return [path for path, _, _ in chapters]


def _book(parts: int) -> dict[str, object]:
    return {
        "id": "benchmark",
        "uid": "0" * 32,
        "title": "量一量",
        "language": "zh-CN",
        "authors": ["无名氏"],
        "license": "CC0-1.0",
        "edition": "1",
        "parts": [
            {
                "id": f"part-{part}",
                "title": f"第{part}部分",
                "label": f"{part:02} 部分",
                "chapters": [
                    {"id": f"chapter-{part}-{number}", "label": f"{number:02} 章"}
                    for number in range(CHAPTERS)
                ],
            }
            for part in range(parts)
        ],
    }


@dataclass(frozen=True, slots=True)
class _Formulas:
    """TeX of the project's own formulas: those within a line, and those on lines of their own."""

    inline: list[str]
    display: list[str]


def _formulas() -> _Formulas:
    golden = yaml.safe_load((PROJECT / "tests/golden/formulas.yaml").read_text(encoding="utf-8"))
    display = [item["tex"] for item in golden if item["display"]]
    inline = [item["tex"] for item in golden if not item["display"]]
    for path in sorted((PROJECT / "content").glob("*/*.md")):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        inline += re.findall(r"(?<![$\\])\$(?!\$)([^$\n|]+?)\$(?!\$)", text)
    display = [*dict.fromkeys(display)][: FORMULAS // 3]
    return _Formulas([*dict.fromkeys(inline)][: FORMULAS - len(display)], display)


class _BookWriter:
    def __init__(self, rng: random.Random, parts: int) -> None:
        self.rng = rng
        self.parts = parts
        self.pick = rng.choice
        formulas = _formulas()
        self.display = formulas.display
        self.inline = formulas.inline

    # -- files ------------------------------------------------------------------------------------

    def chapter(self, part: int, number: int) -> str:
        identifiers = [f"q-{part}-{number}-{index}" for index in range(QUESTIONS)]
        head = f"---\ntitle: {self._topic()}\nabstract: {self._sentences(2)}\n---\n"
        blocks = (block for name in identifiers for block in self._question(name))
        return "\n".join((head, *blocks))

    def work(self, number: int) -> dict[str, object]:
        return {
            "id": f"author{number}",
            "type": "article-journal",
            "title": f"{self.pick(_LATIN)} and the {self.pick(_LATIN)} of {self.pick(_LATIN)}",
            "author": [
                {"family": f"Author{letter}", "given": self.pick(("Ada", "Alan", "Grace"))}
                for letter in "abc"
            ],
            "issued": 1990 + number % 35,
            "container-title": "Journal of Benchmarks",
            "volume": str(1 + number % 40),
            "page": f"{number}-{number + 12}",
            "URL": f"https://example.org/abs/{number:05}",
        }

    def term(self, number: int) -> dict[str, object]:
        # A few are what the text speaks of, so that there is an index.
        name = _SUBJECTS[number] if number < INDEXED else f"{self.pick(_SUBJECTS)}{number}"
        return {
            "id": f"entry-{number}",
            "zh": name,
            "en": f"{self.pick(_LATIN)} {number}",
            "definition": self._sentences(1),
        }

    def drawing(self) -> str:
        marks = "\n".join(
            f'<rect x="{40 + 65 * column}" y="{self.rng.randrange(20, 200)}" width="50" '
            f'height="60" fill="#4477aa"/><text x="{44 + 65 * column}" y="240" '
            f'font-size="14">{self.pick(_LATIN)}</text>'
            for column in range(10)
        )
        return _SVG.format(marks=marks, title=self._topic())

    # -- questions --------------------------------------------------------------------------------

    def _question(self, name: str) -> Iterator[str]:
        hot = " .hot" if self._chance(0.2) else ""
        formula = f" ${self.pick(self.inline)}$ " if self._chance(0.1) else ""
        topic = f"{self._topic()}{formula}为什么{self.pick(_VERBS)}{self.pick(_OBJECTS)}？"
        yield f"## {topic} {{#{name} level={self.pick('123')}{hot}}}\n"
        yield f"{self._sentences(1)} {self._citation()}\n"
        kinds = [*[self._paragraph] * 4, *self._extras()]
        for make in self.rng.sample(kinds, len(kinds)):
            yield make(name)
        yield f"::: pitfall\n“{self._sentences(1)}”{self._sentences(2)}\n:::\n"
        yield f"::: followup\n- {self._topic()}？{self._link()}\n- {self._link()}\n:::\n"
        gaps = f"[{self.pick(_OBJECTS)}]{{c=1}}，又[{self.pick(_VERBS)}]{{c=2 hint=动词}}"
        gaps += f"${self.pick(self.inline)}$"
        yield f"::: {{.cloze #{name}-gap}}\n{self._topic()}{gaps}。\n:::\n"

    def _extras(self) -> list[Callable[[str], str]]:
        chances: tuple[tuple[float, Callable[[str], str]], ...] = (
            (0.6, self._formula),
            (0.5, self._table),
            (0.5, self._list),
            (0.35, self._code),
            (0.1, self._note),
            (FIGURES / 500, self._figure),
        )
        return [make for chance, make in chances if self._chance(chance)]

    def _paragraph(self, _name: str) -> str:
        lines = [self._sentences(2), f"{self._sentences(1)}{self._link()}。"]
        return f"**{self._topic()}。** " + "\n".join(lines) + f"{self._citation()}\n"

    def _formula(self, _name: str) -> str:
        return f"$${self.pick(self.display)}$$\n\n{self._sentences(1)}\n"

    def _list(self, _name: str) -> str:
        mark = self.pick(("-", "1."))
        return "\n".join(f"{mark} **{self._topic()}**：{self._clause()}。" for _ in range(4)) + "\n"

    def _table(self, name: str) -> str:
        rows = [
            f"| {self.pick(_LATIN)} | ${self.pick(self.inline)}$ | {self.rng.random():.3f} | "
            f"{self.pick(_VERBS)}{self.pick(_OBJECTS)} |"
            for _ in range(5)
        ]
        head = "| 名称 | 公式 | 数值 | 作用 |\n|:--|:-:|--:|---|"
        return "\n".join((head, *rows, "", f": {self._topic()} {{#tbl-{name}}}\n"))

    def _code(self, _name: str) -> str:
        language, template = self.pick(_CODE)
        code = template.format(
            name=self.pick(("attend", "route", "rank", "sample")),
            scale=round(self.rng.random(), 4),
            comment=self._topic(),
            rows=self.rng.randrange(2, 64),
            columns=self.rng.randrange(64, 512),
            seed=self.rng.randrange(10**6),
        )
        return f"```{language}\n{code}```\n"

    def _note(self, name: str) -> str:
        return f"{self._sentences(1)}[^{name}]\n\n[^{name}]: {self._sentences(1)}\n"

    def _figure(self, name: str) -> str:
        source = f"../figures/drawing-{self.rng.randrange(FIGURES)}.svg"
        return f'![{self._topic()}]({source}){{#fig-{name} width=80% alt="{self._topic()}"}}\n'

    # -- words ------------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _topic(self) -> str:
        return f"{self.pick(_SUBJECTS)}与{self.pick(_OBJECTS)}"

    def _sentences(self, count: int) -> str:
        return "".join(f"{self._clause()}，{self._clause()}。" for _ in range(count))

    def _clause(self) -> str:
        words = f"{self.pick(_SUBJECTS)}{self.pick(_VERBS)}{self.pick(_OBJECTS)}"
        kind = self.rng.random()
        if kind < 0.2:
            return f"{words}，即 ${self.pick(self.inline)}$"
        if kind < 0.35:
            return f"{self.pick(_LATIN)} 的{words}，约为 {self.rng.randrange(10**4)}"
        if kind < 0.4:
            return f"{words}（`{self.pick(_CODE_WORDS)}`）"
        return f"{self.pick(_CLAUSES)}，{words}"

    def _citation(self) -> str:
        keys = self.rng.sample(range(WORKS), self.pick((1, 1, 2)))
        return f"[{'; '.join(f'@author{key}' for key in keys)}]"

    def _link(self) -> str:
        numbers = (self.rng.randrange(count) for count in (self.parts, CHAPTERS, QUESTIONS))
        return f"[](#q-{'-'.join(map(str, numbers))})"
