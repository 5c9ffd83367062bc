"""SQL that writes numbers and times as text, as DuckDB writes them."""

from __future__ import annotations

from typing import Any

from mixpanel_data._internal.clickhouse.dialect.json_get import let

_LARGEST = "9007199254740992.0"  # 2**53


def doubled(sql: str, compiler: Any) -> str:
    """Return SQL text as the driver wants it, with its percent signs doubled if need be."""
    return sql.replace("%", "%%") if compiler.preparer._double_percents else sql


def decimal(number: str) -> str:
    """Return the SQL of a float as decimal text: 1 for 1.0. Beyond 2**53 the zero stays."""
    whole = f"floor(_w) = _w AND abs(_w) < {_LARGEST}"
    return let("_w", number, f"if({whole}, toString(toInt64(_w)), {of_float('_w')})")


def of_float(number: str) -> str:
    """Return the SQL of a float as DuckDB's cast writes it, which is as Python does."""
    digits = "replaceRegexpOne(_s, '0+$', '')"
    large = _exponential(digits, "toString(length(_s) - 1)", "+")
    zeros = "length(extract(_s, '0\\\\.(0*)'))"
    small = "replaceRegexpOne(_s, '^0\\\\.0*', '')"
    tiny = _exponential(small, f"leftPad(toString({zeros} + 1), 2, '0')", "-")
    exponent = "splitByChar('e', _s)[2]"
    power = f"replaceOne({exponent}, '-', '')"
    sign = f"if(startsWith({exponent}, '-'), '-', '+')"
    written = f"concat(splitByChar('e', _s)[1], 'e', {sign}, {_two(power)})"
    text = let(
        "_s",
        "toString(abs(_d))",
        f"multiIf(position(_s, 'e') > 0, {written}, NOT isFinite(_d), _s,"
        f" abs(_d) >= 1e16, {large}, abs(_d) < 1e-4 AND _d != 0, {tiny},"
        " position(_s, '.') = 0, concat(_s, '.0'), _s)",
    )
    return let("_d", number, f"concat(if(startsWith(toString(_d), '-'), '-', ''), {text})")


def _exponential(digits: str, exponent: str, sign: str) -> str:
    first, rest = f"left({digits}, 1)", f"substring({digits}, 2)"
    return f"concat({first}, if({rest} = '', '', '.'), {rest}, 'e{sign}', {exponent})"


def _two(power: str) -> str:
    return f"if(length({power}) < 2, concat('0', {power}), {power})"


def of_time(time: str) -> str:
    """Return the SQL of a time as text, without needless zeros of its fraction."""
    zeros = r"\\.0+$|(\\.[0-9]*[1-9])0+$"
    return f"replaceRegexpOne(toString({time}), '{zeros}', '\\\\1')"
