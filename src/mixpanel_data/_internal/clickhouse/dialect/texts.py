"""SQL that writes numbers and times as text, as DuckDB writes them."""

from __future__ import annotations

from typing import Any

_LARGEST = "9007199254740992.0"  # 2**53


def doubled(sql: str, compiler: Any) -> str:
    """Return SQL text as the driver wants it, with its percent signs doubled if need be."""
    return sql.replace("%", "%%") if compiler.preparer._double_percents else sql


def decimal(number: str) -> str:
    """Return the SQL of a float as decimal text: 1 for 1.0. Beyond 2**53 the zero stays."""
    whole = f"floor({number}) = {number} AND abs({number}) < {_LARGEST}"
    return f"if({whole}, toString(toInt64({number})), {of_float(number)})"


def of_float(number: str) -> str:
    """Return the SQL of a float as DuckDB's cast writes it, which is as Python does."""
    text = f"toString({number})"
    size = f"abs({number})"
    digits = f"replaceRegexpOne(replaceOne({text}, '-', ''), '0+$', '')"
    small = f"replaceRegexpOne(replaceOne({text}, '-', ''), '^0\\\\.0*', '')"
    sign = f"if({number} < 0, '-', '')"
    large = _exponential(digits, f"toString(length(replaceOne({text}, '-', '')) - 1)", "+")
    zeros = f"length(extract({text}, '0\\\\.(0*)'))"
    tiny = _exponential(small, f"leftPad(toString({zeros} + 1), 2, '0')", "-")
    mantissa, exponent = f"splitByChar('e', {text})[1]", f"splitByChar('e', {text})[2]"
    power = f"replaceOne({exponent}, '-', '')"
    written = f"concat({mantissa}, 'e', if(startsWith({exponent}, '-'), '-', '+'), {_two(power)})"
    return (
        f"multiIf(position({text}, 'e') > 0, {written},"
        f" NOT isFinite({number}), {text},"
        f" {size} >= 1e16, concat({sign}, {large}),"
        f" {size} < 1e-4 AND {number} != 0, concat({sign}, {tiny}),"
        f" position({text}, '.') = 0, concat({text}, '.0'), {text})"
    )


def _exponential(digits: str, exponent: str, sign: str) -> str:
    first, rest = f"left({digits}, 1)", f"substring({digits}, 2)"
    return f"concat({first}, if({rest} = '', '', '.'), {rest}, 'e{sign}', {exponent})"


def _two(power: str) -> str:
    return f"if(length({power}) < 2, concat('0', {power}), {power})"


def of_time(time: str) -> str:
    """Return the SQL of a time as text, without needless zeros of its fraction."""
    zeros = r"\\.0+$|(\\.[0-9]*[1-9])0+$"
    return f"replaceRegexpOne(toString({time}), '{zeros}', '\\\\1')"
