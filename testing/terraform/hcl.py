"""Reads our own Terraform files without Terraform: blocks, and each argument's text as it stands there.

Not a parser of HCL but of what `terraform fmt` leaves of it. Expressions are not evaluated; `literal` reads
those that are a string, a number or a truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_HEREDOC = re.compile(r"<<-?(\w+)\n(.*?)\n[ \t]*\1$", re.DOTALL | re.MULTILINE)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass
class Block:
    """`kind "label" {...}`; a `dynamic` one is read as the blocks that it makes."""

    kind: str
    labels: tuple[str, ...] = ()
    arguments: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    @property
    def address(self) -> str:
        return ".".join(self.labels)

    def all(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def one(self, *path: str) -> Block:
        """The only block at that path of kinds."""
        block = self
        for kind in path:
            found = block.all(kind)
            assert len(found) == 1, f"{self.kind} {self.address}: {len(found)} of {kind}"
            block = found[0]
        return block

    def walk(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.walk()


def literal(text: str) -> str | int | bool:
    """The value of an argument that is written out; another expression is itself."""
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    quoted = re.fullmatch(r'"([^"$]*)"', text)
    return quoted[1] if quoted else text


def strings(text: str) -> list[str]:
    """Every string that is written in an expression."""
    return re.findall(r'"([^"$]*)"', text)


def read(folder: Path) -> list[Block]:
    """Every top-level block of the folder's *.tf."""
    return [
        block for file in sorted(folder.glob("*.tf")) for block in _Reader(file.read_text()).body().blocks
    ]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def body(self) -> Block:
        block = Block("")
        while self._skip():
            if self.text[self.at] == "}":
                self.at += 1
                break
            self._item(block)
        return block

    def _item(self, into: Block) -> None:
        name = self._name()
        self._skip()
        if self.text[self.at] == "=":
            self.at += 1
            into.arguments[name] = self._expression()
            return
        labels = []
        while self.text[self.at] == '"':
            end = self.text.index('"', self.at + 1)
            labels.append(self.text[self.at + 1 : end])
            self.at = end + 1
            self._skip()
        assert self.text[self.at] == "{", self.text[self.at : self.at + 40]
        self.at += 1
        block = self.body()
        if name == "dynamic":
            block = block.one("content")
            name, labels = labels[0], []
        block.kind, block.labels = name, tuple(labels)
        into.blocks.append(block)

    def _expression(self) -> str:
        """What stands up to the end of the line on which no bracket is open."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            here = self.text[self.at]
            heredoc = _HEREDOC.match(self.text, self.at) if here == "<" else None
            if heredoc:
                self.at = heredoc.end()
                continue
            if here == '"':
                self.at = self._end_of_string()
                continue
            if here == "#":
                self.at = self._end_of_line()
                continue
            depth += (here in _OPENING) - (here in _CLOSING)
            if here == "\n" and depth == 0:
                break
            if depth < 0:
                break
            self.at += 1
        return self.text[start : self.at].strip()

    def _end_of_string(self) -> int:
        at, depth = self.at + 1, 0
        while self.text[at] != '"' or depth:
            if self.text.startswith("${", at):
                depth += 1
                at += 1
            elif depth and self.text[at] in "{}":
                depth += 1 if self.text[at] == "{" else -1
            elif self.text[at] == "\\":
                at += 1
            at += 1
        return at + 1

    def _end_of_line(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        assert found, self.text[self.at : self.at + 40]
        self.at = found.end()
        return found[0]

    def _skip(self) -> bool:
        """Over blanks and comments; whether there is more."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self.at = self._end_of_line()
            elif self.text[self.at].isspace():
                self.at += 1
            else:
                return True
        return False
