"""Chinese numerals from 1 to 99, as schools and classrooms are numbered. Nothing else counts in them."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"


def chinese_numeral(number: int) -> str:
    """Return 1 as 一, 10 as 十, 24 as 二十四.

    Raises:
        ValueError: outside 1 to 99.
    """
    if not 1 <= number <= 99:
        raise ValueError(f"no school is numbered {number}")
    tens, units = divmod(number, 10)
    text = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return text + (_DIGITS[units] if units else "")
