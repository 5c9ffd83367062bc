"""SQLAlchemy's constructs in ClickHouse's spelling, so that they mean what they mean on DuckDB."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.sql.compiler import ChStatementCompiler
from clickhouse_connect.driver.binding import format_str, quote_identifier
from sqlalchemy import exc, util
from sqlalchemy import types as sqltypes

from mixpanel_data._internal.clickhouse.dialect import json_get, texts
from mixpanel_data._internal.clickhouse.dialect.served import column_of
from mixpanel_data._internal.clickhouse.dialect.texts import doubled
from mixpanel_data._internal.clickhouse.dialect.types import cast_to, is_text

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import BinaryExpression
    from sqlalchemy.sql.selectable import CTE, CompoundSelect

# From SQLAlchemy 2.1 on they are no longer one.
_FRACTIONS = (sqltypes.Numeric, sqltypes.Float)
_UNION_ENDS = "\0of union\0"


def _renamed(name: str) -> Any:
    """Return the visitor of a function that has another name here."""

    def visit(self: Any, fn: Any, **kw: Any) -> str:
        return f"{name}{self.function_argspec(fn, **kw)}"

    return visit


class SQLCompiler(ChStatementCompiler):
    """Statements."""

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        return cast_to(dbapi_type, sqltext)

    def render_literal_value(self, value: Any, type_: Any) -> str:
        # The driver's compiler would escape backslashes once more.
        return super(ChStatementCompiler, self).render_literal_value(value, type_)

    # JSON

    def visit_json_getitem_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        # A key is a name: as a parameter, equal expressions in SELECT and GROUP BY would differ.
        path = [
            doubled(step, self) if isinstance(step, str) else step
            for step in json_get.path_of(binary.right.value)
        ]
        document = self.process(binary.left, **kw)
        column = column_of(binary.left, tuple(json_get.path_of(binary.right.value)))
        if column is not None:
            name = doubled(quote_identifier(column), self)
            raw = document.removesuffix(self.preparer.quote("properties")) + name
            return json_get.of_raw(raw, binary.type)
        return json_get.get(document, path, binary.type)

    visit_json_path_getitem_op_binary = visit_json_getitem_op_binary

    # Casts

    def visit_cast(self, cast: sa.Cast[Any], **kw: Any) -> str:
        text, wanted, given = (
            self.process(cast.clause, **kw),
            cast.typeclause.type,
            cast.clause.type,
        )
        if isinstance(wanted, (sqltypes.DateTime, sqltypes.Date)):
            return cast_to(wanted, text)
        if isinstance(wanted, sqltypes.String):
            return self._as_text(text, given)
        if isinstance(wanted, (sqltypes.Integer, sqltypes.Float)) and is_text(given):
            return json_get.number_of_text(text, self._type(wanted))
        if isinstance(wanted, sqltypes.Integer) and isinstance(given, _FRACTIONS):
            text = f"round({text})"
        return f"CAST({text} AS {self._type(wanted)})"

    def _as_text(self, value: str, given: Any) -> str:
        if isinstance(given, sqltypes.Boolean):
            return f"toString(toBool({value}))"
        if isinstance(given, sqltypes.Float):
            return texts.of_float(value)
        return (
            texts.of_time(value) if isinstance(given, sqltypes.DateTime) else f"toString({value})"
        )

    def visit_try_cast(self, element: Any, **kw: Any) -> str:
        wanted = self._type(element.typeclause.type)
        return f"accurateCastOrNull({self.process(element.clause, **kw)}, {format_str(wanted)})"

    def _type(self, type_: sqltypes.TypeEngine[Any]) -> str:
        return str(self.dialect.type_compiler_instance.process(type_))

    # Functions

    def visit_count_func(self, fn: Any, *, bare: bool = False, **kw: Any) -> str:
        # An unsigned number has no common type with a signed one.
        text = f"count{self.function_argspec(fn, **kw)}"
        return text if bare else f"toInt64({text})"

    def visit_row_number_func(self, fn: Any, **kw: Any) -> str:
        return "row_number()"

    def visit_over(self, over: Any, **kw: Any) -> str:
        counts = _function(over).name in ("count", "row_number")
        text = super().visit_over(over, **{**kw, **({"bare": True} if counts else {})})
        return f"toInt64({text})" if counts else text

    def visit_funcfilter(self, funcfilter: Any, *, bare: bool = False, **kw: Any) -> str:
        if _function(funcfilter).name != "count":
            return str(super().visit_funcfilter(funcfilter, **kw))
        func = self.visit_count_func(funcfilter.func, bare=True, **kw)
        text = f"{func} FILTER (WHERE {self.process(funcfilter.criterion, **kw)})"
        return text if bare else f"toInt64({text})"

    def visit_lag_func(self, fn: Any, **kw: Any) -> str:
        value, *rest = (self.process(clause, **kw) for clause in fn.clauses)
        # At the edge there is NULL, not the type's zero.
        return f"{fn.name}({', '.join([f'toNullable({value})', *rest])})"

    visit_lead_func = visit_lag_func

    def visit_date_trunc_func(self, fn: Any, **kw: Any) -> str:
        # Some units give a date, others a time in whole seconds.
        return f"toDateTime64(date_trunc{self.function_argspec(fn, **kw)}, 6, 'UTC')"

    def visit_stddev_samp_func(self, fn: Any, **kw: Any) -> str:
        value = self.function_argspec(fn, **kw)
        return f"if(count{value} > 1, stddevSamp{value}, NULL)"

    visit_stddev_func = visit_stddev_samp_func

    def visit_round_func(self, fn: Any, **kw: Any) -> str:
        if len(fn.clauses) != 1:
            return f"round{self.function_argspec(fn, **kw)}"
        # Away from zero, where round() takes the even one.
        x = self.function_argspec(fn, **kw)
        return f"(trunc({x}) + if(abs({x} - trunc({x})) >= 0.5, sign({x}), 0))"

    def visit_grouping_sets_func(self, fn: Any, **kw: Any) -> str:
        return f"GROUPING SETS{self.function_argspec(fn, **kw)}"

    visit_char_length_func = visit_length_func = _renamed("lengthUTF8")
    visit_lower_func, visit_upper_func = _renamed("lowerUTF8"), _renamed("upperUTF8")
    visit_substr_func = visit_substring_func = _renamed("substringUTF8")
    visit_ltrim_func, visit_rtrim_func = _renamed("trimLeft"), _renamed("trimRight")
    visit_random_func = _renamed("randCanonical")

    def visit_now_func(self, fn: Any, **kw: Any) -> str:
        return "now64(6, 'UTC')"

    visit_current_timestamp_func = visit_localtimestamp_func = visit_now_func

    # Operators

    def visit_like_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._like("LIKE", binary, **kw)

    def visit_not_like_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._like("NOT LIKE", binary, **kw)

    def visit_ilike_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._like("ILIKE", binary, **kw)

    def visit_not_ilike_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._like("NOT ILIKE", binary, **kw)

    def _like(self, word: str, binary: BinaryExpression[Any], **kw: Any) -> str:
        left, pattern = self.process(binary.left, **kw), self.process(binary.right, **kw)
        # The backslash is the one escape character that ClickHouse has; elsewhere it is itself.
        escape = (binary.modifiers or {}).get("escape")
        if escape != "\\":
            pattern = f"replaceAll({pattern}, '\\\\', '\\\\\\\\')"
        if escape not in (None, "\\"):
            mark = format_str(str(escape))
            pattern = f"replaceAll({pattern}, {format_str(str(escape) * 2)}, '\\x01')"
            pattern = f"replaceAll(replaceAll({pattern}, {mark}, '\\\\'), '\\x01', {mark})"
        return f"{left} {word} {pattern}"

    def visit_regexp_match_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        flags = (binary.modifiers or {}).get("flags")
        pattern = self.process(binary.right, **kw)
        if flags:
            pattern = f"concat({format_str(f'(?{flags})')}, {pattern})"
        return f"match({self.process(binary.left, **kw)}, {pattern})"

    def visit_not_regexp_match_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return f"NOT {self.visit_regexp_match_op_binary(binary, operator, **kw)}"

    def visit_is_distinct_from_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return f"NOT ({self.visit_is_not_distinct_from_binary(binary, operator, **kw)})"

    def visit_is_not_distinct_from_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return f"{self.process(binary.left, **kw)} <=> {self.process(binary.right, **kw)}"

    # Statements

    def visit_compound_select(self, cs: CompoundSelect[Any], **kw: Any) -> str:
        text = str(super().visit_compound_select(cs, **kw))
        union, mark, order = text.rpartition(_UNION_ENDS)
        # Of a bare union the order would be that of its last part.
        return f"SELECT * FROM ({union}){order}" if mark else text

    def group_by_clause(self, select: Any, **kw: Any) -> str:
        if isinstance(select, sa.CompoundSelect):
            ordered = select._order_by_clauses or select._has_row_limiting_clause
            return _UNION_ENDS if ordered else ""
        return str(super().group_by_clause(select, **kw))

    def visit_join(self, join: sa.Join, from_linter: Any = None, **kw: Any) -> str:
        if from_linter:
            # Joined they are, also by a condition that names no column.
            left, right = join.left._from_objects, join.right._from_objects
            pairs = itertools.product(map(_de_clone, left), map(_de_clone, right))
            from_linter.edges.update(pairs)
        return str(super().visit_join(join, from_linter=from_linter, **kw))

    @util.memoized_property
    def _cte_uses(self) -> Counter[str]:
        return Counter()

    def visit_cte(self, cte: CTE, asfrom: bool = False, **kw: Any) -> str | None:
        if asfrom:
            self._cte_uses[_cte_name(cte)] += 1
        return super().visit_cte(cte, asfrom=asfrom, **kw)

    def _render_cte_clause(self, *args: Any, **kw: Any) -> str:
        ctes = self.ctes or {}
        for cte, text in ctes.items():
            name, as_, body = text.partition(" AS \n")
            if cte.recursive and as_:
                # A WITH RECURSIVE of its own, since beside it nothing is computed only once.
                bare = self.preparer.quote(_cte_name(cte))
                inner = f"WITH RECURSIVE {name} AS {body} SELECT * FROM {bare}"
                ctes[cte] = f"{bare} AS MATERIALIZED ({inner})"
            elif self._cte_uses[_cte_name(cte)] > 1:
                # Computed once: its numbers may differ from time to time.
                ctes[cte] = text.replace("` AS \n(", "` AS MATERIALIZED (", 1)
        return str(super()._render_cte_clause(*args, **kw))

    def get_cte_preamble(self, recursive: bool) -> str:
        return "WITH"

    def visit_tablesample(self, tablesample: Any, asfrom: bool = False, **kw: Any) -> str:
        method = tablesample._get_method()
        if method.name != "reservoir":
            raise exc.CompileError("ClickHouse samples rows by number: use sampled(rows, size)")
        size = str(next(iter(method.clauses))).removesuffix(" ROWS")
        inner = tablesample.element._compiler_dispatch(self, asfrom=True, **kw)
        name = self.preparer.format_alias(
            tablesample,
            self._truncated_identifier("alias", tablesample.name)
            if isinstance(tablesample.name, sa.sql.elements._truncated_label)
            else tablesample.name,
        )
        return f"(SELECT * FROM {inner} ORDER BY rand() LIMIT {int(size)}) AS {name}"


def _de_clone(element: Any) -> Any:
    return element._de_clone() if hasattr(element, "_de_clone") else element


def _function(element: Any) -> Any:
    """Return the function of an OVER or FILTER clause."""
    while not isinstance(element, sa.sql.functions.FunctionElement):
        element = element.func if hasattr(element, "func") else element.element
    return element


def _cte_name(cte: CTE) -> str:
    original = cte if cte._cte_alias is None else cte._cte_alias
    return str(original.name)
