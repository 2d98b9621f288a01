"""Header fields as nginx keeps them: in order, in the sender's case, found without regard to case."""

from collections.abc import Iterable, Iterator

Field = tuple[bytes, bytes, bytes]  # lower-case name, name as sent, value
Pair = tuple[bytes, bytes]


class Headers:
    """An ordered list of fields. Names passed to `get`, `values` and `remove` are lower case."""

    __slots__ = ("fields",)

    def __init__(self, fields: list[Field] | None = None) -> None:
        self.fields = fields if fields is not None else []

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "Headers":
        return cls([(name.lower(), name, value) for name, value in pairs])

    def get(self, lower: bytes) -> bytes | None:
        """The first value of that name, or None."""
        for field in self.fields:
            if field[0] == lower:
                return field[2]
        return None

    def variable(self, lower: bytes) -> bytes | None:
        """As `get`, and where `_` was sent for `-` too: nginx's variables do not tell them apart."""
        for field in self.fields:
            if field[0] == lower or (b"_" in field[0] and field[0].replace(b"_", b"-") == lower):
                return field[2]
        return None

    def values(self, lower: bytes) -> list[bytes]:
        return [field[2] for field in self.fields if field[0] == lower]

    def add(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), name, value))

    def set(self, name: bytes, value: bytes) -> None:
        """Replaces the first field of that name where it stands and drops the others; else appends."""
        lower = name.lower()
        at = -1
        for index, field in enumerate(self.fields):
            if field[0] == lower:
                at = index
                break
        if at < 0:
            self.fields.append((lower, name, value))
            return
        kept = self.fields[at][1]
        rest = [field for field in self.fields[at + 1 :] if field[0] != lower]
        self.fields[at:] = [(lower, kept, value), *rest]

    def remove(self, lower: bytes) -> None:
        if any(field[0] == lower for field in self.fields):
            self.fields = [field for field in self.fields if field[0] != lower]

    def pairs(self) -> list[Pair]:
        """Name as sent, and value, in order."""
        return [(name, value) for _, name, value in self.fields]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)
